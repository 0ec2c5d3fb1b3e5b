//! A self-attention block: tokens look at one another, then each thinks for itself.
//!
//! ```text
//! x = x + attend(norm(x), norm(x))
//! x = x + feed_forward(x)
//! ```
//! **Shapes** tokens `[b, l, d]`, in and out; names and padding are kept.
//!
//! **Reference** Vaswani et al., NeurIPS 2017; pre-norm form of Xiong et al., ICML 2020. Over the fields of a table it
//! is the block of Gorishniy et al., "Revisiting Deep Learning Models for Tabular Data", NeurIPS 2021.
//!
//! **Differs from** the latter: no dropout on attention weights, activation of one's choice instead of ReGLU. Cost:
//! `O(b l d (l + d))`.

use mtl_core::{
    Result, TorchContext,
    context::Cx,
    features::Tokens,
    nn::{Activation, Dropout, LayerNorm},
    params::Scope,
};

use crate::{
    feed_forward::FeedForward,
    mask::AttnMask,
    multi_head::{MultiHead, MultiHeadConfig},
};

/// The block.
#[derive(Debug)]
pub struct SelfBlock {
    norm: LayerNorm,
    attention: MultiHead,
    feed_forward: FeedForward,
    dropout: Dropout,
}

impl SelfBlock {
    /// A block for tokens of width `attention.width` with a feed-forward layer `hidden` wide inside.
    ///
    /// # Errors
    /// As [`MultiHead::new`] and [`FeedForward::new`].
    pub fn new(
        scope: &mut Scope<'_>,
        attention: &MultiHeadConfig,
        hidden: i64,
        activation: Activation,
        dropout: Dropout,
    ) -> Result<Self> {
        let width = attention.width;
        Ok(Self {
            norm: LayerNorm::new(&mut scope.sub("norm"), width)?,
            attention: MultiHead::new(&mut scope.sub("attention"), attention)?,
            feed_forward: FeedForward::new(&mut scope.sub("feed_forward"), width, hidden, activation, dropout)?,
            dropout,
        })
    }

    /// # Shapes
    /// `tokens.xs`: `[b, l, width]`, result the same.
    ///
    /// # Errors
    /// [`Shape`](mtl_core::Error::Shape) for tokens of another width.
    pub fn forward(&self, tokens: Tokens, mask: AttnMask, cx: &Cx) -> Result<Tokens> {
        let Tokens { xs, pad_mask, names } = tokens;
        let normed = Tokens { xs: self.norm.forward(&xs)?, pad_mask, names };
        let ys = self.attention.forward(&normed, &normed, mask, cx)?; // [b, l, d]
        let xs = xs.f_add(&self.dropout.forward(ys, cx)?).op("self-attention block")?;
        Ok(Tokens { xs: self.feed_forward.forward(&xs, cx)?, ..normed })
    }
}
