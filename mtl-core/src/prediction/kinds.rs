//! Predictions and references, a variant a kind of answer; of what a variant says of itself there is a line for each.

use ndarray::Array2;

use super::{Said, Scores, Truth, rows::Rows};
use crate::{
    answer::{AnswerTag, Labels},
    distribution::Forecast,
};

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
    /// Distributions of numbers in the target's unit: an answer of the kind that numbers are, whose points are the numbers.
    Forecast(Forecast),
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
    /// The kind of answer that it is.
    #[must_use]
    pub fn tag(&self) -> AnswerTag {
        match self {
            Self::Class { .. } => AnswerTag::Class,
            Self::MultiLabel { .. } => AnswerTag::MultiLabel,
            Self::Values { .. } | Self::Forecast(_) => AnswerTag::Values,
            Self::Ordinal { .. } => AnswerTag::Ordinal,
            Self::Tags { .. } => AnswerTag::Tags,
            Self::Sequence { .. } => AnswerTag::Sequence,
            Self::Custom { kind, .. } => AnswerTag::Custom(kind),
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Class { .. } => "class scores [b, c]",
            Self::MultiLabel { .. } => "yes/no scores [b, c]",
            Self::Values { .. } => "numbers [b, k]",
            Self::Forecast(_) => "distributions of numbers [b, k]",
            Self::Ordinal { .. } => "scores of grades [b, c]",
            Self::Tags { .. } => "scores of tags [b, l, c]",
            Self::Sequence { .. } => "tokens [b, l]",
            Self::Custom { kind, .. } => kind,
        }
    }

    /// The form of what is said.
    #[inline]
    #[must_use]
    pub fn said(&self) -> Said<'_> {
        match self {
            Self::Class { scores, kind } => Said::OneOf { scores, kind: *kind, ordered: false },
            Self::Ordinal { scores, kind } => Said::OneOf { scores, kind: *kind, ordered: true },
            Self::MultiLabel { scores, kind } => Said::YesNo { scores, kind: *kind },
            Self::Values { values } => Said::Numbers(values),
            Self::Forecast(forecast) => Said::Numbers(forecast.points()),
            Self::Tags { scores, kind, path } => Said::Tags { scores, kind: *kind, path: path.as_ref() },
            Self::Sequence { tokens } => Said::Tokens(tokens),
            Self::Custom { values, .. } => Said::Own(values),
        }
    }

    /// The answers to the samples at these rows, in that order, each as often as it is named; rows that do not exist are left out.
    #[must_use]
    pub fn gather(&self, rows: &[usize]) -> Self {
        match self {
            Self::Class { scores, kind } => Self::Class { scores: scores.gather(rows), kind: *kind },
            Self::Ordinal { scores, kind } => Self::Ordinal { scores: scores.gather(rows), kind: *kind },
            Self::MultiLabel { scores, kind } => Self::MultiLabel { scores: scores.gather(rows), kind: *kind },
            Self::Values { values } => Self::Values { values: values.gather(rows) },
            Self::Forecast(forecast) => Self::Forecast(forecast.gather(rows)),
            Self::Tags { scores, kind, path } => {
                Self::Tags { scores: Rows::gather(scores, rows), kind: *kind, path: path.gather(rows) }
            }
            Self::Sequence { tokens } => Self::Sequence { tokens: Rows::gather(tokens, rows) },
            Self::Custom { kind, values } => Self::Custom { kind, values: Rows::gather(values, rows) },
        }
    }

    /// Puts the answers to further samples behind its own; false, and nothing has changed, for answers of another form.
    pub fn append(&mut self, more: &Self) -> bool {
        match (self, more) {
            (Self::Class { scores, kind }, Self::Class { scores: more, kind: of })
            | (Self::Ordinal { scores, kind }, Self::Ordinal { scores: more, kind: of })
            | (Self::MultiLabel { scores, kind }, Self::MultiLabel { scores: more, kind: of }) => {
                kind == of && Rows::append(scores, more)
            }
            (Self::Values { values }, Self::Values { values: more }) => Rows::append(values, more),
            (Self::Forecast(forecast), Self::Forecast(more)) => forecast.append(more),
            (Self::Tags { scores, kind, path }, Self::Tags { scores: more, kind: of, path: by }) => {
                kind == of && path.is_some() == by.is_some() && Rows::append(scores, more) && path.append(by)
            }
            (Self::Sequence { tokens }, Self::Sequence { tokens: more }) => Rows::append(tokens, more),
            (Self::Custom { kind, values }, Self::Custom { kind: of, values: more }) => {
                kind == of && Rows::append(values, more)
            }
            (
                Self::Class { .. }
                | Self::MultiLabel { .. }
                | Self::Values { .. }
                | Self::Forecast(_)
                | Self::Ordinal { .. }
                | Self::Tags { .. }
                | Self::Sequence { .. }
                | Self::Custom { .. },
                _,
            ) => false,
        }
    }
}

