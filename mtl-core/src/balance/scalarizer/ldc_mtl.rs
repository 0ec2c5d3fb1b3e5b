//! LDC-MTL: weights are learned so that neighboring weighted losses do not drift apart.
//!
//! ```text
//! x_i = sigma_i l_i / l_i0,   sigma = m softmax(a)
//! total = sum_i x_i + lambda sum_i | x_i - x_(i+1) |
//! w_i = sigma_i / l_i0 (1 + lambda (s_i - s_(i-1))),  s_i = sign(x_i - x_(i+1));   then one Adam step on a
//! ```
//!
//! `l_i0` first loss (the paper's coarse normalization), `a` logits, `lambda` penalty of the bilevel problem: the inner
//! level trains the network on the weighted losses, the outer one levels them out. One loop, one backward pass.
//!
//! **Shapes**: losses, weights `[m]`; state: logits, first losses and Adam's moments.
//!
//! **Reference**: Xiao, Dong, Zou, Ji, "LDC-MTL: balancing multi-task learning through scalable loss discrepancy
//! control", 2025, <https://arxiv.org/abs/2502.08585>.
//!
//! **Differs from** the authors' code, where a small network gives the weights, the penalty differs by data set, and the
//! losses inside it carry no weights (on Cityscapes: `lambda |l_1 - l_2|` beside the weighted sum). The
//! logits learn from the penalty alone: from the first term they would learn to ignore the largest loss.

use serde::{Deserialize, Serialize};

use super::softmax::softmax;
use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, adam::Adam, check},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`LdcMtl`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LdcMtlConfig {
    /// `lambda`; in `[0, 0.5]` (weights then stay >= 0), default 0.01.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub penalty: f64,
    /// Adam's learning rate of the logits; > 0, default 1e-3.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
}

impl Default for LdcMtlConfig {
    fn default() -> Self {
        Self { penalty: 0.01, learning_rate: 1e-3 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct LdcMtl {
    penalty: f64,
    logits: Vec<f64>,
    first: Vec<f64>, // 0 = not seen yet
    adam: Adam,
    levels: Vec<f64>, // x
    sigmas: Vec<f64>,
}

impl LdcMtl {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &LdcMtlConfig, tasks: &TaskSet) -> Result<Self> {
        check::closed("ldc-mtl", "penalty", config.penalty, 0.0, 0.5)?;
        check::positive("ldc-mtl", "learning_rate", config.learning_rate)?;
        let n = tasks.len();
        let adam = Adam::new(n, config.learning_rate, 0.0);
        let (logits, first) = (vec![0.0; n], vec![0.0; n]);
        Ok(Self { penalty: config.penalty, logits, first, adam, levels: Vec::new(), sigmas: Vec::new() })
    }

    /// `s_i - s_(i-1)`: how the penalty grows with `x_i`.
    fn pull(&self, k: usize) -> f64 {
        let sign = |a: usize, b: usize| {
            let (x, y) = (self.levels[a], self.levels[b]);
            if (x - y).abs() <= 1e-12 * (x.abs() + y.abs()) { 0.0 } else { (x - y).signum() }
        };
        let next = if k + 1 < self.levels.len() { sign(k, k + 1) } else { 0.0 };
        let previous = if k > 0 { sign(k - 1, k) } else { 0.0 };
        next - previous
    }
}

impl Balancer for LdcMtl {
    fn name(&self) -> &'static str {
        "ldc-mtl"
    }

    fn needs(&self) -> Needs {
        Needs::losses()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let (losses, tasks) = (evidence.positive_losses(self.name())?, evidence.tasks);
        let m = losses.len() as f64;
        self.sigmas.resize(losses.len(), 0.0);
        softmax(&mut self.sigmas, |k| self.logits[tasks[k]]);
        self.levels.clear();
        for (k, &task) in tasks.iter().enumerate() {
            if self.first[task] <= 0.0 {
                self.first[task] = losses[k];
            }
            self.levels.push(m * self.sigmas[k] * losses[k] / self.first[task]);
        }
        let slope: f64 = (0..losses.len()).map(|k| self.pull(k) * self.levels[k]).sum();
        for (k, &task) in tasks.iter().enumerate() {
            let pull = self.pull(k);
            weights[k] = m * self.sigmas[k] / self.first[task] * (1.0 + self.penalty * pull);
            // d penalty / d a_k through x_j = m softmax_j l_j / l_j0.
            self.adam.step(task, &mut self.logits[task], pull * self.levels[k] - self.sigmas[k] * slope);
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn state(&self) -> StateDict {
        let mut state = StateDict::new()
            .with("logits", StateValue::Numbers(self.logits.clone()))
            .with("first", StateValue::Numbers(self.first.clone()));
        self.adam.save(&mut state);
        state
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let adam = self.adam.loaded(self.name(), state)?;
        let first = state.numbers(self.name(), "first", self.first.len())?.to_vec();
        self.logits = state.numbers(self.name(), "logits", self.logits.len())?.to_vec();
        (self.first, self.adam) = (first, adam);
        Ok(())
    }

    fn reset(&mut self) {
        self.logits.fill(0.0);
        self.first.fill(0.0);
        self.adam.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn the_first_step_normalizes_by_the_first_losses() {
        let mut method = LdcMtl::new(&LdcMtlConfig::default(), &testing::tasks(2)).unwrap();
        let w = testing::weigh_losses(&mut method, &[4.0, 0.5], 0).unwrap();
        testing::assert_close(&w, &[0.25, 2.0], 1e-14);
    }

    #[test]
    fn weighted_losses_are_leveled_out() {
        let config = LdcMtlConfig { learning_rate: 0.01, ..LdcMtlConfig::default() };
        let mut method = LdcMtl::new(&config, &testing::tasks(2)).unwrap();
        testing::weigh_losses(&mut method, &[1.0, 1.0], 0).unwrap();
        for step in 1..500 {
            testing::weigh_losses(&mut method, &[0.5, 1.0], step).unwrap();
        }
        let levels = method.levels;
        testing::assert_close(&levels, &[2.0 / 3.0; 2], 0.05);
        assert!(LdcMtl::new(&LdcMtlConfig { penalty: 0.6, ..config }, &testing::tasks(2)).is_err());
    }
}
