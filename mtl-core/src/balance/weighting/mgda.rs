//! MGDA: the shortest vector in the convex hull of the task gradients.
//!
//! It descends for every task at once (`<g_i, d> >= ‖d‖²`) and vanishes exactly where no direction does: at Pareto
//! stationary points. The price: the shortest gradient dominates, so a task that has almost converged slows the others.
//!
//! ```text
//! w = argmin { w' G w : w >= 0, sum_i w_i = 1 },   d = sum_i w_i g_i
//! ```
//!
//! With a `normalization` the hull is that of `g_i / n_i`, with `n_i = ‖g_i‖` (`l2`), `l_i` (`loss`) or `l_i ‖g_i‖`
//! (`loss-l2`); the weights found multiply the raw gradients, as in Sener and Koltun's code.
//!
//! **Shapes**: `G: [m, m]`, `w: [m]`.
//!
//! **Reference**: Desideri, "Multiple-gradient descent algorithm (MGDA) for multiobjective optimization", Comptes Rendus
//! Mathematique 350, 2012; Sener, Koltun, "Multi-task learning as multi-objective optimization", NeurIPS 2018,
//! <https://arxiv.org/abs/1810.04650>.
//!
//! **Differs from** LibMTL and TorchJD: exact ([`MinNorm`]) instead of a fixed number of Frank-Wolfe steps; LibMTL raises
//! `UnboundLocalError` for one task and for gradients longer than 1e4, and multiplies the normalized gradients by the
//! weights it has found for them.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Gramian, Needs, Outcome, Space, solver::MinNorm},
    error::Result,
    task::TaskSet,
};

/// By what each gradient is divided before the hull is formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MgdaNormalization {
    /// By nothing.
    #[default]
    None,
    /// By its length.
    L2,
    /// By the task's loss (must be above 0).
    Loss,
    /// By both (`loss+` in LibMTL).
    LossL2,
}

/// Settings of [`Mgda`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MgdaConfig {
    /// `none` (default), `l2`, `loss` or `loss-l2`.
    pub normalization: MgdaNormalization,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Mgda {
    normalization: MgdaNormalization,
    solver: MinNorm,
    scaled: Gramian,
    lengths: Vec<f64>,
}

impl Mgda {
    /// Makes the method.
    ///
    /// # Errors
    /// None: every setting is valid.
    pub fn new(config: &MgdaConfig, _tasks: &TaskSet) -> Result<Self> {
        Ok(Self {
            normalization: config.normalization,
            solver: MinNorm::new(),
            scaled: Gramian::default(),
            lengths: Vec::new(),
        })
    }

    fn uses_losses(&self) -> bool {
        matches!(self.normalization, MgdaNormalization::Loss | MgdaNormalization::LossL2)
    }

    /// Writes `n_i`.
    fn measure(&mut self, evidence: &Evidence<'_>, gramian: &Gramian) -> Result<()> {
        let losses = if self.uses_losses() { evidence.positive_losses("mgda")? } else { &[] };
        self.lengths.clear();
        self.lengths.extend((0..gramian.m()).map(|i| match self.normalization {
            MgdaNormalization::None => 1.0,
            MgdaNormalization::L2 => gramian.norm(i),
            MgdaNormalization::Loss => losses[i],
            MgdaNormalization::LossL2 => losses[i] * gramian.norm(i),
        }));
        Ok(())
    }
}

impl Balancer for Mgda {
    fn name(&self) -> &'static str {
        "mgda"
    }

    fn needs(&self) -> Needs {
        Needs { losses: self.uses_losses(), space: Space::Parameters, ..Needs::gramian() }
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        if self.normalization == MgdaNormalization::None {
            return self.solver.solve(gramian, weights).accept("mgda", weights, 1e-8);
        }
        self.measure(evidence, gramian)?;
        let m = gramian.m();
        let scaled = self.scaled.rebuild(m);
        for i in 0..m {
            for j in 0..m {
                let by = |k: usize| if self.lengths[k] > 0.0 { self.lengths[k] } else { 1.0 };
                scaled[i * m + j] = gramian.get(i, j) / by(i) / by(j);
            }
        }
        self.solver.solve(&self.scaled, weights).accept("mgda", weights, 1e-8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn orthogonal_gradients_count_inversely_to_their_squared_length() {
        let w = testing::weigh_rows("mgda", &[[1.0, 0.0], [0.0, 2.0]]).unwrap();
        testing::assert_close(&w, &[0.8, 0.2], 1e-15);
    }

    #[test]
    fn normalization_changes_the_hull() {
        let tasks = testing::tasks(2);
        let g = Gramian::of_rows(&[[1.0, 0.0], [0.0, 2.0]]);
        let weigh = |normalization, losses: &[f64]| {
            testing::weigh(&mut Mgda::new(&MgdaConfig { normalization }, &tasks).unwrap(), &g, losses, 0)
        };
        testing::assert_close(&weigh(MgdaNormalization::L2, &[]).unwrap(), &[0.5, 0.5], 1e-15);
        testing::assert_close(&weigh(MgdaNormalization::Loss, &[1.0, 2.0]).unwrap(), &[0.5, 0.5], 1e-15);
        testing::assert_close(&weigh(MgdaNormalization::LossL2, &[1.0, 2.0]).unwrap(), &[0.2, 0.8], 1e-15);
        assert!(weigh(MgdaNormalization::Loss, &[1.0, 0.0]).is_err());
    }

    #[test]
    fn gradients_far_apart_in_length_do_not_break_it_unlike_libmtl() {
        // LibMTL raises UnboundLocalError as soon as every squared length exceeds 1e8.
        let w = testing::weigh_rows("mgda", &[[2e5, 0.0], [0.0, 1e5]]).unwrap();
        testing::assert_close(&w, &[0.2, 0.8], 1e-14);
    }
}
