//! A residual feed-forward layer that works on each vector by itself.
//!
//! ```text
//! y = x + W_2 act(W_1 norm(x) + b_1) + b_2
//! ```
//! **Shapes** `x`, `y`: `[.., d]`.
//!
//! **Reference** the position-wise layer of Vaswani et al., NeurIPS 2017, normalized first as in Xiong et al., "On
//! Layer Normalization in the Transformer Architecture", ICML 2020.

use mtl_core::{
    Result, TorchContext,
    context::Cx,
    nn::{Activation, Dropout, LayerNorm, Linear},
    params::Scope,
};
use tch::Tensor;

/// The layer.
#[derive(Debug)]
pub struct FeedForward {
    norm: LayerNorm,
    up: Linear,
    down: Linear,
    activation: Activation,
    dropout: Dropout,
}

impl FeedForward {
    /// A layer for vectors of that width, `hidden` wide inside.
    ///
    /// # Errors
    /// [`InvalidConfig`](mtl_core::Error::InvalidConfig) for a size below 1.
    pub fn new(
        scope: &mut Scope<'_>,
        width: i64,
        hidden: i64,
        activation: Activation,
        dropout: Dropout,
    ) -> Result<Self> {
        Ok(Self {
            norm: LayerNorm::new(&mut scope.sub("norm"), width)?,
            up: Linear::new(&mut scope.sub("up"), width, hidden)?,
            down: Linear::new(&mut scope.sub("down"), hidden, width)?,
            activation,
            dropout,
        })
    }

    /// # Shapes
    /// `xs`: `[.., width]`, result the same.
    ///
    /// # Errors
    /// [`Shape`](mtl_core::Error::Shape) when the last axis differs.
    pub fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        let hidden = self.activation.forward(&self.up.forward(&self.norm.forward(xs)?, cx)?)?; // [.., hidden]
        let ys = self.down.forward(&self.dropout.forward(hidden, cx)?, cx)?; // [.., d]
        xs.f_add(&ys).op("feed-forward")
    }
}
