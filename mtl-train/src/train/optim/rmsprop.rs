//! RMSprop: gradients over the root of the running mean of their squares.
//!
//! ```text
//! g <- g + wd p
//! v <- a v + (1 - a) g^2                 centered: e <- a e + (1 - a) g,  and v - e^2 in place of v below
//! d  = g / (sqrt(v) + eps)
//! p <- p - lr d                          with momentum: u <- mu u + d,  p <- p - lr u
//! ```
//! Reference: Hinton, Srivastava and Swersky, "Neural Networks for Machine Learning", lecture 6e, 2012; centered: Graves,
//! "Generating Sequences With Recurrent Neural Networks", 2013. Differs from PyTorch: decay only on matrices and larger; the
//! centered variance is kept from falling below 0, where rounding makes PyTorch's root NaN. Differs from TensorFlow, which adds
//! eps inside the root. libtorch has no fused kernel: a handful of list operations per part.

use mtl_core::shim::{RmsPropStep, rmsprop};
use serde::{Deserialize, Serialize};

use super::{BufferSpec, Part, Rule, below_one, not_negative, positive};

/// Settings of RMSprop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RmsPropConfig {
    /// Learning rate, > 0; default 0.01.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub lr: f64,
    /// Decay of the running means, in `[0, 1)`; default 0.99.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub alpha: f64,
    /// Momentum, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub momentum: f64,
    /// Whether squares are centered: divided is by the standard deviation; default false.
    pub centered: bool,
    /// L2 weight decay, added to the gradient, >= 0; default 0.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// Added to the root, > 0; default 1e-8.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub eps: f64,
}

impl Default for RmsPropConfig {
    fn default() -> Self {
        Self { lr: 0.01, alpha: 0.99, momentum: 0.0, centered: false, weight_decay: 0.0, eps: 1e-8 }
    }
}

impl Rule for RmsPropConfig {
    fn name(&self) -> &'static str {
        "rmsprop"
    }

    fn validate(&self) -> mtl_core::Result<()> {
        positive("rmsprop", "lr", self.lr)?;
        below_one("rmsprop", "alpha", self.alpha)?;
        below_one("rmsprop", "momentum", self.momentum)?;
        not_negative("rmsprop", "weight_decay", self.weight_decay)?;
        positive("rmsprop", "eps", self.eps)
    }

    fn lr(&self) -> f64 {
        self.lr
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn buffers(&self) -> Vec<BufferSpec> {
        let mut specs = vec![BufferSpec::zeros("square_avg")];
        if self.centered {
            specs.push(BufferSpec::zeros("grad_avg"));
        }
        if self.momentum > 0.0 {
            specs.push(BufferSpec::zeros("momentum"));
        }
        specs
    }

    fn apply(&self, part: &Part<'_>) -> mtl_core::Result<()> {
        let Self { alpha, eps, momentum, centered, .. } = *self;
        let step = RmsPropStep { lr: part.lr, alpha, weight_decay: part.weight_decay, eps, momentum };
        let means = centered.then(|| part.buffer(1));
        let momenta = (momentum > 0.0).then(|| part.buffer(1 + usize::from(centered)));
        rmsprop(&part.params, &part.grads, part.buffer(0), means, momenta, step)
    }
}
