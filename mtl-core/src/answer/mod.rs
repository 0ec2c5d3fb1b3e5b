//! What a task's answer is: one description, made by the data, read by everybody.
//!
//! An [`Answer`] is known before the first batch. It is not matched by those who use it but asked: what its outputs are
//! called, what form its labels have, what a constant answer would be, how an answer is written to a file. So a kind of
//! answer is one file here (with its tests) and one line in the list below; what it says of a sample has one of the few forms
//! that pages, explanations and metrics know ([`Said`](crate::prediction::Said)). Heads and metrics are made for kinds.
//!
//! ```text
//! Labels  plain, of a whole split      --Target::new-->  Target  a batch, on a device    --reference-->  Reference
//!   dense   [n, item..]                                    dense   [b, item..]                            plain again,
//!   ragged  items in a row + offsets [n + 1]               ragged  [b, l, item..] padded + lengths [b]    for metrics
//! ```
//!
//! | kind | labels | missing | prediction | statistics | file |
//! |---|---|---|---|---|---|
//! | [`Class`] | `[b]` of `Int64`, `0..c` | -100 | scores `[b, c]` | samples by class | `class.rs` |
//! | [`MultiLabel`] | `[b, c]` of `Float`, 0 or 1 | NaN | scores `[b, c]` | yes, no by label | `multi_label.rs` |
//! | [`Values`] | `[b, k]` of `Float` | NaN | numbers `[b, k]` | spread by output | `values.rs` |
//! | [`Ordinal`] | `[b]` of `Int64`, `0..c`, in order | -100 | probabilities `[b, c]` | samples by grade | `ordinal.rs` |
//! | [`Tags`] | ragged: `[b, l]` of `Int64`, `0..c` | -100 | scores `[b, l, c]` | items by tag, lengths | `tags.rs` |
//! | [`Sequence`] | ragged: `[b, l]` of `Int64`, `0..v` | -100 | tokens `[b, l]` | items by token, lengths | `sequence.rs` |
//! | [`Custom`] | as its [`Layout`] says | -100 or NaN | [`Prediction::Custom`] | its own | yours |
//!
//! Of a *ragged* kind a sample has any number of items. Padding is marked as missing, so that one mask serves for both. A
//! sample of no items is known to have none; one that is not labeled has one item, which is missing.
//!
//! # A kind from outside
//!
//! Implement [`AnswerKind`] and [`CustomAnswer`], and [`register`] the kind once per process before files are read: then
//! `{"custom": {"kind": "boxes", "settings": {..}}}` in a run's files comes back as your type. A file that names a kind
//! which nobody registered is refused by that name. What a kind does not answer (strata for folds, a constant answer) it
//! refuses with a reason, which is shown where it would have been used.

mod class;
mod counter;
mod custom;
mod labels;
mod layout;
mod multi_label;
mod ordinal;
mod question;
mod ragged;
mod sequence;
mod spelling;
mod tags;
#[cfg(feature = "torch")]
mod tally;
#[cfg(feature = "torch")]
mod target;
mod values;

pub use class::Class;
pub use counter::Counter;
pub use custom::{Custom, CustomAnswer, register, registered};
pub use labels::{Cells, Labels};
pub use layout::{CellRule, Layout, Storage};
pub use multi_label::MultiLabel;
pub use ordinal::Ordinal;
pub use question::{AnswerKind, Constant, LabelColumn, OrReason, Written};
pub use sequence::Sequence;
pub use spelling::{Position, Spelled};
pub use tags::Tags;
#[cfg(feature = "torch")]
pub use target::{Target, array2};
pub use values::Values;

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};

use self::question::Labeled;
#[cfg(doc)]
use crate::prediction::Prediction;
use crate::{error::Result, prediction::Reference};

