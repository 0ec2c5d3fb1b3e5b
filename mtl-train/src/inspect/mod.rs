//! What is in a data set, and what is wrong with it, before anything is trained on it.
//!
//! | file | holds |
//! |---|---|
//! | `scan` | [`Scan`]: one pass over a split, all counts at once |
//! | `summary` | [`DataSummary`]: sizes, fields, labels, a few rows (`mtl data`) |
//! | `fault` | [`check`]: label ranges, tiny and unseen classes, constant fields, leaks |
//! | `leak` | how well one field alone gives a task's label away |
//! | `setup` | [`Examination`]: a whole configuration (`mtl doctor CONFIG`) |
//! | `settings` | settings that do not fit the data's size or each other |

mod fault;
mod leak;
mod scan;
mod settings;
mod setup;
mod summary;

pub use fault::{Finding, Level, check};
pub use scan::{FieldScan, LabelScan, Scan};
pub use setup::Examination;
pub use summary::{DataSummary, Row};
