//! Adam: each entry moves by the mean of its gradients over the root of the mean of their squares.
//!
//! ```text
//! g <- g + wd p
//! m <- b1 m + (1 - b1) g          v <- b2 v + (1 - b2) g^2          (AMSGrad: u <- max(u, v) in place of v below)
//! p <- p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
//! ```
//! `t` counts the steps of each parameter, as in [`super::adamw`], which should be preferred wherever there is
//! weight decay: here decay is divided by the root as gradients are, so that entries with large gradients hardly decay.
//!
//! Reference: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015. Differs from PyTorch: decay only on
//! matrices and larger. Differs from the paper: none with the default settings. One fused libtorch call per part.

use serde::{Deserialize, Serialize};

use super::{AdamWConfig, BufferSpec, Part, Rule, adamw};

/// Settings of Adam.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// Learning rate, > 0; default 1e-3.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub lr: f64,
    /// Decays of the two moments, each in `[0, 1)`; default `[0.9, 0.999]`.
    #[schemars(extend("items" = {"type": "number", "format": "double", "minimum": 0.0, "exclusiveMaximum": 1.0}))]
    pub betas: [f64; 2],
    /// L2 weight decay, added to the gradient, >= 0; default 0.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// Added to the root of the second moment, > 0; default 1e-8.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub eps: f64,
    /// Whether the largest second moment so far counts instead of the current one; default false.
    pub amsgrad: bool,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self { lr: 1e-3, betas: [0.9, 0.999], weight_decay: 0.0, eps: 1e-8, amsgrad: false }
    }
}

impl AdamConfig {
    /// The same numbers, for what both share.
    fn numbers(&self) -> AdamWConfig {
        let Self { lr, betas, weight_decay, eps, amsgrad } = *self;
        AdamWConfig { lr, betas, weight_decay, eps, amsgrad }
    }
}

impl Rule for AdamConfig {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn validate(&self) -> mtl_core::Result<()> {
        adamw::validate("adam", &self.numbers())
    }

    fn lr(&self) -> f64 {
        self.lr
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn buffers(&self) -> Vec<BufferSpec> {
        adamw::buffers(self.amsgrad)
    }

    fn apply(&self, part: &Part<'_>) -> mtl_core::Result<()> {
        adamw::apply(&self.numbers(), part, false)
    }
}
