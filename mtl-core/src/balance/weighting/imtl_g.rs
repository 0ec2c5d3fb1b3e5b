//! IMTL-G: the direction whose projections on all unit gradients are equal.
//!
//! No task is ahead of another, whatever the lengths of their gradients.
//!
//! ```text
//! <d, g_i / ‖g_i‖> equal for every i:   w ~ G+ n,  n_i = ‖g_i‖,   sum_i w_i = 1
//! ```
//!
//! Computed as `C y = 1`, `w_i ~ y_i / ‖g_i‖` with the cosines `C`, which is the same for independent gradients.
//!
//! **Shapes**: `G: [m, m]`, `w: [m]`. `O(m³)`.
//!
//! **Reference**: Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang, "Towards impartial multi-task learning", ICLR 2021,
//! <https://openreview.net/forum?id=IMPnRXEWpvr>.
//!
//! **Differs from** the paper where `sum w` is small or negative: dividing by it gives huge weights, and by a negative one
//! turns the direction *against every task*. Here the divisor is at least `floor * sum |w|`, so weights stay bounded and
//! the projections never negative. LibMTL inverts a singular matrix (and raises) when two gradients are parallel.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check, solver::UnitRows},
    error::Result,
    task::TaskSet,
};

/// Settings of [`ImtlG`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImtlGConfig {
    /// Smallest divisor of the weights in units of the sum of their absolute values; in `(0, 1]`, default 0.1. Weights
    /// are then at most `1 / floor`.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub floor: f64,
}

impl Default for ImtlGConfig {
    fn default() -> Self {
        Self { floor: 0.1 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct ImtlG {
    floor: f64,
    solver: UnitRows,
    ones: Vec<f64>,
}

impl ImtlG {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a floor outside `(0, 1]`.
    pub fn new(config: &ImtlGConfig, _tasks: &TaskSet) -> Result<Self> {
        check::positive("imtl-g", "floor", config.floor)?;
        check::closed("imtl-g", "floor", config.floor, 0.0, 1.0)?;
        Ok(Self { floor: config.floor, solver: UnitRows::new(), ones: Vec::new() })
    }
}

impl Balancer for ImtlG {
    fn name(&self) -> &'static str {
        "imtl-g"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        let outcome = self.solver.load(gramian);
        self.ones.clear();
        self.ones.resize(gramian.m(), 1.0);
        self.solver.project(&self.ones, weights);
        if weights.iter().sum::<f64>() <= 1e-10 * gramian.m() as f64 {
            weights.fill(0.0); // stationary: equal projections can only be 0, and what is left is rounding
            return Ok(outcome);
        }
        self.solver.pseudo_solve(&self.ones, weights);
        let lengths = self.solver.lengths();
        let shortest = lengths.iter().copied().filter(|l| *l > 0.0).fold(f64::INFINITY, f64::min);
        for (w, length) in weights.iter_mut().zip(lengths) {
            *w = if *length > 0.0 { *w * shortest / length } else { 0.0 };
        }
        let sum: f64 = weights.iter().sum();
        let size: f64 = weights.iter().map(|w| w.abs()).sum();
        if size > 0.0 {
            let divisor = sum.max(self.floor * size);
            weights.iter_mut().for_each(|w| *w /= divisor);
        }
        outcome.accept(self.name(), weights, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn projections_on_unit_gradients_are_equal() {
        let rows = [[1.0, 0.0, 0.0], [0.5, 2.0, 0.0], [-0.3, 0.1, 4.0]];
        let w = testing::weigh_rows("imtl-g", &rows).unwrap();
        let g = Gramian::of_rows(&rows);
        let mut products = [0.0; 3];
        g.times(&w, &mut products);
        let projections: Vec<f64> = (0..3).map(|i| products[i] / g.norm(i)).collect();
        testing::assert_close(&projections, &[projections[0]; 3], 1e-13);
        assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-13 && projections[0] > 0.0);
    }

    #[test]
    fn a_negative_sum_does_not_turn_the_direction_around_unlike_the_formula() {
        // The short row lies between the long ones: the formula gives it -178 parts against 5.6 of theirs.
        let g = Gramian::of_rows(&[[0.01, 0.0, 0.0], [0.5, 0.8, 0.3], [0.5, -0.8, 0.3]]);
        let w = testing::weigh(&mut ImtlG::new(&ImtlGConfig::default(), &testing::tasks(3)).unwrap(), &g, &[], 0);
        let (w, mut products) = (w.unwrap(), [0.0; 3]);
        g.times(&w, &mut products);
        assert!(products.iter().all(|p| *p > 0.0), "{products:?}");
        assert!(w.iter().map(|w| w.abs()).sum::<f64>() <= 10.0 + 1e-9);
    }

    #[test]
    fn parallel_gradients_do_not_raise_unlike_libmtl() {
        let w = testing::weigh_rows("imtl-g", &[[1.0, 2.0], [1.0, 2.0], [1.0, -1.0]]).unwrap();
        testing::assert_close(&[w[0]], &[w[1]], 1e-12);
        assert!(ImtlG::new(&ImtlGConfig { floor: 0.0 }, &testing::tasks(2)).is_err());
    }
}
