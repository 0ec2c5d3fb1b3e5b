//! AdamW: Adam with decoupled weight decay.
//!
//! ```text
//! m <- b1 m + (1 - b1) g          v <- b2 v + (1 - b2) g^2          (AMSGrad: u <- max(u, v) in place of v below)
//! p <- p (1 - lr wd) - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
//! ```
//! `t` counts the steps of each parameter, not of the run: a head whose task was absent keeps its own clock.
//!
//! Reference: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019; AMSGrad: Reddi, Kale and Kumar, "On
//! the Convergence of Adam and Beyond", ICLR 2018. Differs from PyTorch: decay only on matrices and larger (not on biases
//! and norm scales). One fused libtorch call per part.

use mtl_core::shim::{AdamStep, fused_adam};
use serde::{Deserialize, Serialize};

use super::{BufferSpec, Part, Rule, below_one, not_negative, positive};

/// Settings of AdamW.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdamWConfig {
    /// Learning rate, > 0; default 1e-3.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub lr: f64,
    /// Decays of the two moments, each in `[0, 1)`; default `[0.9, 0.999]`.
    #[schemars(extend("items" = {"type": "number", "format": "double", "minimum": 0.0, "exclusiveMaximum": 1.0}))]
    pub betas: [f64; 2],
    /// Decoupled weight decay, >= 0; default 0.01.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// Added to the root of the second moment, > 0; default 1e-8.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub eps: f64,
    /// Whether the largest second moment so far counts instead of the current one; default false.
    pub amsgrad: bool,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { lr: 1e-3, betas: [0.9, 0.999], weight_decay: 0.01, eps: 1e-8, amsgrad: false }
    }
}

impl Rule for AdamWConfig {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn validate(&self) -> mtl_core::Result<()> {
        validate("adamw", self)
    }

    fn lr(&self) -> f64 {
        self.lr
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn buffers(&self) -> Vec<BufferSpec> {
        buffers(self.amsgrad)
    }

    fn apply(&self, part: &Part<'_>) -> mtl_core::Result<()> {
        apply(self, part, true)
    }
}

/// Moments, the clock and, for AMSGrad, the largest second moment.
pub(super) fn buffers(amsgrad: bool) -> Vec<BufferSpec> {
    let mut specs = vec![BufferSpec::zeros("exp_avg"), BufferSpec::zeros("exp_avg_sq"), BufferSpec::count("step")];
    if amsgrad {
        specs.push(BufferSpec::zeros("max_exp_avg_sq"));
    }
    specs
}

/// The checks that Adam and AdamW have in common.
pub(super) fn validate(what: &'static str, config: &AdamWConfig) -> mtl_core::Result<()> {
    positive(what, "lr", config.lr)?;
    config.betas.iter().try_for_each(|&beta| below_one(what, "betas", beta))?;
    not_negative(what, "weight_decay", config.weight_decay)?;
    positive(what, "eps", config.eps)
}

/// The step that Adam and AdamW have in common but for where the decay goes.
pub(super) fn apply(config: &AdamWConfig, part: &Part<'_>, decoupled: bool) -> mtl_core::Result<()> {
    let [beta1, beta2] = config.betas;
    let step = AdamStep { lr: part.lr, beta1, beta2, weight_decay: part.weight_decay, eps: config.eps, decoupled };
    let largest = config.amsgrad.then(|| part.buffer(3));
    fused_adam(&part.params, &part.grads, part.buffer(0), part.buffer(1), largest, part.buffer(2), step)
}
