//! Public contracts: laws that every part of a kind obeys, to be run over one's own. Verdicts are those of all laws,
//! [`BrokenLaws`].

pub mod batches;
pub mod mix;
mod sample;
pub mod sampler;
pub mod source;

pub use mtl_core::laws::{Broken, BrokenLaws};
