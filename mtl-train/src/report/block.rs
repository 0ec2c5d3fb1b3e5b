//! Everything a document can hold.

use serde::Serialize;

use super::{
    bar_chart::BarChart, columns::Columns, details::Details, heading::Heading, heat_map::HeatMap,
    key_values::KeyValues, line_chart::LineChart, note::Note, paragraph::Paragraph, rank_chart::RankChart,
    table::Table, tagged_text::TaggedText,
};

/// Writes the enum once: a variant per type of the same name, its rendering, and the conversion into it.
macro_rules! blocks {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A part of a document, in the order of reading. Every struct of a block turns into this by `into()`.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(tag = "block", rename_all = "kebab-case")]
        pub enum Block {
            $($(#[$doc])* $name($name),)*
        }

        impl Block {
            /// Appends the block as HTML.
            pub fn render(&self, out: &mut String) {
                match self {
                    $(Self::$name(block) => block.render(out),)*
                }
            }
        }

        $(impl From<$name> for Block {
            fn from(block: $name) -> Self {
                Self::$name(block)
            }
        })*
    };
}

blocks! {
    /// Heading of a section.
    Heading,
    /// Running text.
    Paragraph,
    /// A text that stands out.
    Note,
    /// Rows of numbers.
    Table,
    /// Texts with a tag a word.
    TaggedText,
    /// Curves.
    LineChart,
    /// A matrix as colors.
    HeatMap,
    /// Values per category.
    BarChart,
    /// Mean ranks with a critical difference.
    RankChart,
    /// Names with a value each.
    KeyValues,
    /// Blocks side by side.
    Columns,
    /// Blocks that open on request.
    Details,
}
