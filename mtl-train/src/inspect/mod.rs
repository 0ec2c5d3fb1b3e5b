//! What is in a data set, and what is wrong with it, before anything is trained on it.
//!
//! | file | holds |
//! |---|---|
//! | `scan` | [`Scan`]: one pass over a split, all counts at once |
//! | `summary` | [`DataSummary`]: sizes, fields, labels, a few rows (`mtl data`) |
//! | `fault` | [`check`]: label ranges, tiny and unseen classes, constant fields, leaks (`mtl doctor CONFIG`) |
//! | `leak` | how well one field alone gives a task's label away |

mod fault;
mod leak;
mod scan;
mod summary;

pub use fault::{Finding, Level, check};
pub use scan::{FieldScan, LabelScan, Scan};
pub use summary::{DataSummary, Row, fields};
