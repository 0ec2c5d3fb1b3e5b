//! Running text.

use serde::Serialize;

use super::markup::{element, prose};

/// A paragraph; words between backticks become code, everything else is text as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Paragraph {
    /// The text.
    pub text: String,
}

impl Paragraph {
    /// A paragraph.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// Appends the paragraph as HTML.
    pub fn render(&self, out: &mut String) {
        element(out, "p", &[], |out| prose(out, &self.text));
    }
}
