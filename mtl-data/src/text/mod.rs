//! Texts in parallel files: a line a sample, words separated by blanks.
//!
//! ```text
//! train/seq.in  --Lines--> words by number --FittedTexts--> ids of a vocabulary    an input
//! train/seq.out --Lines--> words by number --FittedTexts--> tags, tokens           a task
//! train/label   --Lines--> lines by number --FittedTexts--> classes                a task
//! ```
//! | file | what it holds |
//! |---|---|
//! | `lines.rs` | a file, cut into lines and words, and its content for later comparison |
//! | `vocabulary.rs` | [`Vocabulary`]: ids of words |
//! | `fitted.rs` | [`FittedTexts`]: what was learned of texts and labels |
//! | `labels.rs` | lines of labels to classes, tags and sequences |
//! | `raw.rs` | texts to answer, without labels, a block at a time |

mod fitted;
mod labels;
mod lines;
mod raw;
mod vocabulary;

pub use fitted::{FittedText, FittedTexts, TextTask};
pub use labels::TextLabel;
pub(crate) use labels::beside;
pub(crate) use lines::{Lines, Unit};
pub(crate) use raw::RawTexts;
pub use vocabulary::Vocabulary;
