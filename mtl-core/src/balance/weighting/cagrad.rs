//! CAGrad: stay near the mean gradient, and do what is best for the worst-off task there.
//!
//! ```text
//! d = argmax { min_i <g_i, d> : ‖d - g_0‖ <= c ‖g_0‖ },   g_0 = sum_i p_i g_i
//! w_i = (p_i + c ‖g_0‖ / ‖g_v‖ v_i) r,   v = argmin over the simplex of <g_v, g_0> + c ‖g_0‖ ‖g_v‖,   g_v = sum_i v_i g_i
//! ```
//!
//! `p` preference (default `1/m` each), `c` radius, `r` rescaling. `c = 0` is the mean; from `c = 1` on no task is hurt.
//!
//! **Shapes**: `G: [m, m]`, `w: [m]`.
//!
//! **Reference**: Liu, Liu, Jin, Stone, Liu, "Conflict-averse gradient descent for multi-task learning", NeurIPS 2021,
//! <https://arxiv.org/abs/2110.14048>. The rescaling is that of the authors' code.
//!
//! **Differs from** TorchJD, which returns exactly 0 when `‖J‖ < 0.01` or one gradient is zero; here only where no
//! direction of the ball helps the worst task. Solved exactly ([`WorstCase`]).

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check, preference::Preference, solver::WorstCase},
    error::Result,
    task::TaskSet,
};

/// By what the direction is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CaGradRescale {
    /// By 1: the paper's formula (and TorchJD).
    None,
    /// By `1 + c`: the length never exceeds that of the mean gradient.
    Linear,
    /// By `1 + c²`: the authors' code (and LibMTL).
    #[default]
    Quadratic,
}

/// Settings of [`CaGrad`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CaGradConfig {
    /// Radius of the ball in units of the mean gradient's length; >= 0, default 0.5.
    #[schemars(range(min = 0.0))]
    pub c: f64,
    /// `quadratic` (default), `linear` or `none`.
    pub rescale: CaGradRescale,
    /// One number >= 0 per task, not all 0, made to sum to 1; empty (default): equal.
    #[schemars(inner(range(min = 0.0)))]
    pub preference: Vec<f64>,
}

impl Default for CaGradConfig {
    fn default() -> Self {
        Self { c: 0.5, rescale: CaGradRescale::Quadratic, preference: Vec::new() }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct CaGrad {
    c: f64,
    factor: f64,
    preference: Preference,
    shares: Vec<f64>,
    solver: WorstCase,
}

impl CaGrad {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a negative radius or a preference that does not fit.
    pub fn new(config: &CaGradConfig, tasks: &TaskSet) -> Result<Self> {
        check::non_negative("cagrad", "c", config.c)?;
        let factor = match config.rescale {
            CaGradRescale::None => 1.0,
            CaGradRescale::Linear => 1.0 / (1.0 + config.c),
            CaGradRescale::Quadratic => 1.0 / (1.0 + config.c * config.c),
        };
        let preference = Preference::new("cagrad", &config.preference, tasks.len())?;
        Ok(Self { c: config.c, factor, preference, shares: Vec::new(), solver: WorstCase::new() })
    }
}

impl Balancer for CaGrad {
    fn name(&self) -> &'static str {
        "cagrad"
    }

    fn needs(&self) -> Needs {
        Needs::gramian()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let gramian = evidence.checked_gramian(self.name())?;
        self.preference.fill_normalized(evidence.tasks, &mut self.shares);
        if self.c <= 0.0 {
            weights.copy_from_slice(&self.shares);
            return Outcome::default().accept(self.name(), weights, 0.0);
        }
        let outcome = self.solver.solve(gramian, &self.shares, self.c, weights).unwrap_or_default();
        weights.iter_mut().for_each(|w| *w *= self.factor);
        outcome.accept(self.name(), weights, 1e-8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn orthogonal_rows_by_hand_and_every_rescaling() {
        let g = Gramian::of_rows(&[[1.0, 0.0], [0.0, 1.0]]);
        for (rescale, expected) in
            [(CaGradRescale::None, 0.75), (CaGradRescale::Linear, 0.5), (CaGradRescale::Quadratic, 0.6)]
        {
            let config = CaGradConfig { rescale, ..CaGradConfig::default() };
            let w = testing::weigh(&mut CaGrad::new(&config, &testing::tasks(2)).unwrap(), &g, &[], 0).unwrap();
            testing::assert_close(&w, &[expected; 2], 1e-13);
        }
    }

    #[test]
    fn tiny_gradients_get_a_direction_unlike_torchjd() {
        // TorchJD 0.18 returns weights (0, 0) for ‖J‖ < 0.01.
        let w = testing::weigh_rows("cagrad", &[[1e-3, 0.0], [-2e-3, 0.5e-3]]).unwrap();
        testing::assert_close(&w, &testing::weigh_rows("cagrad", &[[1.0, 0.0], [-2.0, 0.5]]).unwrap(), 1e-10);
        assert!(w.iter().all(|w| *w > 0.1));
    }

    #[test]
    fn radius_zero_is_the_preferred_mean() {
        let config = CaGradConfig { c: 0.0, preference: vec![3.0, 1.0], ..CaGradConfig::default() };
        let g = Gramian::of_rows(&[[1.0, 0.0], [-2.0, 0.5]]);
        let w = testing::weigh(&mut CaGrad::new(&config, &testing::tasks(2)).unwrap(), &g, &[], 0).unwrap();
        assert_eq!(w, [0.75, 0.25]);
        assert!(CaGrad::new(&CaGradConfig { c: -1.0, ..config }, &testing::tasks(2)).is_err());
    }
}
