//! MOML: task weights learned by what they do to every held-out loss, without letting any of them rise.
//!
//! ```text
//! theta' = theta - a sum_i w_i g_i
//! h_j    = d l_val_j(theta') / d w = -a [<g_i, grad l_val_j(theta')>]_i        one row per held-out loss
//! alpha  = argmin over the simplex of |sum_j alpha_j h_j|                      MGDA
//! w     -= Adam( sum_j alpha_j h_j ),   w >= 0,   then the step uses the new w
//! ```
//! **Shapes**: joint Gramian `[2m, 2m]`: rows of the step, then rows ahead; weights `[m]` of the step's rows. State: weights
//! and Adam's moments.
//!
//! **Reference**: Ye, Lin, Yue, Guo, Xiao, Zhang, "Multi-objective meta learning", NeurIPS 2021,
//! <https://arxiv.org/abs/2102.07121>, applied to loss weights as in its section on multi-task learning.
//!
//! **Differs from** the paper: one plain step inside (its `T = 1`), whose derivative is exact without second derivatives;
//! the min-norm problem is solved exactly; weights start at 1 and cannot become negative.

use serde::{Deserialize, Serialize};

use super::learned::Learned;
use crate::{
    balance::{Balancer, Evidence, Gramian, Look, Needs, Outcome, check, solver::MinNorm},
    error::Result,
    state::StateDict,
    task::TaskSet,
};

/// Settings of [`Moml`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MomlConfig {
    /// Adam's learning rate of the weights; > 0, default 1e-3.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// `a`, how far to look ahead; > 0, default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub inner_lr: f64,
}

impl Default for MomlConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-3, inner_lr: 0.1 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Moml {
    inner_lr: f64,
    learned: Learned,
    solver: MinNorm,
    outer: Gramian,
    alpha: Vec<f64>,
}

impl Moml {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &MomlConfig, tasks: &TaskSet) -> Result<Self> {
        check::positive("moml", "learning_rate", config.learning_rate)?;
        check::positive("moml", "inner_lr", config.inner_lr)?;
        Ok(Self {
            inner_lr: config.inner_lr,
            learned: Learned::new(tasks.len(), config.learning_rate),
            solver: MinNorm::new(),
            outer: Gramian::default(),
            alpha: Vec::new(),
        })
    }
}

impl Balancer for Moml {
    fn name(&self) -> &'static str {
        "moml"
    }

    fn needs(&self) -> Needs {
        Needs { looks: &[Look::Ahead], ..Needs::gramian() }
    }

    fn inner_lr(&self) -> f64 {
        self.inner_lr
    }

    fn current_weights(&self, tasks: &[usize], weights: &mut [f64]) {
        self.learned.read(tasks, weights);
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let joint = evidence.checked_joint(self.name(), 2)?;
        let (tasks, m) = (evidence.tasks, evidence.tasks.len());
        // h_j without its factor -a, which changes neither alpha nor, beyond the sign, Adam's step.
        let h = |j: usize, i: usize| joint.get(i, m + j);
        let scale = (0..m).flat_map(|j| (0..m).map(move |i| h(j, i).abs())).fold(0.0, f64::max);
        let scale = if scale > 0.0 { scale } else { 1.0 };
        let outer = self.outer.rebuild(m);
        for j in 0..m {
            for k in 0..m {
                outer[j * m + k] = (0..m).map(|i| (h(j, i) / scale) * (h(k, i) / scale)).sum();
            }
        }
        self.alpha.resize(m, 0.0);
        let outcome = self.solver.solve(&self.outer, &mut self.alpha);
        for (i, &task) in tasks.iter().enumerate() {
            let slope: f64 = self.alpha.iter().enumerate().map(|(j, a)| a * h(j, i)).sum();
            self.learned.step(task, -self.inner_lr * slope);
        }
        self.learned.read(tasks, weights);
        outcome.accept(self.name(), weights, 1e-8)
    }

    fn state(&self) -> StateDict {
        self.learned.state()
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        self.learned.load_state("moml", state)
    }

    fn reset(&mut self) {
        self.learned.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn outer_objectives_that_cancel_move_nothing() {
        let mut method =
            Moml::new(&MomlConfig { learning_rate: 0.5, ..MomlConfig::default() }, &testing::tasks(2)).unwrap();
        // Rows ahead (1, 0) and (-1, 0): whatever one held-out loss gains the other loses.
        let joint = Gramian::of_rows(&[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]]);
        let gramian = Gramian::of_rows(&[[1.0, 0.0], [0.0, 1.0]]);
        let evidence = Evidence { tasks: &[0, 1], gramian: Some(&gramian), joint: Some(&joint), ..Evidence::default() };
        let mut weights = [1.0, 1.0, 0.0, 0.0];
        method.weigh(&evidence, &mut weights).unwrap();
        testing::assert_close(&weights, &[1.0, 1.0, 0.0, 0.0], 1e-12);
        // Rows ahead (1, 1) and (3, 1) agree: the shortest combination is (1, 1), both weights rise.
        let joint = Gramian::of_rows(&[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [3.0, 1.0]]);
        method.reset();
        method.weigh(&Evidence { joint: Some(&joint), ..evidence }, &mut weights).unwrap();
        testing::assert_close(&weights, &[1.5, 1.5, 0.0, 0.0], 1e-6);
    }
}
