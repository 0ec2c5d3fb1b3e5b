//! AdamW: Adam with decoupled weight decay.
//!
//! ```text
//! m <- b1 m + (1 - b1) g          v <- b2 v + (1 - b2) g^2
//! p <- p (1 - lr wd) - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
//! ```
//! `t` counts the steps of each parameter, not of the run: a head whose task was absent keeps its own clock.
//!
//! Reference: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019. Differs from PyTorch: decay only
//! on matrices and larger (not on biases and norm scales). One fused libtorch call per decay group.

use mtl_core::{
    params::ParamSet,
    shim::{AdamWStep, fused_adamw},
    state::StateDict,
    step::Gradients,
};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Optimizer, check, moments::Moments};
use crate::error::Result;

/// Settings of [`AdamW`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdamWConfig {
    /// Learning rate, > 0; default 1e-3.
    pub lr: f64,
    /// Decays of the two moments, each in `[0, 1)`; default `[0.9, 0.999]`.
    pub betas: [f64; 2],
    /// Decoupled weight decay, >= 0; default 0.01.
    pub weight_decay: f64,
    /// Added to the root of the second moment, > 0; default 1e-8.
    pub eps: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { lr: 1e-3, betas: [0.9, 0.999], weight_decay: 0.01, eps: 1e-8 }
    }
}

/// The optimizer.
#[derive(Debug)]
pub struct AdamW {
    config: AdamWConfig,
    exp_avgs: Moments,
    exp_avg_sqs: Moments,
    steps: Moments,
}

impl AdamW {
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the setting out of range.
    pub fn new(config: AdamWConfig) -> Result<Self> {
        check("adamw", "lr", config.lr > 0.0 && config.lr.is_finite(), "positive", config.lr)?;
        for beta in config.betas {
            check("adamw", "betas", (0.0..1.0).contains(&beta), "in [0, 1)", beta)?;
        }
        check("adamw", "weight_decay", config.weight_decay >= 0.0, ">= 0", config.weight_decay)?;
        check("adamw", "eps", config.eps > 0.0, "positive", config.eps)?;
        let [exp_avgs, exp_avg_sqs, steps] = ["exp_avg", "exp_avg_sq", "step"].map(Moments::new);
        Ok(Self { config, exp_avgs, exp_avg_sqs, steps })
    }

    fn group(&self, params: &ParamSet, gradients: &Gradients, decays: bool, lr: f64) -> Result<()> {
        let (mut ps, mut gs): (Vec<&Tensor>, Vec<&Tensor>) = (Vec::new(), Vec::new());
        let (mut ms, mut vs, mut ts) = (Vec::new(), Vec::new(), Vec::new());
        for (position, grad) in gradients.iter() {
            let param = &params.params()[position];
            if param.decays() == decays {
                ps.push(param.tensor());
                gs.push(grad);
                ms.extend(self.exp_avgs.get(position));
                vs.extend(self.exp_avg_sqs.get(position));
                ts.extend(self.steps.get(position));
            }
        }
        let AdamWConfig { betas: [beta1, beta2], weight_decay, eps, .. } = self.config;
        let weight_decay = if decays { weight_decay } else { 0.0 };
        Ok(fused_adamw(&ps, &gs, &ms, &vs, &ts, AdamWStep { lr, beta1, beta2, weight_decay, eps })?)
    }
}

impl Optimizer for AdamW {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn step(&mut self, params: &ParamSet, gradients: &Gradients, lr: f64) -> Result<()> {
        for (position, _) in gradients.iter() {
            let tensor = params.params()[position].tensor();
            self.exp_avgs.ensure(position, tensor, None)?;
            self.exp_avg_sqs.ensure(position, tensor, None)?;
            self.steps.ensure(position, tensor, Some(&[]))?;
        }
        self.group(params, gradients, true, lr)?;
        self.group(params, gradients, false, lr)
    }

    fn state(&self, params: &ParamSet) -> StateDict {
        let mut state = StateDict::new();
        for moments in [&self.exp_avgs, &self.exp_avg_sqs, &self.steps] {
            moments.save(params, &mut state);
        }
        state
    }

    fn load_state(&mut self, params: &ParamSet, state: &StateDict) -> Result<()> {
        self.exp_avgs.load("adamw", params, state, true)?;
        self.exp_avg_sqs.load("adamw", params, state, true)?;
        self.steps.load("adamw", params, state, false)?;
        Ok(())
    }
}
