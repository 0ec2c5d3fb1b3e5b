//! The trainable part that all heads have in common: hidden layers, then a linear layer.
//!
//! ```text
//! z = pool(features)                      [b, d]; or each token's, [b, l, d]
//! out = W drop(act(W_k .. z)) + b         [b, o]
//! ```
//! Parameters: `hidden.0.weight`, `hidden.0.bias`, ..., `out.weight`, `out.bias`. The result is at least of kind
//! `Float`: a loss in half precision would lose what small differences of logits say.
//!
//! On features of an ensemble of `k` [members](mtl_core::encode::Encoder::members) `W [k, d, o]` and `b [k, 1, o]` are each member's
//! own, as in TabM, where a network ends there: what members have learned apart is not read by one layer. Hidden layers are shared.

use mtl_core::{
    Result, TorchContext,
    context::Cx,
    features::{Features, View},
    nn::{Activation, Dropout, Experts, Linear, Mlp},
    params::Scope,
};
use tch::{Kind, Tensor};

/// Hidden layers and output layer of a head; for custom heads too.
#[derive(Debug)]
pub struct Tower {
    hidden: Mlp,
    dropout: Dropout,
    out: Last,
}

/// The output layer.
#[derive(Debug)]
enum Last {
    Linear(Linear),
    /// One for each of so many members.
    OfMembers(Experts, i64),
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
    /// Members of which the features are, >= 1: [`HeadPlace::members`](crate::HeadPlace::members).
    pub members: i64,
}

impl Default for TowerShape<'_> {
    fn default() -> Self {
        Self { hidden: &[], activation: Activation::Relu, dropout: 0.0, members: 1 }
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
        let (mut place, width) = (scope.sub("out"), hidden.outputs());
        let out = match shape.members {
            1 => Last::Linear(Linear::new(&mut place, width, outputs)?),
            k => Last::OfMembers(Experts::new(&mut place, k, width, outputs)?, k),
        };
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
        let zs = self.hidden.forward(&zs, cx)?;
        let out = match &self.out {
            Last::Linear(linear) => linear.forward(&zs, cx)?,
            Last::OfMembers(experts, members) => {
                let mut size = zs.size();
                let width = size.pop().unwrap_or(1);
                let out = experts.forward(&zs.f_reshape([*members, -1, width]).op("members")?, cx)?; // [k, b .., o]
                size.extend(out.size().last());
                out.f_reshape(size).op("members")?
            }
        };
        match out.kind() {
            Kind::Half | Kind::BFloat16 => out.f_to_kind(Kind::Float).op("head output"),
            _ => Ok(out),
        }
    }
}
