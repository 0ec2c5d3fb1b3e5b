//! What heads answer and metrics read: plain values, no logits tensors, no graph.
//!
//! Both enums have one variant a kind of [answer](crate::answer), so that a metric matches them without wildcards; scores
//! carry what they are ([`Scores`]), because guessing "logits or probabilities?" from a batch's value range goes wrong.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::answer::{AnswerTag, Cells, Labels};

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
    /// One of `c` grades, the lowest first.
    Ordinal {
        /// `[b, c]`.
        scores: Array2<f32>,
        /// What the scores are.
        kind: Scores,
    },
    /// A tag for each item.
    Tags {
        /// Any number of items a sample, each with `c` scores.
        scores: Labels,
        /// What the scores are.
        kind: Scores,
        /// The tag of each item where that is not simply the one of the highest score: the best path of a chain, beside
        /// scores that are probabilities of items; ragged as the scores, one index an item. See [`said_tags`](Self::said_tags).
        path: Option<Labels>,
    },
    /// A sequence of tokens.
    Sequence {
        /// Any number of tokens a sample.
        tokens: Labels,
    },
    /// An answer of a kind from outside, in the storage of labels.
    Custom {
        /// The kind's name.
        kind: &'static str,
        /// What was answered.
        values: Labels,
    },
}

impl Prediction {
    /// The number of samples.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        match self {
            Self::Class { scores, .. } | Self::MultiLabel { scores, .. } | Self::Ordinal { scores, .. } => {
                scores.nrows()
            }
            Self::Values { values } => values.nrows(),
            Self::Tags { scores: items, .. }
            | Self::Sequence { tokens: items }
            | Self::Custom { values: items, .. } => items.len(),
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Class { .. } => "class scores [b, c]",
            Self::MultiLabel { .. } => "yes/no scores [b, c]",
            Self::Values { .. } => "numbers [b, k]",
            Self::Ordinal { .. } => "scores of grades [b, c]",
            Self::Tags { .. } => "scores of tags [b, l, c]",
            Self::Sequence { .. } => "tokens [b, l]",
            Self::Custom { kind, .. } => kind,
        }
    }

    /// The axes behind the batch's; -1 is the number of items, which differs between samples.
    #[must_use]
    pub fn axes(&self) -> Vec<i64> {
        let items = |labels: &Labels| {
            let ragged = labels.is_ragged().then_some(-1);
            ragged.into_iter().chain(labels.item().iter().map(|&n| n as i64)).collect()
        };
        match self {
            Self::Class { scores, .. } | Self::MultiLabel { scores, .. } | Self::Ordinal { scores, .. } => {
                vec![scores.ncols() as i64]
            }
            Self::Values { values } => vec![values.ncols() as i64],
            Self::Tags { scores, .. } => items(scores),
            Self::Sequence { tokens } => items(tokens),
            Self::Custom { values, .. } => items(values),
        }
    }

    /// The first of its numbers that is not finite.
    #[must_use]
    pub fn not_finite(&self) -> Option<f32> {
        let of_items = |labels: &Labels| match labels.cells() {
            Cells::Index(_) => None,
            Cells::Number(cells) => cells.iter().copied().find(|x| !x.is_finite()),
        };
        match self {
            Self::Class { scores, .. } | Self::MultiLabel { scores, .. } | Self::Ordinal { scores, .. } => {
                scores.iter().copied().find(|x| !x.is_finite())
            }
            Self::Values { values } => values.iter().copied().find(|x| !x.is_finite()),
            Self::Tags { scores, .. } => of_items(scores),
            Self::Sequence { tokens } => of_items(tokens),
            Self::Custom { values, .. } => of_items(values),
        }
    }

    /// The kind of answer that it is.
    #[must_use]
    pub fn tag(&self) -> AnswerTag {
        match self {
            Self::Class { .. } => AnswerTag::Class,
            Self::MultiLabel { .. } => AnswerTag::MultiLabel,
            Self::Values { .. } => AnswerTag::Values,
            Self::Ordinal { .. } => AnswerTag::Ordinal,
            Self::Tags { .. } => AnswerTag::Tags,
            Self::Sequence { .. } => AnswerTag::Sequence,
            Self::Custom { kind, .. } => AnswerTag::Custom(kind),
        }
    }

    /// What is said of each item of a sample, if these are tags: the path where there is one, else the tag of the highest
    /// score, the first of equals, and [`MISSING_CLASS`] where a score is not a number. Whoever counts, writes or shows tags asks here.
    #[must_use]
    pub fn said_tags(&self, sample: usize) -> Option<Vec<i64>> {
        let Self::Tags { scores, path, .. } = self else { return None };
        if let Some(path) = path {
            let Cells::Index(tags) = path.cells() else { return None };
            return Some(tags[path.range(sample)].to_vec());
        }
        let Cells::Number(cells) = scores.cells() else { return None };
        let items = cells[scores.range(sample)].chunks(scores.item_size().max(1));
        Some(items.map(|item| highest(item.iter()).map_or(MISSING_CLASS, |tag| tag as i64)).collect())
    }
}

/// The position of the highest score, the first of equals; `None` without scores, or where one is not a number.
pub(crate) fn highest<'a>(scores: impl Iterator<Item = &'a f32>) -> Option<usize> {
    let mut best: Option<(usize, f32)> = None;
    for (at, &score) in scores.enumerate() {
        if score.is_nan() {
            return None;
        }
        if best.is_none_or(|(_, most)| score > most) {
            best = Some((at, score));
        }
    }
    best.map(|(at, _)| at)
}

/// The truth for one batch, as plain values.
#[derive(Debug, Clone, PartialEq)]
pub enum Reference {
    /// `[b]` labels, [`MISSING_CLASS`] where unknown.
    Class(Vec<i64>),
    /// `[b, c]` of 0 and 1, NaN where unknown.
    MultiLabel(Array2<f32>),
    /// `[b, k]`, NaN where unknown.
    Values(Array2<f32>),
    /// `[b]` grades, [`MISSING_CLASS`] where unknown.
    Ordinal(Vec<i64>),
    /// Any number of tags a sample, [`MISSING_CLASS`] where unknown.
    Tags(Labels),
    /// Any number of tokens a sample.
    Sequence(Labels),
    /// Labels of a kind from outside.
    Custom {
        /// The kind's name.
        kind: &'static str,
        /// As its layout says.
        labels: Labels,
    },
}

impl Reference {
    /// The number of samples.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        match self {
            Self::Class(labels) | Self::Ordinal(labels) => labels.len(),
            Self::MultiLabel(m) | Self::Values(m) => m.nrows(),
            Self::Tags(labels) | Self::Sequence(labels) | Self::Custom { labels, .. } => labels.len(),
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Class(_) => "class labels [b]",
            Self::MultiLabel(_) => "yes/no labels [b, c]",
            Self::Values(_) => "numbers [b, k]",
            Self::Ordinal(_) => "grades [b]",
            Self::Tags(_) => "tags [b, l]",
            Self::Sequence(_) => "tokens [b, l]",
            Self::Custom { kind, .. } => kind,
        }
    }
}
