//! ExcessMTL: tasks that are still far from what they could reach count more, by an estimate of that distance.
//!
//! ```text
//! h_i <- h_i + g_i²  per coordinate,   e_i = sum g_i² / sqrt(h_i)      (excess risk, a diagonal Newton decrement)
//! w_i <- w_i exp(eta e_i / e_i0), normalized to sum 1;   d = sum_i w_i g_i
//! ```
//!
//! `e_i0` the task's first estimate. Unlike the loss itself, the estimate does not call a task difficult because its labels
//! are noisy.
//!
//! **Shapes**: rows `[m, n]` per block; state: `h` `[tasks, n]`, weights and first estimates `[tasks]`.
//!
//! **Reference**: He, Zhou, Zhang, Zhao, Mitra, Yu, "Robust multi-task learning with excess risks", ICML 2024,
//! <https://arxiv.org/abs/2402.02009>.
//!
//! **Differs from** LibMTL and TorchJD: no `1e-7` beside `h` or `e_i0`, so tiny gradients count like large ones; every step
//! is relative, also the first; a task whose first estimate is 0 waits for one that is not. Default `eta` as in LibMTL
//! (0.01); TorchJD's is 1.

use serde::{Deserialize, Serialize};

use super::{Aggregator, AggregatorNeeds, running::Running};
use crate::{
    balance::{Evidence, Outcome, check},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`ExcessMtl`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExcessMtlConfig {
    /// `eta`; > 0, default 0.01.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub step_size: f64,
}

impl Default for ExcessMtlConfig {
    fn default() -> Self {
        Self { step_size: 0.01 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct ExcessMtl {
    step_size: f64,
    squares: Running, // h
    logs: Vec<f64>,   // log w, up to a constant
    first: Vec<f64>,  // e_i0; 0 = not seen yet
    tasks: Vec<usize>,
    excess: Vec<f64>, // e, later the weights
}

impl ExcessMtl {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a step size that is not positive.
    pub fn new(config: &ExcessMtlConfig, tasks: &TaskSet) -> Result<Self> {
        check::positive("excess-mtl", "step_size", config.step_size)?;
        let n = tasks.len();
        let (squares, logs, first) = (Running::new(n), vec![0.0; n], vec![0.0; n]);
        Ok(Self { step_size: config.step_size, squares, logs, first, tasks: Vec::new(), excess: Vec::new() })
    }
}

impl Aggregator for ExcessMtl {
    fn name(&self) -> &'static str {
        "excess-mtl"
    }

    fn needs(&self) -> AggregatorNeeds {
        AggregatorNeeds { observes: true, ..AggregatorNeeds::default() }
    }

    fn begin(&mut self, evidence: &Evidence<'_>) -> Result<()> {
        self.tasks.clear();
        self.tasks.extend_from_slice(evidence.tasks);
        self.excess.clear();
        self.excess.resize(evidence.tasks.len(), 0.0);
        Ok(())
    }

    fn observe(&mut self, block: usize, rows: &[&[f32]]) -> Result<()> {
        for ((row, &task), excess) in rows.iter().zip(&self.tasks).zip(&mut self.excess) {
            for (h, g) in self.squares.row("excess-mtl", block, task, row.len())?.iter_mut().zip(*row) {
                // h holds the root of the sum: squares of small f32 gradients would vanish.
                *h = h.hypot(*g);
                if *h > 0.0 {
                    *excess += f64::from(*g) * f64::from(*g) / f64::from(*h);
                }
            }
        }
        Ok(())
    }

    fn decide(&mut self) -> Result<Outcome> {
        for (excess, &task) in self.excess.iter().zip(&self.tasks) {
            if self.first[task] <= 0.0 {
                self.first[task] = *excess;
            }
            if self.first[task] > 0.0 {
                self.logs[task] += self.step_size * excess / self.first[task];
            }
        }
        let largest = self.tasks.iter().map(|&t| self.logs[t]).fold(f64::NEG_INFINITY, f64::max);
        for (w, &task) in self.excess.iter_mut().zip(&self.tasks) {
            *w = (self.logs[task] - largest).exp();
        }
        let sum: f64 = self.excess.iter().sum();
        self.excess.iter_mut().for_each(|w| *w /= sum);
        Outcome::default().accept("excess-mtl", &self.excess, 0.0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
    fn direct(&mut self, _block: usize, rows: &[&[f32]], direction: &mut [f32]) -> Result<()> {
        direction.fill(0.0);
        for (weight, row) in self.excess.iter().zip(rows) {
            for (d, g) in direction.iter_mut().zip(*row) {
                *d += *weight as f32 * g;
            }
        }
        Ok(())
    }

    fn state(&self) -> StateDict {
        let mut state = StateDict::new()
            .with("logs", StateValue::Numbers(self.logs.clone()))
            .with("first", StateValue::Numbers(self.first.clone()));
        self.squares.save(&mut state);
        state
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let squares = self.squares.loaded("excess-mtl", state)?;
        let first = state.numbers("excess-mtl", "first", self.first.len())?.to_vec();
        self.logs = state.numbers("excess-mtl", "logs", self.logs.len())?.to_vec();
        (self.squares, self.first) = (squares, first);
        Ok(())
    }

    fn reset(&mut self) {
        self.logs.fill(0.0);
        self.first.fill(0.0);
        self.squares.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};

    #[test]
    fn the_task_whose_gradient_does_not_shrink_gains() {
        let tasks = crate::balance::testing::tasks(2);
        let mut method = ExcessMtl::new(&ExcessMtlConfig { step_size: 0.1 }, &tasks).unwrap();
        let first = testing::direct(&mut method, &[vec![1.0, 0.0], vec![0.0, 1.0]], &[], 0).unwrap();
        assert_eq!(first, [0.5, 0.5]);
        let mut last = first;
        for step in 1..10 {
            let small = 0.5f32.powi(step);
            let rows = [vec![small, 0.0], vec![0.0, 1.0]];
            last = testing::direct(&mut method, &rows, &[], u64::try_from(step).unwrap()).unwrap();
            last[0] /= small;
        }
        assert!(last[1] > 0.55 && (last[0] + last[1] - 1.0).abs() < 1e-5, "{last:?}");
        assert!(ExcessMtl::new(&ExcessMtlConfig { step_size: 0.0 }, &tasks).is_err());
    }
}
