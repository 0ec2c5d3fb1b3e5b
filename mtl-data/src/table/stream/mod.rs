//! Rows of a table without end: a file that grows, a file too large to be loaded, or lines from the standard input.
//!
//! ```text
//! bytes --Feed--> whole lines --Opened--> Table --FittedSchema--> TableSource --> batches of exactly n rows --> Batches
//!  file, stdin     a block      columns    parsed    fitted before   encoded        and where each of them ends
//! ```
//! What was fitted (codes, scales, classes) is not learned from the stream as it goes: it comes from a run that has it
//! ([`Kept::fitted`](crate::Kept::fitted)) or from the first rows ([`Opened::warm_up`]), and does not change after that. So a row
//! means the same wherever it stands, and a position is enough to go on from.
//!
//! A batch is a function of the stream and its number: the n rows that follow those of the batch before, whatever the blocks
//! in which they arrived. A reader waits for a batch to be full; only the last one of a stream that ends may be smaller. Nothing
//! but the block at hand and a few batches is held, so memory does not grow with the stream.
//!
//! What is wrong with a row is met as [`StreamOptions`] say, refused with its line or counted ([`Passed`]), never passed over in
//! silence:
//!
//! | what | choices |
//! |---|---|
//! | a wrong number of fields, a number that is none | [`BadRows`]: refuse, skip the row |
//! | a label that its task does not have | [`UnknownLabels`]: refuse, take it as missing |
//! | a category that was not fitted | code 0, as in every table; counted |
//! | a missing label or number | as the schema says; missing labels teach and judge nothing |
//! | a quote out of place, bytes that are no UTF-8, weights below 0 | refused: where such a row ends, or what it counts, nobody knows |
//!
//! | file | what it holds |
//! |---|---|
//! | `feed.rs` | bytes of a file or the standard input, waited for |
//! | `opened.rs` | header and columns; blocks to tables; what the first rows teach |
//! | `position.rs` | [`StreamPosition`]: where a batch ends, and whether a stream is still the one that was read |
//! | `reader.rs` | tables to batches of a size |
//! | `batches.rs` | [`TableStream`]: the same in a thread of its own, as [`Batches`](crate::Batches) |

mod batches;
mod feed;
mod opened;
mod position;
mod reader;

pub use batches::TableStream;
pub use feed::{Follow, Stop};
pub use opened::{Opened, WarmUp};
pub use position::{Passed, StreamPosition};
use serde::{Deserialize, Serialize};

/// What happens at a row that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BadRows {
    /// The stream ends with an error that names its line.
    #[default]
    Refuse,
    /// It is left out and counted.
    Skip,
}

/// What happens at a label that its task does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownLabels {
    /// The stream ends with an error that names its line.
    #[default]
    Refuse,
    /// The row has no label of that task, and it is counted.
    Missing,
}

/// How a stream becomes batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamOptions {
    /// Rows of a batch, >= 1.
    pub batch_size: usize,
    /// The smallest last batch, >= 1; a smaller rest is left.
    pub least: usize,
    /// What happens at a row that cannot be read.
    pub bad_rows: BadRows,
    /// What happens at a label that its task does not have.
    pub unknown_labels: UnknownLabels,
}

#[cfg(test)]
mod tests;
