//! Nash-MTL: the direction that the tasks would agree on in a bargaining game.
//!
//! ```text
//! maximize sum_i log <g_i, d>:   G w = 1 / w,  w > 0,   d = sum_i w_i g_i
//! then, when ‖d‖ > max_norm:     w *= max_norm / ‖d‖
//! ```
//!
//! The direction does not change when a loss is multiplied by a constant. At the solution `‖d‖ = sqrt(m)` whatever the
//! gradients, so with the default `max_norm = 1` every step has length 1: lower the learning rate towards the end.
//! At a Pareto stationary point there is no solution and the weights are 0.
//!
//! **Shapes**: `G: [m, m]`, `w: [m]`.
//!
//! **Reference**: Navon, Shamsian, Achituve, Maron, Kawaguchi, Chechik, Fetaya, "Multi-task learning as a bargaining
//! game", ICML 2022, <https://arxiv.org/abs/2202.01017>.
//!
//! **Differs from** LibMTL and TorchJD: solved to 1e-13 by Newton's method ([`Fair`]) in microseconds instead of some 20
//! cone programs in 7-70 milliseconds; works for one task, zero gradients and any scale. Update intervals are set by the
//! pipeline, not here.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check, solver::Fair},
    error::Result,
    task::TaskSet,
};

/// Settings of [`NashMtl`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NashMtlConfig {
    /// Longest direction; > 0 (may be infinite), default 1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub max_norm: f64,
}

impl Default for NashMtlConfig {
    fn default() -> Self {
        Self { max_norm: 1.0 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct NashMtl {
    max_norm: f64,
    solver: Fair,
}

impl NashMtl {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) unless `max_norm > 0`.
    pub fn new(config: &NashMtlConfig, _tasks: &TaskSet) -> Result<Self> {
        if config.max_norm.is_nan() || config.max_norm <= 0.0 {
            return check::refuse("nash-mtl", "max_norm", "above 0", config.max_norm);
        }
        Ok(Self { max_norm: config.max_norm, solver: Fair::new() })
    }
}

impl Balancer for NashMtl {
    fn name(&self) -> &'static str {
        "nash-mtl"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        let Some(outcome) = self.solver.solve(gramian, 1.0, weights) else { return Ok(Outcome::default()) };
        let length = gramian.squared_length(weights).max(0.0).sqrt();
        if length > self.max_norm {
            weights.iter_mut().for_each(|w| *w *= self.max_norm / length);
        }
        outcome.accept(self.name(), weights, 1e-6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn the_direction_has_unit_length_and_ignores_the_scale_of_a_loss() {
        let direction = |scale: f64| {
            let rows = [[1.0, 0.2], [-0.5 * scale, 1.0 * scale]];
            let w = testing::weigh_rows("nash-mtl", &rows).unwrap();
            [w[0] * rows[0][0] + w[1] * rows[1][0], w[0] * rows[0][1] + w[1] * rows[1][1]]
        };
        let d = direction(1.0);
        assert!((d[0] * d[0] + d[1] * d[1] - 1.0).abs() < 1e-13);
        testing::assert_close(&direction(1e-5), &d, 1e-12);
        testing::assert_close(&direction(1e7), &d, 1e-12);
    }

    #[test]
    fn without_a_limit_the_equations_hold() {
        let config = NashMtlConfig { max_norm: f64::INFINITY };
        let g = Gramian::of_rows(&[[1.0, 0.0, 0.3], [-0.6, 0.8, 0.0], [0.0, -0.5, 0.5]]);
        let w = testing::weigh(&mut NashMtl::new(&config, &testing::tasks(3)).unwrap(), &g, &[], 0).unwrap();
        let mut gains = [0.0; 3];
        g.times(&w, &mut gains);
        testing::assert_close(&[gains[0] * w[0], gains[1] * w[1], gains[2] * w[2]], &[1.0; 3], 1e-12);
    }

    #[test]
    fn one_task_and_opposite_tasks_are_no_exception_unlike_libmtl() {
        // TorchJD 0.17 raises ValueError for one task, version 0.9 also for opposite gradients.
        testing::assert_close(&testing::weigh_rows("nash-mtl", &[[3.0, 4.0]]).unwrap(), &[0.2], 1e-13);
        assert_eq!(testing::weigh_rows("nash-mtl", &[[1.0, 2.0], [-1.0, -2.0]]).unwrap(), [0.0, 0.0]);
        assert!(NashMtl::new(&NashMtlConfig { max_norm: 0.0 }, &testing::tasks(2)).is_err());
    }
}