/// The truth for one batch, as plain values.
#[derive(Debug, Clone, PartialEq)]
pub enum Reference {
    /// `[b]` labels, [`MISSING_CLASS`](super::MISSING_CLASS) where unknown.
    Class(Vec<i64>),
    /// `[b, c]` of 0 and 1, NaN where unknown.
    MultiLabel(Array2<f32>),
    /// `[b, k]`, NaN where unknown.
    Values(Array2<f32>),
    /// `[b]` grades, [`MISSING_CLASS`](super::MISSING_CLASS) where unknown.
    Ordinal(Vec<i64>),
    /// Any number of tags a sample, [`MISSING_CLASS`](super::MISSING_CLASS) where unknown.
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
    /// The kind of answer that it is the truth of.
    #[must_use]
    pub fn tag(&self) -> AnswerTag {
        match self {
            Self::Class(_) => AnswerTag::Class,
            Self::MultiLabel(_) => AnswerTag::MultiLabel,
            Self::Values(_) => AnswerTag::Values,
            Self::Ordinal(_) => AnswerTag::Ordinal,
            Self::Tags(_) => AnswerTag::Tags,
            Self::Sequence(_) => AnswerTag::Sequence,
            Self::Custom { kind, .. } => AnswerTag::Custom(kind),
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        self.tag().labels()
    }

    /// The form of what is right.
    #[inline]
    #[must_use]
    pub fn truth(&self) -> Truth<'_> {
        match self {
            Self::Class(labels) | Self::Ordinal(labels) => Truth::OneOf(labels),
            Self::MultiLabel(labels) => Truth::YesNo(labels),
            Self::Values(values) => Truth::Numbers(values),
            Self::Tags(labels) => Truth::Tags(labels),
            Self::Sequence(labels) => Truth::Tokens(labels),
            Self::Custom { labels, .. } => Truth::Own(labels),
        }
    }

    /// The truth of the samples at these rows, in that order, each as often as it is named; rows that do not exist are left out.
    #[must_use]
    pub fn gather(&self, rows: &[usize]) -> Self {
        match self {
            Self::Class(labels) => Self::Class(labels.gather(rows)),
            Self::Ordinal(labels) => Self::Ordinal(labels.gather(rows)),
            Self::MultiLabel(labels) => Self::MultiLabel(labels.gather(rows)),
            Self::Values(values) => Self::Values(values.gather(rows)),
            Self::Tags(labels) => Self::Tags(Rows::gather(labels, rows)),
            Self::Sequence(labels) => Self::Sequence(Rows::gather(labels, rows)),
            Self::Custom { kind, labels } => Self::Custom { kind, labels: Rows::gather(labels, rows) },
        }
    }

    /// Puts the truth of further samples behind its own; false, and nothing has changed, for labels of another form.
    pub fn append(&mut self, more: &Self) -> bool {
        match (self, more) {
            (Self::Class(labels), Self::Class(more)) | (Self::Ordinal(labels), Self::Ordinal(more)) => {
                Rows::append(labels, more)
            }
            (Self::MultiLabel(labels), Self::MultiLabel(more)) | (Self::Values(labels), Self::Values(more)) => {
                Rows::append(labels, more)
            }
            (Self::Tags(labels), Self::Tags(more)) | (Self::Sequence(labels), Self::Sequence(more)) => {
                Rows::append(labels, more)
            }
            (Self::Custom { kind, labels }, Self::Custom { kind: of, labels: more }) => {
                kind == of && Rows::append(labels, more)
            }
            (
                Self::Class(_)
                | Self::MultiLabel(_)
                | Self::Values(_)
                | Self::Ordinal(_)
                | Self::Tags(_)
                | Self::Sequence(_)
                | Self::Custom { .. },
                _,
            ) => false,
        }
    }
}
