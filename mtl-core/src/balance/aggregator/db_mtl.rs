//! DB-MTL, dual balancing: gradients of log-losses, running, all made as long as the longest.
//!
//! ```text
//! y_i <- g_i / l_i + beta (y_i - g_i / l_i)
//! d = sum_i (max_j ‖y_j‖ / ‖y_i‖) y_i
//! ```
//!
//! **Shapes**: rows `[m, n]` per block; state: `y` `[tasks, n]`.
//!
//! **Reference**: Lin, Jiang, Ye, Zhang, Chen, Chen, Liu, Kwok, "Dual-balancing for multi-task learning", 2023,
//! <https://arxiv.org/abs/2308.12029>.
//!
//! **Differs from** LibMTL: the running gradients are state; `beta` does not decay with the step (its `sigma = 0` default);
//! a task's first gradient starts its running one, instead of being averaged with zeros.

use serde::{Deserialize, Serialize};

use super::{Aggregator, AggregatorNeeds, running::Running};
use crate::{
    balance::{Evidence, Outcome, check},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`DbMtl`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DbMtlConfig {
    /// Decay of the running gradients; in `[0, 1)`, default 0.9.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta: f64,
}

impl Default for DbMtlConfig {
    fn default() -> Self {
        Self { beta: 0.9 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct DbMtl {
    beta: f64,
    running: Running,
    seen: Vec<f64>, // 1 for tasks that have a running gradient
    tasks: Vec<usize>,
    scales: Vec<f64>,  // 1 / l_i, later the weights
    squares: Vec<f64>, // ‖y_i‖²
}

impl DbMtl {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a `beta` outside `[0, 1)`.
    pub fn new(config: &DbMtlConfig, tasks: &TaskSet) -> Result<Self> {
        check::half_open("db-mtl", "beta", config.beta, 0.0, 1.0)?;
        let (running, seen) = (Running::new(tasks.len()), vec![0.0; tasks.len()]);
        Ok(Self { beta: config.beta, running, seen, tasks: Vec::new(), scales: Vec::new(), squares: Vec::new() })
    }
}

impl Aggregator for DbMtl {
    fn name(&self) -> &'static str {
        "db-mtl"
    }

    fn needs(&self) -> AggregatorNeeds {
        AggregatorNeeds { losses: true, observes: true, ..AggregatorNeeds::default() }
    }

    fn begin(&mut self, evidence: &Evidence<'_>) -> Result<()> {
        let losses = evidence.positive_losses("db-mtl")?;
        self.tasks.clear();
        self.tasks.extend_from_slice(evidence.tasks);
        self.scales.clear();
        self.scales.extend(losses.iter().map(|l| 1.0 / l));
        self.squares.clear();
        self.squares.resize(losses.len(), 0.0);
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
    fn observe(&mut self, block: usize, rows: &[&[f32]]) -> Result<()> {
        for (k, (row, &task)) in rows.iter().zip(&self.tasks).enumerate() {
            let beta = if self.seen[task] > 0.0 { self.beta as f32 } else { 0.0 };
            let scale = self.scales[k] as f32;
            for (y, g) in self.running.row("db-mtl", block, task, row.len())?.iter_mut().zip(*row) {
                *y = scale * g + beta * (*y - scale * g);
                self.squares[k] += f64::from(*y) * f64::from(*y);
            }
        }
        Ok(())
    }

    fn decide(&mut self) -> Result<Outcome> {
        let longest = self.squares.iter().fold(0.0, |a: f64, s| a.max(*s));
        for (k, &task) in self.tasks.iter().enumerate() {
            self.seen[task] = 1.0;
            self.scales[k] = if self.squares[k] > 0.0 { (longest / self.squares[k]).sqrt() } else { 0.0 };
        }
        Outcome::default().accept("db-mtl", &self.scales, 0.0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
    fn direct(&mut self, block: usize, _rows: &[&[f32]], direction: &mut [f32]) -> Result<()> {
        direction.fill(0.0);
        for (weight, &task) in self.scales.iter().zip(&self.tasks) {
            for (d, y) in direction.iter_mut().zip(self.running.get(block, task)) {
                *d += *weight as f32 * y;
            }
        }
        Ok(())
    }

    fn state(&self) -> StateDict {
        let mut state = StateDict::new().with("seen", StateValue::Numbers(self.seen.clone()));
        self.running.save(&mut state);
        state
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let running = self.running.loaded("db-mtl", state)?;
        self.seen = state.numbers("db-mtl", "seen", self.seen.len())?.to_vec();
        self.running = running;
        Ok(())
    }

    fn reset(&mut self) {
        self.seen.fill(0.0);
        self.running.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};

    #[test]
    fn two_steps_by_hand() {
        let tasks = crate::balance::testing::tasks(2);
        let mut method = DbMtl::new(&DbMtlConfig { beta: 0.5 }, &tasks).unwrap();
        // g / l = (2, 0, 0) and (0, 0, 1): the second is made as long as the first.
        let d = testing::direct(&mut method, &[vec![4.0, 0.0, 0.0], vec![0.0, 0.0, 1.0]], &[2.0, 1.0], 0).unwrap();
        assert_eq!(d, [2.0, 0.0, 2.0]);
        // Running: (1, 1, 0) and (0, 0, 1).
        let d = testing::direct(&mut method, &[vec![0.0, 2.0, 0.0], vec![0.0, 0.0, 1.0]], &[1.0, 1.0], 1).unwrap();
        assert!((d[0] - 1.0).abs() < 1e-6 && (d[1] - 1.0).abs() < 1e-6 && (d[2] - 2f32.sqrt()).abs() < 1e-6, "{d:?}");
        assert!(testing::direct(&mut method, &[vec![1.0], vec![1.0]], &[1.0, 1.0], 2).is_err(), "another size");
        assert!(DbMtl::new(&DbMtlConfig { beta: 1.0 }, &tasks).is_err());
    }
}
