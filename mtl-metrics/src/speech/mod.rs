//! Metrics of speech: transcripts, speakers, signals.
//!
//! | metric | what | equal to | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`ErrorRate`] | WER, CER, MER, WIL, WIP; [`EditCounts`], alignment | jiwer 4.0, counts exactly | 32 bytes | undefined without reference; any white space separates words |

pub(crate) mod edits;
mod error_rate;

pub use edits::Edit;
pub use error_rate::{EditCounts, ErrorRate, Rate, Unit};
