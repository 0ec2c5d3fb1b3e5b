//! mtl-core
#![cfg_attr(not(test), warn(missing_docs))]
pub mod batch;
pub mod context;
pub mod error;
pub mod features;
pub mod loss;
pub mod metric;
pub mod mode;
pub mod prediction;
pub mod registry;
pub mod shim;
pub mod task;

pub use error::{Error, Result, TorchContext};
