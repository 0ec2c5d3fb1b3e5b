//! A column of a table: its heading, its side, its winner.

use serde::Serialize;

/// Heading and rules of a column.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Column {
    /// What is in it: `AUROC`.
    pub label: String,
    /// Name over neighboring columns that belong together, such as a task.
    pub group: Option<String>,
    /// Side on which cells are aligned.
    pub align: Align,
    /// Which measured value is printed in bold, if any.
    pub best: Option<Best>,
    /// Whether cells are running text, which takes several lines rather than the whole width.
    pub wrap: bool,
}

/// Side on which the cells of a column are aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    #[default]
    Right,
    /// Marks.
    Center,
}

/// Which value of a column wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Best {
    /// The more, the better.
    Highest,
    /// The less, the better.
    Lowest,
}

impl Column {
    /// A column of words.
    pub fn words(label: impl Into<String>) -> Self {
        Self { label: label.into(), align: Align::Left, ..Self::default() }
    }

    /// A column of sentences.
    pub fn prose(label: impl Into<String>) -> Self {
        Self { wrap: true, ..Self::words(label) }
    }

    /// A column of numbers without a winner.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }
}
