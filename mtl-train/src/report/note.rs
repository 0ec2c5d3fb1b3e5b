//! Something the reader must not miss: where the data come from, what went wrong.

use serde::Serialize;

use super::markup::{element, leaf, prose};

/// A text that stands out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Note {
    /// How much it matters.
    pub kind: NoteKind,
    /// The text; words between backticks become code.
    pub text: String,
}

/// How much a note matters. The kind is written out, so that it does not hang on a color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// Good to know.
    #[default]
    Info,
    /// Went well.
    Success,
    /// Read the numbers with care: synthetic data, a single seed.
    Caution,
    /// Went wrong: a run that diverged.
    Failure,
}

impl NoteKind {
    fn class_and_label(self) -> (&'static str, &'static str) {
        match self {
            Self::Info => ("note info", "Note"),
            Self::Success => ("note success", "Passed"),
            Self::Caution => ("note caution", "Caution"),
            Self::Failure => ("note failure", "Failed"),
        }
    }
}

impl Note {
    /// A note of a kind.
    pub fn new(kind: NoteKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// Appends the note as HTML.
    pub fn render(&self, out: &mut String) {
        let (class, label) = self.kind.class_and_label();
        element(out, "p", &[("class", &class), ("role", &"note")], |out| {
            leaf(out, "strong", &[], label);
            out.push(' ');
            prose(out, &self.text);
        });
    }
}
