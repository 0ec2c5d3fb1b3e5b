//! The trainable part that all heads have in common: hidden layers, then a linear layer.
//!
//! ```text
//! z = pool(features)                      [b, d]; or each token's, [b, l, d]
//! out = W drop(act(W_k .. z)) + b         [b, o]
//! ```
//! Parameters: `hidden.0.weight`, `hidden.0.bias`, ..., `out.weight`, `out.bias`. The result is at least of kind
//! `Float`: a loss in half precision would lose what small differences of logits say.

use mtl_core::{
    Result, TorchContext,
    context::Cx,
    features::{Features, View},
    nn::{Activation, Dropout, Linear, Mlp},
    params::Scope,
};
use tch::{Kind, Tensor};

/// Hidden layers and output layer of a head; for custom heads too.
#[derive(Debug)]
pub struct Tower {
    hidden: Mlp,
    dropout: Dropout,
    out: Linear,
}

/// The shape of a [`Tower`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TowerShape<'a> {
    /// Widths of the hidden layers, each >= 1.
    pub hidden: &'a [i64],
    /// After each hidden layer.
    pub activation: Activation,
    /// Dropout before each linear layer but the first, in `[0, 1)`; without hidden layers before the only one.
    pub dropout: f64,
}

impl Default for TowerShape<'_> {
    fn default() -> Self {
        Self { hidden: &[], activation: Activation::Relu, dropout: 0.0 }
    }
}

impl Tower {
    /// A tower on features of that view with `outputs` numbers per sample.
    ///
    /// # Errors
    /// [`InvalidConfig`](mtl_core::Error::InvalidConfig) for a width below 1 or a dropout rate outside `[0, 1)`.
    pub fn new(scope: &mut Scope<'_>, view: &View, outputs: i64, shape: TowerShape<'_>) -> Result<Self> {
        let dropout = Dropout::new(shape.dropout)?;
        let hidden = Mlp::new(&mut scope.sub("hidden"), view.width(), shape.hidden, shape.activation, dropout)?;
        let out = Linear::new(&mut scope.sub("out"), hidden.outputs(), outputs)?;
        // Hidden layers bring their own dropout; without them the features get it.
        let dropout = if shape.hidden.is_empty() { dropout } else { Dropout::new(0.0)? };
        Ok(Self { hidden, dropout, out })
    }

    /// # Shapes
    /// Any features of the view it was built for; result `[b, outputs]`.
    ///
    /// # Errors
    /// [`Shape`](mtl_core::Error::Shape) for features of another width.
    pub fn forward(&self, features: &Features, cx: &Cx) -> Result<Tensor> {
        self.forward_each(&features.pooled()?, cx) // [b, o]
    }

    /// The same for vectors as they are, one by one.
    ///
    /// # Shapes
    /// `[.., d]`, result `[.., outputs]`.
    ///
    /// # Errors
    /// As [`Tower::forward`].
    pub fn forward_each(&self, zs: &Tensor, cx: &Cx) -> Result<Tensor> {
        let zs = self.dropout.forward(zs.shallow_clone(), cx)?;
        let out = self.out.forward(&self.hidden.forward(&zs, cx)?, cx)?;
        match out.kind() {
            Kind::Half | Kind::BFloat16 => out.f_to_kind(Kind::Float).op("head output"),
            _ => Ok(out),
        }
    }
}
