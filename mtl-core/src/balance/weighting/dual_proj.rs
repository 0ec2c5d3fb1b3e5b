//! DualProj: the mean gradient, projected onto the dual cone of the task gradients.
//!
//! The direction nearest to the mean that conflicts with no task.
//!
//! ```text
//! w = argmin { v' G v : v >= p },   d = sum_i w_i g_i,   <g_i, d> >= 0
//! ```
//!
//! `p` preference (default `1/m` each).
//!
//! **Shapes**: `G: [m, m]`, `w: [m]`. One small quadratic program.
//!
//! **Reference**: Lopez-Paz, Ranzato, "Gradient episodic memory for continual learning", NeurIPS 2017,
//! <https://arxiv.org/abs/1706.08840> (the projection); named as in Quinton, Rey, 2024.
//!
//! **Differs from** TorchJD: no `norm_eps` and `reg_eps`, so no remaining conflict (theirs: `<g, d> = -5e-4` on a 2 x 2
//! example) and no threshold on the scale.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, preference::Preference, solver::DualCone},
    error::Result,
    task::TaskSet,
};

/// Settings of [`DualProj`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DualProjConfig {
    /// One number >= 0 per task, not all 0; empty (default): `1/m` each.
    #[schemars(inner(range(min = 0.0)))]
    pub preference: Vec<f64>,
}

/// See the [module](self).
#[derive(Debug)]
pub struct DualProj {
    preference: Preference,
    bound: Vec<f64>,
    solver: DualCone,
}

impl DualProj {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a preference that does not fit the tasks.
    pub fn new(config: &DualProjConfig, tasks: &TaskSet) -> Result<Self> {
        let preference = Preference::new("dualproj", &config.preference, tasks.len())?;
        Ok(Self { preference, bound: Vec::new(), solver: DualCone::new() })
    }
}

impl Balancer for DualProj {
    fn name(&self) -> &'static str {
        "dualproj"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        self.preference.fill(evidence.tasks, &mut self.bound);
        self.solver.load(gramian);
        self.solver.project(&self.bound, weights).accept(self.name(), weights, 1e-8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn two_conflicting_tasks_by_hand() {
        // Mean of (1, 0) and (-2, 0.5) is (-0.5, 0.25); task 1 must get 1 instead of 0.5 for <g_1, d> = 0.
        let w = testing::weigh_rows("dualproj", &[[1.0, 0.0], [-2.0, 0.5]]).unwrap();
        testing::assert_close(&w, &[1.0, 0.5], 1e-14);
    }

    #[test]
    fn without_conflict_it_is_the_preference() {
        assert_eq!(testing::weigh_rows("dualproj", &[[1.0, 0.0], [1.0, 1.0]]).unwrap(), [0.5, 0.5]);
        assert!(DualProj::new(&DualProjConfig { preference: vec![0.0, 0.0] }, &testing::tasks(2)).is_err());
    }
}
