//! Stochastic gradient descent with momentum.
//!
//! ```text
//! g <- g + wd p        u <- mu u + g  (first step: u = g)        p <- p - lr u    (Nesterov: p - lr (g + mu u))
//! ```
//! Reference: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013, in
//! PyTorch's form (the learning rate outside the momentum). Differs from PyTorch: decay only on matrices and larger, and a
//! momentum of 0.9 by default. One fused libtorch call per part.

use mtl_core::shim::{SgdStep, fused_sgd};
use serde::{Deserialize, Serialize};

use super::{BufferSpec, Part, Rule, below_one, check, not_negative, positive};

/// Settings of SGD.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// Learning rate, > 0; default 0.01.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub lr: f64,
    /// Momentum, in `[0, 1)`; default 0.9.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub momentum: f64,
    /// Weight decay, >= 0; default 0.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// Nesterov's variant, which needs momentum; default false.
    pub nesterov: bool,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self { lr: 0.01, momentum: 0.9, weight_decay: 0.0, nesterov: false }
    }
}

impl Rule for SgdConfig {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn validate(&self) -> mtl_core::Result<()> {
        positive("sgd", "lr", self.lr)?;
        below_one("sgd", "momentum", self.momentum)?;
        not_negative("sgd", "weight_decay", self.weight_decay)?;
        let usable = !self.nesterov || self.momentum > 0.0;
        check("sgd", "momentum", usable, "positive with nesterov", self.momentum)
    }

    fn lr(&self) -> f64 {
        self.lr
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn buffers(&self) -> Vec<BufferSpec> {
        if self.momentum > 0.0 { vec![BufferSpec::zeros("momentum")] } else { Vec::new() }
    }

    fn apply(&self, part: &Part<'_>) -> mtl_core::Result<()> {
        let Self { momentum, nesterov, .. } = *self;
        // A buffer made in this step takes the gradient instead of being averaged with zeros.
        let step = SgdStep { lr: part.lr, momentum, weight_decay: part.weight_decay, nesterov, first: part.first };
        fused_sgd(&part.params, &part.grads, part.buffer(0), step)
    }
}
