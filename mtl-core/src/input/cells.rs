//! The parts of a sample that one can point at: what explanations, the doctor and summaries speak of.
//!
//! These few forms are all that those places know; a modality says which one is its own, so that a new modality needs
//! no change there.

use super::CategoricalField;

/// The parts of a sample of one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cells<'a> {
    /// Columns of codes `[b, f]`.
    Codes(&'a [CategoricalField]),
    /// Columns of numbers `[b, n]`, by name.
    Numbers(&'a [String]),
    /// The places of a picture `[b, c, h, w]`.
    Grid {
        /// Rows.
        height: i64,
        /// Columns.
        width: i64,
    },
    /// Positions along an axis: of a text, of a signal, items of a set. They have no names.
    Positions,
    /// Nothing smaller than the whole.
    Whole,
}
