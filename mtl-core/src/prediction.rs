//! What heads say and metrics read: plain values, no logits tensors, no graph.
//!
//! Both enums are closed over the kinds of task that exist, so that a metric can match on them exhaustively; scores
//! carry what they are ([`Scores`]), because guessing "logits or probabilities?" from a batch's value range goes wrong.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// The class label that means "not known".
pub const MISSING_CLASS: i64 = -100;

/// What a score is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scores {
    /// Before softmax or sigmoid: any real number.
    Logits,
    /// After it: `[0, 1]`.
    Probs,
}

/// The decoded output of a head for one batch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Prediction {
    /// One of `c` classes.
    Class {
        /// `[b, c]`.
        scores: Array2<f32>,
        /// What the scores are.
        kind: Scores,
    },
    /// Independent yes/no labels.
    MultiLabel {
        /// `[b, c]`.
        scores: Array2<f32>,
        /// What the scores are.
        kind: Scores,
    },
    /// Numbers in the target's unit.
    Values {
        /// `[b, k]`.
        values: Array2<f32>,
    },
}

impl Prediction {
    /// The number of samples.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        match self {
            Self::Class { scores, .. } | Self::MultiLabel { scores, .. } => scores.nrows(),
            Self::Values { values } => values.nrows(),
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Class { .. } => "class scores [b, c]",
            Self::MultiLabel { .. } => "yes/no scores [b, c]",
            Self::Values { .. } => "numbers [b, k]",
        }
    }
}

/// The truth for one batch, as plain values.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reference {
    /// `[b]` labels, [`MISSING_CLASS`] where unknown.
    Class(Vec<i64>),
    /// `[b, c]` of 0 and 1, NaN where unknown.
    MultiLabel(Array2<f32>),
    /// `[b, k]`, NaN where unknown.
    Values(Array2<f32>),
}

impl Reference {
    /// The number of samples.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        match self {
            Self::Class(labels) => labels.len(),
            Self::MultiLabel(m) | Self::Values(m) => m.nrows(),
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Class(_) => "class labels [b]",
            Self::MultiLabel(_) => "yes/no labels [b, c]",
            Self::Values(_) => "numbers [b, k]",
        }
    }
}
