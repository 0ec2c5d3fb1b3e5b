//! GradNorm: loss weights are learned so that tasks train at similar rates.
//!
//! ```text
//! target_i = mean_j(w_j ‖g_j‖) r_i^alpha,   r_i = (l_i / l_i0) / mean_j(l_j / l_j0)
//! minimize  sum_i | w_i ‖g_i‖ - target_i |  over w, the targets held fixed;  then  sum w = m
//! ```
//!
//! `l_i0` the task's first loss, `r_i` its relative inverse training rate: a slow task gets a longer target.
//!
//! **Shapes**: diagonal of `G: [m, m]`, losses `[m]`, weights `[m]` (state, with Adam's moments).
//!
//! **Reference**: Chen, Badrinarayanan, Lee, Rabinovich, "GradNorm: gradient normalization for adaptive loss balancing in
//! deep multitask networks", ICML 2018, <https://arxiv.org/abs/1711.02257>.
//!
//! **Differs from** the paper: norms over all shared parameters, not the last shared layer; the slope is divided by the
//! mean norm, so that Adam's epsilon does not matter for tiny gradients; weights stay above 1e-4 (nothing keeps the
//! paper's positive). LibMTL learns them in the model's optimizer through a softmax and starts after the first epoch;
//! torch-rechub uses one common target for all tasks, which loses the idea.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, adam::Adam, check},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

const SMALLEST: f64 = 1e-4;

/// Settings of [`GradNorm`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GradNormConfig {
    /// Strength of the pull towards equal training rates; in `[0, 10]`, default 1.5.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub alpha: f64,
    /// Adam's learning rate of the weights; > 0, default 0.025.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
}

impl Default for GradNormConfig {
    fn default() -> Self {
        Self { alpha: 1.5, learning_rate: 0.025 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct GradNorm {
    config: GradNormConfig,
    weights: Vec<f64>,
    first_losses: Vec<f64>, // 0 = not seen yet
    adam: Adam,
}

impl GradNorm {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &GradNormConfig, tasks: &TaskSet) -> Result<Self> {
        check::closed("gradnorm", "alpha", config.alpha, 0.0, 10.0)?;
        check::positive("gradnorm", "learning_rate", config.learning_rate)?;
        let n = tasks.len();
        let adam = Adam::new(n, config.learning_rate, 0.0);
        Ok(Self { config: config.clone(), weights: vec![1.0; n], first_losses: vec![0.0; n], adam })
    }
}

impl Balancer for GradNorm {
    fn name(&self) -> &'static str {
        "gradnorm"
    }

    fn needs(&self) -> Needs {
        Needs { losses: true, ..Needs::gramian() }
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        let losses = evidence.positive_losses(self.name())?;
        let (tasks, m) = (evidence.tasks, losses.len() as f64);
        for (loss, &task) in losses.iter().zip(tasks) {
            if self.first_losses[task] <= 0.0 {
                self.first_losses[task] = *loss;
            }
        }
        for (w, &task) in weights.iter_mut().zip(tasks) {
            *w = self.weights[task];
        }
        let mean_norm = (0..losses.len()).map(|k| gramian.norm(k)).sum::<f64>() / m;
        if mean_norm > 0.0 {
            let weighted = |k: usize| weights[k] * gramian.norm(k) / mean_norm;
            let ratio = |k: usize| losses[k] / self.first_losses[tasks[k]];
            let mean_ratio = (0..losses.len()).map(ratio).sum::<f64>() / m;
            let mean_weighted = (0..losses.len()).map(weighted).sum::<f64>() / m;
            for (k, &task) in tasks.iter().enumerate() {
                let excess = weighted(k) - mean_weighted * (ratio(k) / mean_ratio).powf(self.config.alpha);
                // Rounding must not decide the direction for tasks that are on target.
                let sign = if excess.abs() <= 1e-12 * mean_weighted { 0.0 } else { excess.signum() };
                self.adam.step(task, &mut self.weights[task], sign * gramian.norm(k) / mean_norm);
                self.weights[task] = self.weights[task].max(SMALLEST);
            }
            let sum: f64 = tasks.iter().map(|&t| self.weights[t]).sum();
            for &task in tasks {
                self.weights[task] *= m / sum;
            }
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn state(&self) -> StateDict {
        let mut state = StateDict::new()
            .with("weights", StateValue::Numbers(self.weights.clone()))
            .with("first_losses", StateValue::Numbers(self.first_losses.clone()));
        self.adam.save(&mut state);
        state
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let n = self.weights.len();
        let adam = self.adam.loaded(self.name(), state)?;
        let first_losses = state.numbers(self.name(), "first_losses", n)?.to_vec();
        self.weights = state.numbers(self.name(), "weights", n)?.to_vec();
        (self.adam, self.first_losses) = (adam, first_losses);
        Ok(())
    }

    fn reset(&mut self) {
        self.weights.fill(1.0);
        self.first_losses.fill(0.0);
        self.adam.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn equal_rates_give_equal_weighted_norms() {
        let mut method = GradNorm::new(&GradNormConfig::default(), &testing::tasks(2)).unwrap();
        let g = Gramian::of_rows(&[[4.0, 0.0], [0.0, 1.0]]);
        for step in 0..400 {
            testing::weigh(&mut method, &g, &[1.0, 1.0], step).unwrap();
        }
        let w = testing::weigh(&mut method, &g, &[1.0, 1.0], 400).unwrap();
        testing::assert_close(&w, &[0.4, 1.6], 0.05);
        assert!((w[0] + w[1] - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_slow_task_gains_weight() {
        let mut method = GradNorm::new(&GradNormConfig::default(), &testing::tasks(2)).unwrap();
        let g = Gramian::of_rows(&[[1.0, 0.0], [0.0, 1.0]]);
        testing::weigh(&mut method, &g, &[1.0, 1.0], 0).unwrap();
        for step in 1..20 {
            testing::weigh(&mut method, &g, &[0.2, 0.9], step).unwrap();
        }
        let w = testing::weigh(&mut method, &g, &[0.2, 0.9], 20).unwrap();
        assert!(w[1] > 1.2 && w[0] < 0.8, "{w:?}");
        assert!(testing::weigh(&mut method, &g, &[0.0, 0.9], 20).is_err());
        assert!(
            GradNorm::new(&GradNormConfig { alpha: -1.0, ..GradNormConfig::default() }, &testing::tasks(2)).is_err()
        );
    }
}
