//! Methods made of other methods: stages around one, or one copy per parameter block.

pub mod cr_mogm;
mod nested;
pub mod per_block;
pub mod pipeline;

pub use cr_mogm::{CrMogm, CrMogmConfig};
pub use per_block::{PerBlock, PerBlockConfig};
pub use pipeline::{Normalization, Pipeline, PipelineConfig};
