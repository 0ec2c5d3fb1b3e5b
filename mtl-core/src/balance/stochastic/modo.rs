//! MoDo: one projected gradient step on the min-norm weights per step, with double sampling.
//!
//! ```text
//! lambda <- P( lambda - gamma (J1 J2^T + rho I) lambda ),   P the projection onto the simplex
//! d       = J3^T lambda
//! ```
//! `J1`, `J2`, `J3`: gradients of three independent batches; `J3` is the step's own.
//!
//! **Shapes**: joint Gramian `[2m, 2m]` of the two looks; weights `[m]` of the step's rows. State: `lambda`, one number a
//! task; among the tasks of a step it is projected anew.
//!
//! **Reference**: Chen, Fernando, Ying, Chen, "Three-way trade-off in multi-objective learning: optimization,
//! generalization and conflict-avoidance", NeurIPS 2023, <https://arxiv.org/abs/2305.20057>, algorithm 1.
//!
//! **Differs from** LibMTL (`gamma` 1e-3) and TorchJD (`gamma` 0.1), which are a hundred times apart: the size of a good
//! `gamma` depends on that of the gradients, so here it is relative: the matrix is divided by the mean product of the two
//! looks' lengths. Default 0.1, `rho` 0.1 of the same unit. Heads follow the step's own batch.

use serde::{Deserialize, Serialize};

use super::{NEEDS, checked, cross};
use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check, solver::project_simplex},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`MoDo`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MoDoConfig {
    /// `gamma`, step of the weights in units of the gradients' squared length; > 0, default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub gamma: f64,
    /// `rho`, pull towards equal weights in the same units; >= 0, default 0.1.
    #[schemars(range(min = 0.0))]
    pub rho: f64,
}

impl Default for MoDoConfig {
    fn default() -> Self {
        Self { gamma: 0.1, rho: 0.1 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct MoDo {
    config: MoDoConfig,
    lambda: Vec<f64>,
    old: Vec<f64>,
}

impl MoDo {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &MoDoConfig, tasks: &TaskSet) -> Result<Self> {
        check::positive("modo", "gamma", config.gamma)?;
        check::non_negative("modo", "rho", config.rho)?;
        let n = tasks.len().max(1) as f64;
        Ok(Self { config: config.clone(), lambda: vec![1.0 / n; tasks.len()], old: Vec::new() })
    }
}

impl Balancer for MoDo {
    fn name(&self) -> &'static str {
        "modo"
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let joint = checked(evidence, self.name())?;
        let (tasks, m) = (evidence.tasks, evidence.tasks.len());
        let unit = (0..m).map(|i| joint.norm(i) * joint.norm(m + i)).sum::<f64>() / m as f64;
        self.old.clear();
        self.old.extend(tasks.iter().map(|&t| self.lambda[t]));
        for (i, w) in weights[..m].iter_mut().enumerate() {
            let pull = if unit > 0.0 { (0..m).map(|j| cross(joint, i, j) / unit * self.old[j]).sum() } else { 0.0 };
            *w = self.old[i] - self.config.gamma * (pull + self.config.rho * self.old[i]);
        }
        project_simplex(&mut weights[..m]);
        // The share of the tasks of this step stays what it was.
        let share: f64 = self.old.iter().sum();
        tasks.iter().zip(&*weights).for_each(|(&t, w)| self.lambda[t] = w * share);
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn state(&self) -> StateDict {
        StateDict::new().with("lambda", StateValue::Numbers(self.lambda.clone()))
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        self.lambda = state.numbers("modo", "lambda", self.lambda.len())?.to_vec();
        Ok(())
    }

    fn reset(&mut self) {
        let n = self.lambda.len().max(1) as f64;
        self.lambda.fill(1.0 / n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    fn weigh(method: &mut MoDo, rows: &[[f64; 2]]) -> Vec<f64> {
        let joint = Gramian::of_rows(rows);
        let mut weights = vec![1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let evidence = Evidence { tasks: &[0, 1], joint: Some(&joint), ..Evidence::default() };
        method.weigh(&evidence, &mut weights).unwrap();
        weights
    }

    #[test]
    fn one_step_by_hand() {
        let mut method = MoDo::new(&MoDoConfig { gamma: 0.5, rho: 0.0 }, &testing::tasks(2)).unwrap();
        // Looks (2, 0), (0, 1) and (2, 0), (0, 1): J1 J2^T = diag(4, 1), unit 2.5.
        let w = weigh(&mut method, &[[2.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 1.0]]);
        // 0.5 - 0.5 * 1.6 * 0.5 = 0.1 and 0.5 - 0.5 * 0.4 * 0.5 = 0.4, projected: + 0.25.
        testing::assert_close(&w, &[0.35, 0.65, 0.0, 0.0, 0.0, 0.0], 1e-14);
    }

    #[test]
    fn it_walks_to_the_shortest_combination_whatever_the_scale() {
        for scale in [1e-80, 1.0, 1e80] {
            let mut method = MoDo::new(&MoDoConfig { rho: 0.0, ..MoDoConfig::default() }, &testing::tasks(2)).unwrap();
            let rows = [[1.0, 0.0], [0.0, 2.0], [1.0, 0.0], [0.0, 2.0]].map(|r| r.map(|x: f64| x * scale));
            let w = (0..400).map(|_| weigh(&mut method, &rows)).last().unwrap();
            testing::assert_close(&w[..2], &[0.8, 0.2], 1e-6);
        }
    }
}
