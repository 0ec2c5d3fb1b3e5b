//! Lion: the sign of a running mean, so that every entry moves by exactly the learning rate.
//!
//! ```text
//! p <- p (1 - lr wd) - lr sign(b1 m + (1 - b1) g)
//! m <- b2 m + (1 - b2) g
//! ```
//! Half the state of Adam. Because all entries move equally far, learning rates are 3 to 10 times smaller than AdamW's and
//! weight decay as much larger, says the paper.
//!
//! With several tasks this matters: sign is taken after the balancer has combined the gradients, so the length of the
//! direction has no effect, only its proportions.
//!
//! Reference: Chen et al., "Symbolic Discovery of Optimization Algorithms", NeurIPS 2023. Differs from the authors' code:
//! decay only on matrices and larger. libtorch has no fused kernel: four list operations per part.

use mtl_core::shim::{LionStep, lion};
use serde::{Deserialize, Serialize};

use super::{BufferSpec, Part, Rule, below_one, not_negative, positive};

/// Settings of Lion.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LionConfig {
    /// Learning rate, > 0; default 1e-4.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub lr: f64,
    /// Share of the momentum in the update, and decay of the momentum, each in `[0, 1)`; default `[0.9, 0.99]`.
    #[schemars(extend("items" = {"type": "number", "format": "double", "minimum": 0.0, "exclusiveMaximum": 1.0}))]
    pub betas: [f64; 2],
    /// Decoupled weight decay, >= 0; default 0.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
}

impl Default for LionConfig {
    fn default() -> Self {
        Self { lr: 1e-4, betas: [0.9, 0.99], weight_decay: 0.0 }
    }
}

impl Rule for LionConfig {
    fn name(&self) -> &'static str {
        "lion"
    }

    fn validate(&self) -> mtl_core::Result<()> {
        positive("lion", "lr", self.lr)?;
        self.betas.iter().try_for_each(|&beta| below_one("lion", "betas", beta))?;
        not_negative("lion", "weight_decay", self.weight_decay)
    }

    fn lr(&self) -> f64 {
        self.lr
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn buffers(&self) -> Vec<BufferSpec> {
        vec![BufferSpec::zeros("momentum")]
    }

    fn apply(&self, part: &Part<'_>) -> mtl_core::Result<()> {
        let [beta1, beta2] = self.betas;
        let step = LionStep { lr: part.lr, beta1, beta2, weight_decay: part.weight_decay };
        lion(&part.params, &part.grads, part.buffer(0), step)
    }
}
