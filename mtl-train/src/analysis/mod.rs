//! What is looked at before and after a run: its data, its costs, its answers.
//!
//! | module | question |
//! |---|---|
//! | [`inspect`] | what is in the data, and wrong with it |
//! | [`dry_run`] | one batch through everything: shapes, parameters, costs |
//! | [`intervals`] | how far off a figure of the test split may be |
//! | [`run_report`] | how a run went: the page in its folder |
//! | [`explain`] | what a model's answers rest on |
//! | [`affinity`] | which tasks help each other |

pub mod affinity;
pub mod dry_run;
pub mod explain;
pub mod inspect;
pub mod intervals;
pub mod run_report;
