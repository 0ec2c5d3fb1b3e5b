//! The heart of the multi-task toolkit: tasks, encoders, sharing architectures, task gradients, balancing.
#![warn(missing_docs)]

pub mod balance;
pub mod batch;
pub mod context;
pub mod encode;
pub mod error;
pub mod features;
pub mod loss;
pub mod metric;
pub mod mode;
pub mod nn;
pub mod params;
pub mod prediction;
pub mod registry;
pub mod rng;
pub mod share;
pub mod shim;
pub mod state;
pub mod step;
pub mod task;

pub use error::{Error, Result, TorchContext};
