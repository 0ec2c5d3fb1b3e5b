//! Stochastic gradient descent with momentum.
//!
//! ```text
//! g <- g + wd p        u <- mu u + g  (first step: u = g)        p <- p - lr u    (Nesterov: p - lr (g + mu u))
//! ```
//! Reference: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013, in
//! PyTorch's form (the learning rate outside the momentum). Differs from PyTorch: decay only on matrices and larger.

use mtl_core::{
    params::ParamSet,
    shim::{SgdStep, fused_sgd},
    state::StateDict,
    step::Gradients,
};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Optimizer, check, moments::Moments};
use crate::error::Result;

/// Settings of [`Sgd`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// Learning rate, > 0; default 0.01.
    pub lr: f64,
    /// Momentum, in `[0, 1)`; default 0.9.
    pub momentum: f64,
    /// Weight decay, >= 0; default 0.
    pub weight_decay: f64,
    /// Nesterov's variant, which needs momentum; default false.
    pub nesterov: bool,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self { lr: 0.01, momentum: 0.9, weight_decay: 0.0, nesterov: false }
    }
}

/// The optimizer.
#[derive(Debug)]
pub struct Sgd {
    config: SgdConfig,
    momenta: Moments,
}

impl Sgd {
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the setting out of range.
    pub fn new(config: SgdConfig) -> Result<Self> {
        check("sgd", "lr", config.lr > 0.0 && config.lr.is_finite(), "positive", config.lr)?;
        check("sgd", "momentum", (0.0..1.0).contains(&config.momentum), "in [0, 1)", config.momentum)?;
        check("sgd", "weight_decay", config.weight_decay >= 0.0, ">= 0", config.weight_decay)?;
        let usable = !config.nesterov || config.momentum > 0.0;
        check("sgd", "momentum", usable, "positive with nesterov", config.momentum)?;
        Ok(Self { config, momenta: Moments::new("momentum") })
    }
}

impl Optimizer for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn step(&mut self, params: &ParamSet, gradients: &Gradients, lr: f64) -> Result<()> {
        // A buffer made in this step must take the gradient instead of being averaged with zeros, hence four groups.
        let mut groups: [(Vec<&Tensor>, Vec<&Tensor>, Vec<usize>); 4] = Default::default();
        for (position, grad) in gradients.iter() {
            let param = &params.params()[position];
            let first = self.momenta.ensure(position, param.tensor(), None)?;
            let group = &mut groups[usize::from(first) * 2 + usize::from(param.decays())];
            group.0.push(param.tensor());
            group.1.push(grad);
            group.2.push(position);
        }
        let SgdConfig { momentum, weight_decay, nesterov, .. } = self.config;
        for (idx, (ps, gs, positions)) in groups.iter().enumerate() {
            let momenta: Vec<&Tensor> = positions.iter().filter_map(|&p| self.momenta.get(p)).collect();
            let weight_decay = if idx % 2 == 1 { weight_decay } else { 0.0 };
            fused_sgd(ps, gs, &momenta, SgdStep { lr, momentum, weight_decay, nesterov, first: idx >= 2 })?;
        }
        Ok(())
    }

    fn state(&self, params: &ParamSet) -> StateDict {
        let mut state = StateDict::new();
        self.momenta.save(params, &mut state);
        state
    }

    fn load_state(&mut self, params: &ParamSet, state: &StateDict) -> Result<()> {
        Ok(self.momenta.load("sgd", params, state, true)?)
    }
}
