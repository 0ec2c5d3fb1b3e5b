//! What heads answer and metrics read: plain values, no logits tensors, no graph.
//!
//! ```text
//! Prediction  --said-->   Said      the form of what was answered     asked by pages, intervals, explanations, metrics
//! Reference   --truth-->  Truth     the form of what is right
//! ```
//! A kind of [answer](crate::answer) has a variant in both enums, or uses another kind's; what it looks like to those who are not
//! made for it is one of a few forms. Who matches forms names all of them, and needs no change for a kind that comes later: a
//! kind like no other is [`Said::Own`], of which every place says aloud what it cannot do. Scores carry what they are
//! ([`Scores`]), because guessing "logits or probabilities?" from a batch's value range goes wrong.
//!
//! | file | what |
//! |---|---|
//! | `kinds.rs` | [`Prediction`] and [`Reference`], a variant a kind |
//! | `form.rs` | [`Said`] and [`Truth`], and what follows from a form alone |
//! | `members.rs` | one answer of those of an ensemble's members |
//! | `rows.rs` | samples picked out, samples put behind others |

mod form;
mod kinds;
mod members;
mod rows;

pub(crate) use form::highest;
pub use form::{Said, Truth};
pub use kinds::{Prediction, Reference};
pub(crate) use rows::Rows;

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
