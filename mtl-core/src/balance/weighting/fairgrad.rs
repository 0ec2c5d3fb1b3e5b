//! FairGrad: alpha-fair sharing of the descent between tasks.
//!
//! ```text
//! maximize sum_i <g_i, d>^(1 - alpha) / (1 - alpha) over a ball:   G w = w^(-1/alpha),  w > 0,   d = sum_i w_i g_i
//! ```
//!
//! `alpha = 1` is proportional fairness (Nash-MTL without its length limit); large `alpha` approaches max-min fairness,
//! small `alpha` the plain mean. At a Pareto stationary point there is no solution and the weights are 0.
//!
//! **Shapes**: `G: [m, m]`, `w: [m]`.
//!
//! **Reference**: Ban, Ji, "Fair resource allocation in multi-task learning", ICML 2024,
//! <https://arxiv.org/abs/2402.15638>.
//!
//! **Differs from** LibMTL and TorchJD, which minimize the squared residual with SciPy and can stop at its bound: Newton's
//! method on the convex function behind the equations ([`Fair`]).

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check, solver::Fair},
    error::Result,
    task::TaskSet,
};

/// Settings of [`FairGrad`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FairGradConfig {
    /// Fairness; in `[0.1, 10]`, default 1.
    #[schemars(range(min = 0.1, max = 10.0))]
    pub alpha: f64,
}

impl Default for FairGradConfig {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct FairGrad {
    alpha: f64,
    solver: Fair,
}

impl FairGrad {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for an `alpha` outside `[0.1, 10]`.
    pub fn new(config: &FairGradConfig, _tasks: &TaskSet) -> Result<Self> {
        check::closed("fairgrad", "alpha", config.alpha, 0.1, 10.0)?;
        Ok(Self { alpha: config.alpha, solver: Fair::new() })
    }
}

impl Balancer for FairGrad {
    fn name(&self) -> &'static str {
        "fairgrad"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        let outcome = self.solver.solve(gramian, self.alpha, weights).unwrap_or_default();
        outcome.accept(self.name(), weights, 1e-6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn the_equations_hold_for_every_alpha() {
        let g = Gramian::of_rows(&[[1.0, 0.0, 0.3], [-0.6, 0.8, 0.0], [0.0, -0.5, 5.0]]);
        for alpha in [0.3, 1.0, 2.0, 10.0] {
            let mut method = FairGrad::new(&FairGradConfig { alpha }, &testing::tasks(3)).unwrap();
            let w = testing::weigh(&mut method, &g, &[], 0).unwrap();
            let mut gains = [0.0; 3];
            g.times(&w, &mut gains);
            let expected: Vec<f64> = w.iter().map(|w| w.powf(-1.0 / alpha)).collect();
            testing::assert_close(&gains, &expected, 1e-11);
        }
    }

    #[test]
    fn alpha_one_is_nash_without_limit() {
        let rows = [[1.0, 0.2], [-0.5, 1.0]];
        let fair = testing::weigh_rows("fairgrad", &rows).unwrap();
        let nash = testing::weigh_rows("nash-mtl", &rows).unwrap();
        testing::assert_close(&[fair[0] / fair[1]], &[nash[0] / nash[1]], 1e-12);
        assert!(FairGrad::new(&FairGradConfig { alpha: 0.0 }, &testing::tasks(2)).is_err());
    }
}
