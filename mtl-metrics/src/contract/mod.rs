//! What a metric is, and what is done with one whatever it measures: lists of metrics, values, reports, saved bytes.

pub mod any;
pub mod joint;
pub mod judged;
pub mod metric;
pub mod report;
pub(crate) mod saved;
pub mod set;
pub mod value;
