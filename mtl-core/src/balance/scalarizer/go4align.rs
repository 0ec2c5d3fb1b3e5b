//! GO4Align: tasks with similar risk form groups, and a group shares one weight.
//!
//! ```text
//! p_i = p_i exp(-eta l_i), normalized;   r_i = p_i sum_j l_j / l_i
//! groups = k-means of r in one dimension;   w_i = mean of r over the group of task i
//! ```
//!
//! `p` running preference (starts at `1/m`), `r` risk-guided indicator, `eta` step size.
//!
//! **Shapes**: losses, weights `[m]`; state: `p`. Grouping is exact by dynamic programming, `O(k m²)`.
//!
//! **Reference**: Shen, Snoek, Worring et al., "GO4Align: group optimization for multi-task alignment", NeurIPS 2024,
//! <https://arxiv.org/abs/2404.06486>.
//!
//! **Differs from** the authors' code: exact one-dimensional k-means instead of random starts, hence no seed; `p` is state.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`Go4Align`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Go4AlignConfig {
    /// Number of groups; at least 1 (more than the tasks means one each), default 2.
    #[schemars(range(min = 1))]
    pub groups: usize,
    /// `eta`; >= 0, default 1e-4.
    #[schemars(range(min = 0.0))]
    pub step_size: f64,
}

impl Default for Go4AlignConfig {
    fn default() -> Self {
        Self { groups: 2, step_size: 1e-4 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Go4Align {
    config: Go4AlignConfig,
    running: Vec<f64>,
}

impl Go4Align {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &Go4AlignConfig, tasks: &TaskSet) -> Result<Self> {
        check::non_negative("go4align", "step_size", config.step_size)?;
        if config.groups == 0 {
            return check::refuse("go4align", "groups", "at least 1", 0);
        }
        Ok(Self { config: config.clone(), running: vec![1.0 / tasks.len() as f64; tasks.len()] })
    }
}

impl Balancer for Go4Align {
    fn name(&self) -> &'static str {
        "go4align"
    }

    fn needs(&self) -> Needs {
        Needs::losses()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let (losses, tasks) = (evidence.positive_losses(self.name())?, evidence.tasks);
        let share: f64 = tasks.iter().map(|&t| self.running[t]).sum();
        // Only differences count: the smallest loss is taken off before the exponential.
        let smallest = losses.iter().fold(f64::INFINITY, |a: f64, l| a.min(*l));
        for (loss, &task) in losses.iter().zip(tasks) {
            let kept = (-self.config.step_size * (loss - smallest)).exp().max(1e-12);
            self.running[task] = (self.running[task] * kept).max(1e-300);
        }
        let sum: f64 = tasks.iter().map(|&t| self.running[t]).sum();
        let total: f64 = losses.iter().sum();
        for ((w, loss), &task) in weights.iter_mut().zip(losses).zip(tasks) {
            self.running[task] *= share / sum;
            *w = self.running[task] / share * (total / loss);
        }
        average_groups(weights, self.config.groups);
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn state(&self) -> StateDict {
        StateDict::new().with("running", StateValue::Numbers(self.running.clone()))
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        self.running = state.numbers(self.name(), "running", self.running.len())?.to_vec();
        Ok(())
    }

    fn reset(&mut self) {
        let share = 1.0 / self.running.len() as f64;
        self.running.fill(share);
    }
}

/// Replaces every value by the mean of its cluster in the best partition into at most `groups` clusters.
fn average_groups(values: &mut [f64], groups: usize) {
    let m = values.len();
    let groups = groups.min(m);
    if groups == 0 {
        return;
    }
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let scale = values.iter().fold(f64::MIN_POSITIVE, |a: f64, v| a.max(v.abs()));
    let sorted: Vec<f64> = order.iter().map(|&i| values[i] / scale).collect();
    // cost[g][j]: least sum of squares of the first j values in g clusters; from[g][j]: where the last one starts.
    let spread = |a: usize, b: usize| {
        let mean = sorted[a..b].iter().sum::<f64>() / (b - a) as f64;
        sorted[a..b].iter().map(|v| (v - mean).powi(2)).sum::<f64>()
    };
    let mut cost = vec![vec![f64::INFINITY; m + 1]; groups + 1];
    let mut from = vec![vec![0; m + 1]; groups + 1];
    cost[0][0] = 0.0;
    for g in 1..=groups {
        for j in g..=m {
            for start in g - 1..j {
                let found = cost[g - 1][start] + spread(start, j);
                if found < cost[g][j] {
                    (cost[g][j], from[g][j]) = (found, start);
                }
            }
        }
    }
    let mut end = m;
    for g in (1..=groups).rev() {
        let start = from[g][end];
        let mean = scale * sorted[start..end].iter().sum::<f64>() / (end - start) as f64;
        for &i in &order[start..end] {
            values[i] = mean;
        }
        end = start;
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn clusters_are_the_best_ones() {
        let mut values = [1.0, 10.0, 1.2, 9.0, 0.8];
        average_groups(&mut values, 2);
        testing::assert_close(&values, &[1.0, 9.5, 1.0, 9.5, 1.0], 1e-15);
        let mut values = [3.0, 1.0];
        average_groups(&mut values, 5);
        assert_eq!(values, [3.0, 1.0]);
        average_groups(&mut [], 2);
    }

    #[test]
    fn equal_losses_weigh_one_and_small_ones_more() {
        let mut method = Go4Align::new(&Go4AlignConfig::default(), &testing::tasks(3)).unwrap();
        testing::assert_close(&testing::weigh_losses(&mut method, &[2.0; 3], 0).unwrap(), &[1.0; 3], 1e-14);
        let w = testing::weigh_losses(&mut method, &[1.0, 1.0, 4.0], 1).unwrap();
        testing::assert_close(&w, &[2.0, 2.0, 0.5], 1e-3);
        assert!(Go4Align::new(&Go4AlignConfig { groups: 0, step_size: 0.0 }, &testing::tasks(2)).is_err());
    }
}
