//! SDMGrad: the direction near a preferred one that serves the worst task, from unbiased products.
//!
//! ```text
//! w  = argmin over the simplex of  1/2 |J^T (w + lam w0)|^2     by `iterations` steps of projected descent with momentum,
//!      with the gradient  J1 J2^T (w + lam w0)
//! d  = J3^T (w + lam w0) / (1 + lam),   w0 = preference (1/m each)
//! ```
//! `J1`, `J2`, `J3`: gradients of three independent batches; `J3` is the step's own.
//!
//! **Shapes**: joint Gramian `[2m, 2m]` of the two looks; weights `[m]` of the step's rows. State: `w`, from which the next
//! step starts.
//!
//! **Reference**: Xiao, Ban, Ji, "Direction-oriented multi-objective learning: simple and provable stochastic algorithms",
//! NeurIPS 2023, <https://arxiv.org/abs/2305.18409>, algorithm 1.
//!
//! **Differs from** LibMTL (fails with numpy 2; adds up head gradients of all three batches): the unit in which the inner
//! steps are taken is the mean product of the two looks' lengths, which cannot be 0 or undefined where a noisy `<g1, g2>` is
//! negative. Defaults as there: `lam` 0.3, 20 iterations; rate 1 and momentum 0.5 in that unit (rates of 5 and 10 step
//! across the simplex).

use serde::{Deserialize, Serialize};

use super::{NEEDS, checked, cross};
use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check, preference::Preference, solver::project_simplex},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

const RATE: f64 = 1.0;
const MOMENTUM: f64 = 0.5;

/// Settings of [`SdmGrad`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SdmGradConfig {
    /// How strongly the direction is held at the preferred one; >= 0, default 0.3.
    #[schemars(range(min = 0.0))]
    pub lam: f64,
    /// Steps of the inner descent, >= 1; default 20.
    #[schemars(range(min = 1))]
    pub iterations: u32,
    /// `w0`: one number >= 0 per task, not all 0, made to sum to 1; empty (default): equal.
    #[schemars(inner(range(min = 0.0)))]
    pub preference: Vec<f64>,
}

impl Default for SdmGradConfig {
    fn default() -> Self {
        Self { lam: 0.3, iterations: 20, preference: Vec::new() }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct SdmGrad {
    lam: f64,
    iterations: u32,
    preference: Preference,
    w: Vec<f64>,
    now: Vec<f64>,
    base: Vec<f64>,
    velocity: Vec<f64>,
    slope: Vec<f64>,
}

impl SdmGrad {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &SdmGradConfig, tasks: &TaskSet) -> Result<Self> {
        check::non_negative("sdmgrad", "lam", config.lam)?;
        if config.iterations == 0 {
            return check::refuse("sdmgrad", "iterations", ">= 1", config.iterations);
        }
        let n = tasks.len();
        Ok(Self {
            lam: config.lam,
            iterations: config.iterations,
            preference: Preference::new("sdmgrad", &config.preference, n)?,
            w: vec![1.0 / n.max(1) as f64; n],
            now: Vec::new(),
            base: Vec::new(),
            velocity: Vec::new(),
            slope: Vec::new(),
        })
    }
}

impl Balancer for SdmGrad {
    fn name(&self) -> &'static str {
        "sdmgrad"
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let joint = checked(evidence, self.name())?;
        let (tasks, m) = (evidence.tasks, evidence.tasks.len());
        let unit = (0..m).map(|i| joint.norm(i) * joint.norm(m + i)).sum::<f64>() / m as f64;
        let unit = if unit > 0.0 { unit } else { 1.0 };
        self.preference.fill_normalized(tasks, &mut self.base);
        self.now.clear();
        self.now.extend(tasks.iter().map(|&t| self.w[t]));
        let share: f64 = self.now.iter().sum();
        project_simplex(&mut self.now);
        self.velocity.clear();
        self.velocity.resize(m, 0.0);
        self.slope.resize(m, 0.0);
        for _ in 0..self.iterations {
            for (i, slope) in self.slope.iter_mut().enumerate() {
                let term = |j: usize| cross(joint, i, j) / unit * (self.now[j] + self.lam * self.base[j]);
                *slope = (0..m).map(term).sum();
            }
            for ((w, v), slope) in self.now.iter_mut().zip(&mut self.velocity).zip(&self.slope) {
                *v = MOMENTUM * *v + slope;
                *w -= RATE * *v;
            }
            project_simplex(&mut self.now);
        }
        for (k, &t) in tasks.iter().enumerate() {
            self.w[t] = self.now[k] * share;
            weights[k] = (self.now[k] + self.lam * self.base[k]) / (1.0 + self.lam);
        }
        Outcome { iterations: self.iterations as usize, residual: 0.0 }.accept(self.name(), weights, 0.0)
    }

    fn state(&self) -> StateDict {
        StateDict::new().with("w", StateValue::Numbers(self.w.clone()))
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        self.w = state.numbers("sdmgrad", "w", self.w.len())?.to_vec();
        Ok(())
    }

    fn reset(&mut self) {
        let n = self.w.len().max(1) as f64;
        self.w.fill(1.0 / n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn between_the_preferred_direction_and_the_shortest() {
        let weigh = |lam: f64| {
            let config = SdmGradConfig { lam, iterations: 200, ..SdmGradConfig::default() };
            let mut method = SdmGrad::new(&config, &testing::tasks(2)).unwrap();
            let joint = Gramian::of_rows(&[[1.0, 0.0], [0.0, 2.0], [1.0, 0.0], [0.0, 2.0]]);
            let mut weights = vec![1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
            let evidence = Evidence { tasks: &[0, 1], joint: Some(&joint), ..Evidence::default() };
            method.weigh(&evidence, &mut weights).unwrap();
            weights
        };
        testing::assert_close(&weigh(0.0)[..2], &[0.8, 0.2], 1e-9);
        // With lam = 1: minimize (w + 1/2)^2 + 4 (3/2 - w)^2 over [0, 1]: w = 1, weights (1.5, 0.5) / 2.
        testing::assert_close(&weigh(1.0)[..2], &[0.75, 0.25], 1e-9);
        let even = weigh(1e6);
        testing::assert_close(&even[..2], &[0.5, 0.5], 1e-5);
    }
}
