//! Trainer, optimizers, checkpoints, reports and the `mtl` program.
#![warn(missing_docs)]

pub mod architecture;
pub mod checkpoint;
pub mod config;
pub mod error;
pub mod model;
pub mod optim;
pub mod progress;
pub mod report;
pub mod runlog;
pub mod schedule;
pub mod session;
pub mod trainer;

pub use error::{Error, Result};
