//! Heading of a section.

use serde::Serialize;

use super::markup::leaf;

/// A heading. Those of level 2 that stand directly in the document are listed at its top.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Heading {
    /// The words.
    pub text: String,
    /// 2 for a section, 3 for a part of it, 4 for a part of that; the title of the document is 1.
    pub level: u8,
}

impl Heading {
    /// The heading of a section.
    pub fn section(text: impl Into<String>) -> Self {
        Self { text: text.into(), level: 2 }
    }

    /// The heading of a part of a section.
    pub fn part(text: impl Into<String>) -> Self {
        Self { text: text.into(), level: 3 }
    }

    /// Appends the heading as HTML.
    pub fn render(&self, out: &mut String) {
        leaf(out, self.tag(), &[], &self.text);
    }

    /// Appends the heading with an address inside the page.
    pub(super) fn render_with_anchor(&self, out: &mut String, anchor: &str) {
        leaf(out, self.tag(), &[("id", &anchor)], &self.text);
    }

    fn tag(&self) -> &'static str {
        match self.level {
            0..=2 => "h2",
            3 => "h3",
            _ => "h4",
        }
    }
}
