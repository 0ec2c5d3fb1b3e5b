//! UPGrad: the mean of the gradients, each first projected onto the dual cone of all of them.
//!
//! No single task can be hurt (to first order) by the result, yet each task's influence stays proportional to the
//! length of its gradient, so a converged task falls silent by itself.
//!
//! ```text
//! w = sum_i  argmin { v' G v : v >= p_i e_i }
//! d = sum_j w_j g_j,   <g_j, d> >= 0 for every j
//! ```
//!
//! `G` Gramian, `p` preference (default `1/m` each), `e_i` unit vector, `w` weights, `d` update direction.
//!
//! **Shapes**: `G: [m, m]`, `w: [m]`.
//!
//! **Reference**: Quinton, Rey, "Jacobian descent for multi-objective optimization", 2024,
//! <https://arxiv.org/abs/2406.16232>.
//!
//! **Differs from** TorchJD (the authors' code): no `norm_eps`, below which it silently returns the mean and conflicts;
//! no `reg_eps` that leaves a small conflict; any scale of gradients works. Everything else is equal to 1e-12.
//!
//! Cost: `m` small quadratic programs that share one set-up.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, preference::Preference, solver::DualCone},
    error::Result,
    task::TaskSet,
};

/// Settings of [`UpGrad`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpGradConfig {
    /// One number >= 0 per task, not all 0; empty (default): `1/m` each. With 1 each the result is the sum of the
    /// projected gradients.
    #[schemars(inner(range(min = 0.0)))]
    pub preference: Vec<f64>,
}

/// See the [module](self).
#[derive(Debug)]
pub struct UpGrad {
    preference: Preference,
    solver: DualCone,
    bound: Vec<f64>,
    projected: Vec<f64>,
}

impl UpGrad {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a preference that does not fit the tasks.
    pub fn new(config: &UpGradConfig, tasks: &TaskSet) -> Result<Self> {
        let preference = Preference::new("upgrad", &config.preference, tasks.len())?;
        Ok(Self { preference, solver: DualCone::new(), bound: Vec::new(), projected: Vec::new() })
    }
}

impl Balancer for UpGrad {
    fn name(&self) -> &'static str {
        "upgrad"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        let m = gramian.m();
        self.solver.load(gramian);
        self.bound.clear();
        self.bound.resize(m, 0.0);
        self.projected.resize(m, 0.0);
        weights.fill(0.0);
        let mut outcome = Outcome::default();
        for i in 0..m {
            self.bound[i] = self.preference.of(evidence.tasks, i);
            outcome = outcome.and(self.solver.project(&self.bound, &mut self.projected));
            self.bound[i] = 0.0;
            for (w, v) in weights.iter_mut().zip(&self.projected) {
                *w += v;
            }
        }
        outcome.accept(self.name(), weights, 1e-8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn two_conflicting_tasks_by_hand() {
        // Rows (1, 0) and (-2, 0.5): v = (1, 8/17) / 2 and (2, 1) / 2.
        let w = testing::weigh_rows("upgrad", &[[1.0, 0.0], [-2.0, 0.5]]).unwrap();
        testing::assert_close(&w, &[1.5, 0.5 * (1.0 + 8.0 / 17.0)], 1e-14);
    }

    #[test]
    fn tiny_gradients_are_projected_like_large_ones_unlike_torchjd() {
        // TorchJD 0.18 returns (0.5, 0.5) here: <g_1, d> = -0.5e-6 conflicts.
        let rows = [[1e-3, 0.0], [-2e-3, 0.5e-3]];
        let w = testing::weigh_rows("upgrad", &rows).unwrap();
        testing::assert_close(&w, &testing::weigh_rows("upgrad", &[[1.0, 0.0], [-2.0, 0.5]]).unwrap(), 1e-12);
        let mut products = [0.0; 2];
        Gramian::of_rows(&rows).times(&w, &mut products);
        assert!(products.iter().all(|p| *p >= 0.0), "{products:?}");
    }

    #[test]
    fn preferences_are_checked_and_used() {
        let tasks = testing::tasks(2);
        assert!(UpGrad::new(&UpGradConfig { preference: vec![1.0] }, &tasks).is_err());
        assert!(UpGrad::new(&UpGradConfig { preference: vec![1.0, -1.0] }, &tasks).is_err());
        let mut method = UpGrad::new(&UpGradConfig { preference: vec![2.0, 1.0] }, &tasks).unwrap();
        let w = testing::weigh(&mut method, &Gramian::of_rows(&[[1.0, 0.0], [0.0, 1.0]]), &[1.0, 1.0], 0).unwrap();
        assert_eq!(w, [2.0, 1.0]);
    }
}
