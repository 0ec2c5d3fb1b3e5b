//! ConFIG: the conflict-free direction with equal cosines to all task gradients.
//!
//! ```text
//! u = normalized( pinv(U) p ),   U = unit gradients,   d = ( sum_i <g_i, u> ) u
//! ```
//!
//! `p` preference (default 1 each). In Gramian coordinates `pinv(U) p = sum_i y_i g_i / ‖g_i‖` with `y = C+ p`, `C` the
//! cosines: no `[m, n]` pseudo-inverse is formed.
//!
//! **Shapes**: `G: [m, m]`, weights `[m]`. `O(m³)`.
//!
//! **Reference**: Liu, Chu, Thuerey, "ConFIG: towards conflict-free training of physics informed neural networks", ICLR
//! 2025, <https://arxiv.org/abs/2408.11104>.
//!
//! **Differs from** the authors and TorchJD: Gramian form; otherwise nothing for independent gradients. When gradients
//! are dependent, cosines are equal only in the least-squares sense, in all versions.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check, solver::UnitRows},
    error::Result,
    task::TaskSet,
};

/// Settings of [`ConFig`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConFigConfig {
    /// Wanted ratios of the cosines: one number >= 0 per task, not all 0; empty (default): 1 each.
    #[schemars(inner(range(min = 0.0)))]
    pub preference: Vec<f64>,
}

/// See the [module](self).
#[derive(Debug)]
pub struct ConFig {
    preference: Vec<f64>,
    solver: UnitRows,
    wanted: Vec<f64>,
    y: Vec<f64>,
}

impl ConFig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a preference that does not fit the tasks.
    pub fn new(config: &ConFigConfig, tasks: &TaskSet) -> Result<Self> {
        let preference = if config.preference.is_empty() { vec![1.0; tasks.len()] } else { config.preference.clone() };
        check::one_per_task("config", "preference", &preference, tasks.len())?;
        Ok(Self { preference, solver: UnitRows::new(), wanted: Vec::new(), y: Vec::new() })
    }
}

impl Balancer for ConFig {
    fn name(&self) -> &'static str {
        "config"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        let outcome = self.solver.load(gramian);
        self.wanted.clear();
        self.wanted.extend(evidence.tasks.iter().map(|t| self.preference[*t]));
        self.y.resize(gramian.m(), 0.0);
        self.solver.pseudo_solve(&self.wanted, &mut self.y);
        let lengths = self.solver.lengths();
        let (mut square, mut along) = (0.0, 0.0); // ‖x‖² and sum_i <g_i, x> of x = sum_i y_i g_i / ‖g_i‖
        for (i, length) in lengths.iter().enumerate() {
            let product: f64 = self.solver.cosines(i).iter().zip(&self.y).map(|(c, y)| c * y).sum();
            square += self.y[i] * product;
            along += length * product;
        }
        let total: f64 = self.y.iter().map(|y| y.abs()).sum();
        let vanished = square <= 1e-14 * total * total; // the unit gradients cancel: no direction has these cosines
        for ((w, y), length) in weights.iter_mut().zip(&self.y).zip(lengths) {
            *w = if vanished || *length <= 0.0 { 0.0 } else { along / square * y / length };
        }
        outcome.accept(self.name(), weights, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn cosines_are_equal_and_the_length_is_the_sum_of_projections() {
        let rows = [[1.0, 0.0], [-2.0, 0.5]];
        let w = testing::weigh_rows("config", &rows).unwrap();
        let g = Gramian::of_rows(&rows);
        let mut products = [0.0; 2];
        g.times(&w, &mut products);
        let length = g.squared_length(&w).sqrt();
        testing::assert_close(&[products[0] / g.norm(0)], &[products[1] / g.norm(1)], 1e-12);
        testing::assert_close(&[(products[0] + products[1]) / length], &[length], 1e-12);
    }

    #[test]
    fn opposite_gradients_have_no_direction_and_preferences_are_checked() {
        assert_eq!(testing::weigh_rows("config", &[[1.0, 2.0], [-1.0, -2.0]]).unwrap(), [0.0, 0.0]);
        assert!(ConFig::new(&ConFigConfig { preference: vec![1.0] }, &testing::tasks(2)).is_err());
    }
}
