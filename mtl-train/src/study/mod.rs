//! Many runs and one answer: methods against each other, task weights by cross-validation.
//!
//! Every run of a study is a [`Run`](crate::run::life::Run) in a folder of its own, named after a [`fingerprint`] of all its
//! settings: finished ones are read back, interrupted ones go on.

pub mod compare;
pub mod cv_weights;
mod files;

pub use files::{Files, fingerprint};
