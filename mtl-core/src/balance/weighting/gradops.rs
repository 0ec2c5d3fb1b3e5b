//! GradOPS: every conflicting gradient loses all that lies in the span of the others.
//!
//! What is left of it changes no other task at all (to first order), so any non-negative combination is free of
//! conflicts, and a single number trades tasks off.
//!
//! ```text
//! g_i' = g_i                                   when <g_i, g_j> >= 0 for every j
//!      = g_i - P_i g_i                         else, P_i the projection on span{ g_j : j != i }
//! R_i  = <sum_j g_j', g_i> / ‖g_i‖²            how much task i gets, in units of its own gradient
//! d    = sum_i v_i g_i',   v_i = m R_i^alpha / sum_j R_j^alpha
//! ```
//!
//! In Gramian coordinates `g_i - P_i g_i = sum_j (C+)_ij / (C+)_ii ‖g_i‖ / ‖g_j‖ g_j` with the cosines `C`; a gradient in
//! the span of the others leaves nothing.
//!
//! **Shapes**: `G: [m, m]`, weights `[m]`. `O(m³)`.
//!
//! **Reference**: Zhu, Zhao, Wu, Wang, Deng, Xu, Zheng, "Gradient deconfliction via orthogonal projections onto subspaces
//! for multi-task learning", WSDM 2025, <https://arxiv.org/abs/2503.03438>.
//!
//! **Differs from** the paper: no code was published to compare with; `R_i` is our reading of its scalar projection.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Gramian, Needs, Outcome, check, solver::UnitRows},
    error::Result,
    task::TaskSet,
};

/// Settings of [`GradOps`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GradOpsConfig {
    /// Trade-off: positive favors tasks that already get much, negative those that get little; in `[-5, 5]`, default 0
    /// (the plain sum).
    #[schemars(range(min = -5.0, max = 5.0))]
    pub alpha: f64,
}

/// See the [module](self).
#[derive(Debug)]
pub struct GradOps {
    alpha: f64,
    solver: UnitRows,
    parts: Vec<f64>, // [m, m], row i = coefficients of g_i'
    unit: Vec<f64>,
    solved: Vec<f64>,
    shares: Vec<f64>,
}

impl GradOps {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for an `alpha` outside `[-5, 5]`.
    pub fn new(config: &GradOpsConfig, _tasks: &TaskSet) -> Result<Self> {
        check::closed("gradops", "alpha", config.alpha, -5.0, 5.0)?;
        let (parts, unit, solved, shares) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Ok(Self { alpha: config.alpha, solver: UnitRows::new(), parts, unit, solved, shares })
    }

    /// Writes the coefficients of `g_i'`.
    fn deconflict(&mut self, gramian: &Gramian, i: usize) {
        let m = gramian.m();
        let part = &mut self.parts[i * m..(i + 1) * m];
        part.fill(0.0);
        if gramian.row(i).iter().all(|g| *g >= 0.0) {
            part[i] = 1.0;
            return;
        }
        self.unit.fill(0.0);
        self.unit[i] = 1.0;
        self.solver.project(&self.unit, &mut self.solved);
        if self.solved[i] < 1.0 - 1e-9 {
            return; // in the span of the others
        }
        self.solver.pseudo_solve(&self.unit, &mut self.solved);
        let lengths = self.solver.lengths();
        for j in (0..m).filter(|&j| lengths[j] > 0.0) {
            part[j] = self.solved[j] / self.solved[i] * (lengths[i] / lengths[j]);
        }
    }

    /// Writes `v`.
    fn trade_off(&mut self, gramian: &Gramian) {
        let m = gramian.m();
        self.shares.clear();
        self.shares.resize(m, 1.0);
        if self.alpha.abs() <= 0.0 || m == 0 {
            return;
        }
        self.unit.fill(0.0);
        for part in self.parts.chunks_exact(m) {
            self.unit.iter_mut().zip(part).for_each(|(u, p)| *u += p);
        }
        gramian.times(&self.unit, &mut self.solved);
        for i in 0..m {
            self.shares[i] = if gramian.diag(i) > 0.0 { (self.solved[i] / gramian.diag(i)).max(0.0) } else { 0.0 };
        }
        // A task that gets nothing must not take everything with a negative alpha.
        let largest = self.shares.iter().fold(f64::MIN_POSITIVE, |a: f64, r| a.max(*r));
        self.shares.iter_mut().for_each(|r| *r = (*r / largest).max(1e-3).powf(self.alpha));
        let sum: f64 = self.shares.iter().sum();
        self.shares.iter_mut().for_each(|r| *r *= m as f64 / sum);
    }
}

impl Balancer for GradOps {
    fn name(&self) -> &'static str {
        "gradops"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        let m = gramian.m();
        let outcome = self.solver.load(gramian);
        self.parts.resize(m * m, 0.0);
        self.unit.resize(m, 0.0);
        self.solved.resize(m, 0.0);
        for i in 0..m {
            self.deconflict(gramian, i);
        }
        self.trade_off(gramian);
        weights.fill(0.0);
        for i in 0..m {
            for (w, part) in weights.iter_mut().zip(&self.parts[i * m..(i + 1) * m]) {
                *w += self.shares[i] * part;
            }
        }
        outcome.accept(self.name(), weights, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn two_conflicting_tasks_are_pcgrad_and_agreeing_ones_the_sum() {
        let rows = [[1.0, 0.0], [-2.0, 0.5]];
        let w = testing::weigh_rows("gradops", &rows).unwrap();
        testing::assert_close(&w, &testing::weigh_rows("pcgrad", &rows).unwrap(), 1e-12);
        assert_eq!(testing::weigh_rows("gradops", &[[1.0, 0.0], [1.0, 1.0]]).unwrap(), [1.0, 1.0]);
    }

    #[test]
    fn what_is_left_moves_no_other_task() {
        let g = Gramian::of_rows(&[[1.0, 0.0, 0.2], [-0.7, 0.8, 0.0], [-0.6, -0.9, 0.3]]);
        let w = testing::weigh_rows("gradops", &[[1.0, 0.0, 0.2], [-0.7, 0.8, 0.0], [-0.6, -0.9, 0.3]]).unwrap();
        let mut products = [0.0; 3];
        g.times(&w, &mut products);
        assert!(products.iter().all(|p| *p > 0.0), "{products:?}");
    }

    #[test]
    fn alpha_trades_off() {
        // Task 3 is nearly orthogonal to the others, so it keeps most of its gradient.
        let g = Gramian::of_rows(&[[1.0, 0.0, 0.0], [-0.9, 1.0, 0.0], [-0.1, 0.0, 1.0]]);
        let share = |alpha: f64| {
            let mut method = GradOps::new(&GradOpsConfig { alpha }, &testing::tasks(3)).unwrap();
            let w = testing::weigh(&mut method, &g, &[], 0).unwrap();
            let mut products = [0.0; 3];
            g.times(&w, &mut products);
            products[2] / (products[0] + products[1] + products[2])
        };
        assert!(share(2.0) > share(0.0) && share(0.0) > share(-2.0), "{} {} {}", share(2.0), share(0.0), share(-2.0));
        assert!(GradOps::new(&GradOpsConfig { alpha: 6.0 }, &testing::tasks(2)).is_err());
    }
}
