//! SON-GOKU: tasks that conflict take turns.
//!
//! A graph joins tasks whose running cosine is below `-tau`; its vertices are colored so that no two joined ones share a
//! color, and each step trains the tasks of one color. Every `refresh` steps the coloring is renewed.
//!
//! ```text
//! c_ij = beta c_ij + (1 - beta) cos(g_i, g_j);   i and j joined when c_ij < -tau
//! w_i = 1 when the color of task i is the step's, else 0
//! ```
//!
//! Coloring is greedy by falling degree (Welsh, Powell), ties in task order: at most one color more than the largest
//! degree.
//!
//! **Shapes**: `G: [m, m]`, `c: [tasks, tasks]` (state), `w: [m]`.
//!
//! **Reference**: "Scheduling task updates by interference graphs: SON-GOKU", 2025, <https://arxiv.org/abs/2509.09312>
//! (idea; no code compared).
//!
//! **Differs from** the paper: running cosines instead of cosines of running gradients, which would need a copy of all
//! gradients per task.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`SonGoku`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SonGokuConfig {
    /// How negative a running cosine must be to count as a conflict; in `[0, 1)`, default 0.05.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub tau: f64,
    /// Decay of the running cosines; in `[0, 1)`, default 0.9.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta: f64,
    /// Steps between colorings; at least 1, default 32.
    #[schemars(range(min = 1))]
    pub refresh: u64,
}

impl Default for SonGokuConfig {
    fn default() -> Self {
        Self { tau: 0.05, beta: 0.9, refresh: 32 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct SonGoku {
    config: SonGokuConfig,
    cosines: Vec<f64>, // [tasks, tasks]
    colors: Vec<f64>,  // per task; -1 = not colored yet
    steps: u64,
}

impl SonGoku {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &SonGokuConfig, tasks: &TaskSet) -> Result<Self> {
        check::half_open("son-goku", "tau", config.tau, 0.0, 1.0)?;
        check::half_open("son-goku", "beta", config.beta, 0.0, 1.0)?;
        if config.refresh == 0 {
            return check::refuse("son-goku", "refresh", "at least 1", 0);
        }
        let n = tasks.len();
        Ok(Self { config: config.clone(), cosines: vec![0.0; n * n], colors: vec![-1.0; n], steps: 0 })
    }

    /// The color of every task of the set, counted from 0; -1 before the first step.
    #[must_use]
    pub fn colors(&self) -> &[f64] {
        &self.colors
    }

    fn joined(&self, a: usize, b: usize) -> bool {
        a != b && self.cosines[a * self.colors.len() + b] < -self.config.tau
    }

    fn color(&mut self) {
        let n = self.colors.len();
        let degree = |s: &Self, a: usize| (0..n).filter(|&b| s.joined(a, b)).count();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&a| std::cmp::Reverse(degree(self, a)));
        self.colors.fill(-1.0);
        for a in order {
            let mut color = 0.0;
            while (0..n).any(|b| self.joined(a, b) && self.is(b, color)) {
                color += 1.0;
            }
            self.colors[a] = color;
        }
    }

    fn is(&self, task: usize, color: f64) -> bool {
        (self.colors[task] - color).abs() < 0.5
    }
}

impl Balancer for SonGoku {
    fn name(&self) -> &'static str {
        "son-goku"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        let (tasks, n, beta) = (evidence.tasks, self.colors.len(), self.config.beta);
        for (i, &a) in tasks.iter().enumerate() {
            for (j, &b) in tasks.iter().enumerate() {
                let running = &mut self.cosines[a * n + b];
                *running = beta * *running + (1.0 - beta) * gramian.cosine(i, j);
            }
        }
        if self.steps.is_multiple_of(self.config.refresh) {
            self.color();
        }
        let count = self.colors.iter().fold(0.0, |a: f64, c| a.max(*c)) + 1.0;
        // The turn's color, or the next one that a task of this step has.
        let turn = (self.steps as f64) % count;
        let later = |c: f64| (c - turn).rem_euclid(count);
        let first = tasks.iter().map(|&t| later(self.colors[t])).fold(f64::INFINITY, f64::min);
        for (w, &task) in weights.iter_mut().zip(tasks) {
            *w = if (later(self.colors[task]) - first).abs() < 0.5 { 1.0 } else { 0.0 };
        }
        self.steps += 1;
        Ok(Outcome::default())
    }

    fn state(&self) -> StateDict {
        StateDict::new()
            .with("cosines", StateValue::Numbers(self.cosines.clone()))
            .with("colors", StateValue::Numbers(self.colors.clone()))
            .with("steps", StateValue::Count(self.steps))
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let cosines = state.numbers(self.name(), "cosines", self.cosines.len())?.to_vec();
        let colors = state.numbers(self.name(), "colors", self.colors.len())?.to_vec();
        self.steps = state.count(self.name(), "steps")?;
        (self.cosines, self.colors) = (cosines, colors);
        Ok(())
    }

    fn reset(&mut self) {
        self.cosines.fill(0.0);
        self.colors.fill(-1.0);
        self.steps = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn groups_are_free_of_conflict_and_cover_all_tasks() {
        let rows = [[1.0, 0.0], [0.9, 0.1], [-1.0, 0.1], [-0.9, -0.2]];
        let g = Gramian::of_rows(&rows);
        let mut method =
            SonGoku::new(&SonGokuConfig { beta: 0.0, ..SonGokuConfig::default() }, &testing::tasks(4)).unwrap();
        let first = testing::weigh(&mut method, &g, &[], 0).unwrap();
        let second = testing::weigh(&mut method, &g, &[], 1).unwrap();
        assert_eq!(first, [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(second, [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(testing::weigh(&mut method, &g, &[], 2).unwrap(), first);
    }

    #[test]
    fn agreeing_tasks_train_together_and_settings_are_checked() {
        assert_eq!(testing::weigh_rows("son-goku", &[[1.0, 0.0], [1.0, 1.0]]).unwrap(), [1.0, 1.0]);
        assert!(SonGoku::new(&SonGokuConfig { refresh: 0, ..SonGokuConfig::default() }, &testing::tasks(2)).is_err());
        assert!(SonGoku::new(&SonGokuConfig { tau: 1.0, ..SonGokuConfig::default() }, &testing::tasks(2)).is_err());
    }
}
