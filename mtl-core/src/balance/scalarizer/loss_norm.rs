//! Division of every loss by its own running mean.
//!
//! The plainest cure for losses on different scales, and the usual first stage of a pipeline.
//!
//! ```text
//! w_i = 1 / L_i,   L_i running mean of |l_i| (decay beta, bias-corrected)
//! ```
//!
//! **Shapes**: losses, weights `[m]`; state: running means.
//!
//! **Reference**: common practice; as a published baseline in Kurin et al., "In defense of the unitary scalarization for
//! deep multi-task learning", NeurIPS 2022, <https://arxiv.org/abs/2201.04122>.
//!
//! **Differs from** nothing known. A running mean of 0 leaves the loss as it is.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`LossNorm`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LossNormConfig {
    /// Decay of the running means; in `[0, 1)`, default 0.99.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta: f64,
}

impl Default for LossNormConfig {
    fn default() -> Self {
        Self { beta: 0.99 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct LossNorm {
    beta: f64,
    sums: Vec<f64>,
    scales: Vec<f64>,
}

impl LossNorm {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a `beta` outside `[0, 1)`.
    pub fn new(config: &LossNormConfig, tasks: &TaskSet) -> Result<Self> {
        check::half_open("loss-norm", "beta", config.beta, 0.0, 1.0)?;
        Ok(Self { beta: config.beta, sums: vec![0.0; tasks.len()], scales: vec![0.0; tasks.len()] })
    }
}

impl Balancer for LossNorm {
    fn name(&self) -> &'static str {
        "loss-norm"
    }

    fn needs(&self) -> Needs {
        Needs::losses()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let losses = evidence.checked_losses(self.name())?;
        for ((w, loss), &task) in weights.iter_mut().zip(losses).zip(evidence.tasks) {
            self.sums[task] = self.beta * self.sums[task] + (1.0 - self.beta) * loss.abs();
            self.scales[task] = self.beta * self.scales[task] + (1.0 - self.beta);
            *w = if self.sums[task] > 0.0 { self.scales[task] / self.sums[task] } else { 1.0 };
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn state(&self) -> StateDict {
        StateDict::new()
            .with("sums", StateValue::Numbers(self.sums.clone()))
            .with("scales", StateValue::Numbers(self.scales.clone()))
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let sums = state.numbers(self.name(), "sums", self.sums.len())?.to_vec();
        self.scales = state.numbers(self.name(), "scales", self.scales.len())?.to_vec();
        self.sums = sums;
        Ok(())
    }

    fn reset(&mut self) {
        self.sums.fill(0.0);
        self.scales.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn losses_are_divided_by_their_running_mean() {
        let mut method = LossNorm::new(&LossNormConfig { beta: 0.5 }, &testing::tasks(2)).unwrap();
        testing::assert_close(&testing::weigh_losses(&mut method, &[4.0, -0.5], 0).unwrap(), &[0.25, 2.0], 1e-15);
        // Running mean of 4 then 1 with decay 1/2: (1 + 0.5) / 0.75 = 2.
        testing::assert_close(&testing::weigh_losses(&mut method, &[1.0, 0.5], 1).unwrap(), &[0.5, 2.0], 1e-14);
        assert!(LossNorm::new(&LossNormConfig { beta: 1.0 }, &testing::tasks(2)).is_err());
    }
}
