//! Adagrad: gradients over the root of the sum of all their squares, for rare features.
//!
//! ```text
//! g <- g + wd p        s <- s + g^2        p <- p - lr / (1 + (t - 1) decay) * g / (sqrt(s) + eps)
//! ```
//! `t` counts the steps of each parameter. An embedding row that is seldom seen keeps a large rate; the price is that every
//! rate only falls.
//!
//! Reference: Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", JMLR
//! 12, 2011. Differs from PyTorch: decay only on matrices and larger. One fused libtorch call per part.

use mtl_core::shim::{AdagradStep, fused_adagrad};
use serde::{Deserialize, Serialize};

use super::{BufferSpec, Part, Rule, not_negative, positive};

/// Settings of Adagrad.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdagradConfig {
    /// Learning rate, > 0; default 0.01.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub lr: f64,
    /// How fast the rate falls with the steps beside the sum, >= 0; default 0.
    #[schemars(range(min = 0.0))]
    pub lr_decay: f64,
    /// L2 weight decay, added to the gradient, >= 0; default 0.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// What the sums start from, >= 0; default 0.
    #[schemars(range(min = 0.0))]
    pub initial_accumulator: f64,
    /// Added to the root, > 0; default 1e-10.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub eps: f64,
}

impl Default for AdagradConfig {
    fn default() -> Self {
        Self { lr: 0.01, lr_decay: 0.0, weight_decay: 0.0, initial_accumulator: 0.0, eps: 1e-10 }
    }
}

impl Rule for AdagradConfig {
    fn name(&self) -> &'static str {
        "adagrad"
    }

    fn validate(&self) -> mtl_core::Result<()> {
        positive("adagrad", "lr", self.lr)?;
        not_negative("adagrad", "lr_decay", self.lr_decay)?;
        not_negative("adagrad", "weight_decay", self.weight_decay)?;
        not_negative("adagrad", "initial_accumulator", self.initial_accumulator)?;
        positive("adagrad", "eps", self.eps)
    }

    fn lr(&self) -> f64 {
        self.lr
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn buffers(&self) -> Vec<BufferSpec> {
        vec![BufferSpec { name: "sum", counts: false, fill: self.initial_accumulator }, BufferSpec::count("step")]
    }

    fn apply(&self, part: &Part<'_>) -> mtl_core::Result<()> {
        let Self { lr_decay, eps, .. } = *self;
        let step = AdagradStep { lr: part.lr, lr_decay, weight_decay: part.weight_decay, eps };
        fused_adagrad(&part.params, &part.grads, part.buffer(0), part.buffer(1), step)
    }
}
