//! What is in a data set, and what is wrong with it, before anything is trained on it.
//!
//! | file | holds |
//! |---|---|
//! | `scan` | [`Scan`]: one pass over a split, all counts at once |
//! | `input_count` | counts of one input, by the form of its cells |
//! | `summary` | [`DataSummary`]: sizes, fields, labels, a few rows (`mtl data`) |
//! | `fault` | [`check`]: label ranges, tiny and unseen classes, constant fields, leaks |
//! | `labels` | [`labels`](fn@labels): numbers that are all the same, or rounded to be |
//! | `losses` | [`losses`](fn@losses): first losses that differ by more than 100 times |
//! | `selection` | [`selection`]: metrics that the validation labels leave undefined |
//! | `leak` | how well one field alone gives a task's label away |
//! | `sources` | the same for data of several sources, and what these have in common |
//! | `setup` | [`Examination`]: a whole configuration (`mtl doctor CONFIG`) |
//! | `settings` | settings that do not fit the data's size or each other |

mod fault;
mod field_scan;
mod input_count;
mod labels;
mod leak;
mod losses;
mod scan;
mod selection;
mod settings;
mod setup;
mod sources;
mod spread;
mod summary;

pub(crate) use fault::check_scanned;
pub use fault::{check, examine};
pub use field_scan::{FieldScan, InputScan};
pub use labels::labels;
pub use losses::losses;
pub use mtl_data::{Finding, Level};
pub use scan::{LabelScan, Scan};
pub use selection::selection;
pub use setup::Examination;
pub(crate) use summary::shortest;
pub use summary::{DataSummary, Row, fields};
