//! A stack of linear layers with a non-linearity and dropout after each.

use tch::Tensor;

use super::{Activation, Dropout, Linear};
use crate::{context::Cx, error::Result, params::Scope};

/// `x -> drop(act(linear(x)))`, once per hidden width; no layer at all is the identity.
#[derive(Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
    activation: Activation,
    dropout: Dropout,
    width: i64,
}

impl Mlp {
    /// Layers named `0`, `1`, ... inside `scope`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a width below 1.
    pub fn new(
        scope: &mut Scope<'_>,
        inputs: i64,
        hidden: &[i64],
        activation: Activation,
        dropout: Dropout,
    ) -> Result<Self> {
        let mut width = inputs;
        let mut layers = Vec::with_capacity(hidden.len());
        for (idx, &h) in hidden.iter().enumerate() {
            layers.push(Linear::new(&mut scope.sub(idx.to_string()), width, h)?);
            width = h;
        }
        Ok(Self { layers, activation, dropout, width })
    }

    /// Output width.
    #[must_use]
    pub fn outputs(&self) -> i64 {
        self.width
    }

    /// # Shapes
    /// `xs`: `[.., inputs]`, result `[.., outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the last axis differs.
    pub fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        let mut xs = xs.shallow_clone();
        for layer in &self.layers {
            xs = self.activation.forward(&layer.forward(&xs, cx)?)?;
            xs = self.dropout.forward(xs, cx)?;
        }
        Ok(xs)
    }
}
