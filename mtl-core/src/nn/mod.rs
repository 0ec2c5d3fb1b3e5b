//! The one family of trainable leaf layers that encoders, attention and heads are made of.
//!
//! Beside being fallible, kind-aware and named, each layer can record its input and output on the forward context's
//! [`Tape`](crate::context::Tape): that is what floating-point counts and every method that works on layer outputs hang
//! on. No module of the workspace calls tch's own `nn`.

mod activation;
mod batch_norm;
mod conv;
mod dropout;
mod embedding;
mod ensemble_linear;
mod experts;
mod field_tokens;
mod gru;
mod linear;
mod lstm;
mod mlp;
mod norm;
mod number_embedding;
mod packing;

pub use activation::Activation;
pub use batch_norm::BatchNorm2d;
pub use conv::{Conv2d, ConvConfig};
pub use dropout::Dropout;
pub use embedding::FieldEmbedding;
pub use ensemble_linear::{EnsembleLinear, Scales};
pub use experts::Experts;
pub use field_tokens::FieldTokens;
pub use gru::GruCell;
pub use linear::Linear;
pub use lstm::Lstm;
pub use mlp::Mlp;
pub use norm::LayerNorm;
pub use number_embedding::{
    LinearConfig, LinearReluConfig, NumberEmbedding, NumberEmbeddingConfig, NumberEmbeddingPart, NumbersToTokens,
    NumericTokens, PbldConfig, PeriodicConfig, PiecewiseLinearConfig,
};
pub use packing::Packing;

use tch::Tensor;

use crate::error::{Error, Result};

/// Checks the last axis of a layer's input.
fn check_width(layer: &str, xs: &Tensor, width: i64) -> Result<()> {
    let size = xs.size();
    if size.last() == Some(&width) {
        return Ok(());
    }
    Err(Error::Shape { op: layer.to_owned(), tensor: "xs", expected: format!("[.., {width}]"), found: size })
}

/// Multiply-adds of `rows` vector-matrix products.
fn product_cost(rows: i64, inputs: i64, outputs: i64) -> u64 {
    u64::try_from(rows * inputs * outputs).unwrap_or(0)
}