/// Declares the kinds: a line each.
macro_rules! answers {
    ($( $variant:ident($kind:ty) = $name:literal $(or $alias:literal)?, $about:literal; )+) => {
        /// What is known of a task's answers before the first batch; asked by the questions of [`AnswerKind`].
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Answer {
            $( #[doc = $about] #[serde(rename = $name $(, alias = $alias)?)] $variant($kind), )+
            /// A kind from outside, see [`register`].
            #[serde(rename = "custom")]
            Custom(Custom),
        }

        /// Which kind an answer is of: what targets, predictions and answers can be compared by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum AnswerTag {
            $( #[doc = $about] $variant, )+
            /// A kind from outside, by its name.
            Custom(&'static str),
        }

        impl Answer {
            /// The kinds of this crate: name and one line on what they are.
            pub const ALL: &'static [(&'static str, &'static str)] = &[ $( ($name, $about), )+ ];

            /// The kinds of this crate, and those that were [`register`]ed.
            #[must_use]
            pub fn all() -> Vec<(&'static str, &'static str)> {
                Self::ALL.iter().copied().chain(registered()).collect()
            }

            /// Which kind it is of.
            #[must_use]
            pub fn tag(&self) -> AnswerTag {
                match self {
                    $( Self::$variant(_) => AnswerTag::$variant, )+
                    Self::Custom(custom) => AnswerTag::Custom(custom.kind()),
                }
            }
        }

        impl AnswerTag {
            /// The kind's name in files and messages.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => <$kind>::NAME, )+ Self::Custom(name) => name }
            }

            /// What labels of the kind are, for messages: `class labels [b]`.
            #[must_use]
            pub fn labels(self) -> &'static str {
                match self { $( Self::$variant => <$kind as Labeled>::LABELS, )+ Self::Custom(name) => name }
            }

            /// Labels of the kind as metrics read them.
            ///
            /// # Errors
            /// [`Error::Shape`](crate::Error::Shape) for labels of another form than the kind's.
            pub fn reference(self, labels: Labels) -> Result<Reference> {
                match self {
                    $( Self::$variant => <$kind as Labeled>::reference(labels), )+
                    Self::Custom(kind) => Ok(Reference::Custom { kind, labels }),
                }
            }
        }

        $( impl $kind {
            /// The kind's name in files, messages and facts of metrics.
            pub const NAME: &'static str = $name;
        } )+

        impl Deref for Answer {
            type Target = dyn AnswerKind;

            fn deref(&self) -> &Self::Target {
                match self { $( Self::$variant(kind) => kind, )+ Self::Custom(custom) => custom.get() }
            }
        }
    };
}

answers! {
    Class(Class) = "class", "one of several classes";
    MultiLabel(MultiLabel) = "multi-label" or "binary", "yes or no, once per label; one label is binary";
    Values(Values) = "values", "numbers";
    Ordinal(Ordinal) = "ordinal", "one of several grades, which are in an order";
    Tags(Tags) = "tags", "a tag for each of a sample's items";
    Sequence(Sequence) = "sequence", "a sequence of tokens";
}

impl fmt::Display for AnswerTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Answer {
    /// One of these classes.
    pub fn class(classes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Class(Class { classes: classes.into_iter().map(Into::into).collect() })
    }

    /// Yes or no to each of these.
    pub fn multi_label(labels: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::MultiLabel(MultiLabel { labels: labels.into_iter().map(Into::into).collect() })
    }

    /// Numbers of these names.
    pub fn values(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Values(Values { names: names.into_iter().map(Into::into).collect() })
    }

    /// One of these grades, the lowest first.
    pub fn ordinal(grades: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Ordinal(Ordinal { grades: grades.into_iter().map(Into::into).collect() })
    }

    /// One of these tags for each item.
    pub fn tags(tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Tags(Tags { tags: tags.into_iter().map(Into::into).collect() })
    }

    /// A sequence of these tokens.
    pub fn sequence(tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Sequence(Sequence { tokens: tokens.into_iter().map(Into::into).collect() })
    }
}

/// Names for `n` outputs that have none: `0`, `1`, ...
#[must_use]
pub fn numbered(n: usize) -> Vec<String> {
    (0..n).map(|i| i.to_string()).collect()
}
