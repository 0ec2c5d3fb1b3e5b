//! MetaBalance: auxiliary gradients are scaled towards the length of the main task's.
//!
//! ```text
//! n_i = running mean of ‖g_i‖ (decay beta, bias-corrected)
//! w_i = r n_main / n_i + 1 - r   for auxiliary tasks,   w_main = 1
//! ```
//!
//! With `r = 1` all gradients have the main task's length, with `r = 0` nothing changes. Applied per parameter block
//! (`kind = "per-block"` around it) it is the paper's per-layer form.
//!
//! **Shapes**: diagonal of `G: [m, m]`, weights `[m]`, running norms (state).
//!
//! **Reference**: He, Feng, Tang, Xu, Zhang, "MetaBalance: improving multi-task recommendations via adapting gradient
//! magnitudes of auxiliary tasks", WWW 2022, <https://arxiv.org/abs/2203.06801>.
//!
//! **Differs from** torch-rechub (whose trainer crashes with it): running norms are bias-corrected per task, and state.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Which auxiliary gradients are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetaBalanceStrategy {
    /// Those longer than the main one (the paper's A).
    Shrink,
    /// Those shorter than the main one (the paper's B).
    Enlarge,
    /// All (the paper's C).
    #[default]
    Both,
}

/// Settings of [`MetaBalance`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MetaBalanceConfig {
    /// Name of the main task; empty (default): the first one.
    pub main: String,
    /// How far lengths are drawn to the main task's; in `[0, 1]`, default 0.7.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub relax: f64,
    /// Decay of the running norms; in `[0, 1)`, default 0.9.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta: f64,
    /// `both` (default), `shrink` or `enlarge`.
    pub strategy: MetaBalanceStrategy,
}

impl Default for MetaBalanceConfig {
    fn default() -> Self {
        Self { main: String::new(), relax: 0.7, beta: 0.9, strategy: MetaBalanceStrategy::Both }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct MetaBalance {
    config: MetaBalanceConfig,
    main: usize,
    sums: Vec<f64>,   // decayed sums of norms
    scales: Vec<f64>, // decayed sums of ones
}

impl MetaBalance {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::UnknownTask`](crate::Error::UnknownTask) for the main task,
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &MetaBalanceConfig, tasks: &TaskSet) -> Result<Self> {
        check::closed("metabalance", "relax", config.relax, 0.0, 1.0)?;
        check::half_open("metabalance", "beta", config.beta, 0.0, 1.0)?;
        let main = if config.main.is_empty() { 0 } else { tasks.index_of(&config.main)? };
        Ok(Self { config: config.clone(), main, sums: vec![0.0; tasks.len()], scales: vec![0.0; tasks.len()] })
    }

    fn running(&self, task: usize) -> f64 {
        if self.scales[task] > 0.0 { self.sums[task] / self.scales[task] } else { 0.0 }
    }
}

impl Balancer for MetaBalance {
    fn name(&self) -> &'static str {
        "metabalance"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        let beta = self.config.beta;
        for (k, &task) in evidence.tasks.iter().enumerate() {
            self.sums[task] = beta * self.sums[task] + (1.0 - beta) * gramian.norm(k);
            self.scales[task] = beta * self.scales[task] + (1.0 - beta);
        }
        let main = self.running(self.main);
        for (w, &task) in weights.iter_mut().zip(evidence.tasks) {
            let ratio = main / self.running(task);
            let applies = match self.config.strategy {
                MetaBalanceStrategy::Shrink => ratio < 1.0,
                MetaBalanceStrategy::Enlarge => ratio > 1.0,
                MetaBalanceStrategy::Both => true,
            };
            let known = main > 0.0 && ratio.is_finite() && task != self.main;
            *w = if applies && known { self.config.relax * ratio + 1.0 - self.config.relax } else { 1.0 };
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn state(&self) -> StateDict {
        StateDict::new()
            .with("sums", StateValue::Numbers(self.sums.clone()))
            .with("scales", StateValue::Numbers(self.scales.clone()))
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let sums = state.numbers(self.name(), "sums", self.sums.len())?.to_vec();
        self.scales = state.numbers(self.name(), "scales", self.scales.len())?.to_vec();
        self.sums = sums;
        Ok(())
    }

    fn reset(&mut self) {
        self.sums.fill(0.0);
        self.scales.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn auxiliary_lengths_are_drawn_to_the_main_one() {
        let g = Gramian::of_rows(&[[1.0, 0.0], [0.0, 4.0], [0.5, 0.0]]);
        let weigh = |strategy| {
            let config = MetaBalanceConfig { strategy, ..MetaBalanceConfig::default() };
            testing::weigh(&mut MetaBalance::new(&config, &testing::tasks(3)).unwrap(), &g, &[], 0).unwrap()
        };
        let (long, short) = (0.7 * 0.25 + 0.3, 0.7 * 2.0 + 0.3);
        testing::assert_close(&weigh(MetaBalanceStrategy::Both), &[1.0, long, short], 1e-14);
        testing::assert_close(&weigh(MetaBalanceStrategy::Shrink), &[1.0, long, 1.0], 1e-14);
        testing::assert_close(&weigh(MetaBalanceStrategy::Enlarge), &[1.0, 1.0, short], 1e-14);
    }

    #[test]
    fn the_main_task_is_found_by_name_and_norms_run() {
        let main = |name: &str| MetaBalanceConfig { main: name.into(), ..MetaBalanceConfig::default() };
        assert!(MetaBalance::new(&main("t9"), &testing::tasks(2)).unwrap_err().to_string().contains("t0, t1"));
        let mut method = MetaBalance::new(&main("t1"), &testing::tasks(2)).unwrap();
        testing::weigh(&mut method, &Gramian::of_rows(&[[1.0], [1.0]]), &[], 0).unwrap();
        let w = testing::weigh(&mut method, &Gramian::of_rows(&[[3.0], [1.0]]), &[], 1).unwrap();
        let running = (0.9 * 0.1 + 0.1 * 3.0) / 0.19;
        testing::assert_close(&w, &[0.7 / running + 0.3, 1.0], 1e-14);
    }
}
