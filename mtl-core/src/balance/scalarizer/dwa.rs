//! Dynamic weight average: tasks whose loss falls slowly get more weight in the next epoch.
//!
//! ```text
//! r_i = L_i(t - 1) / L_i(t - 2),   w = m softmax(r / T)
//! ```
//!
//! `L_i(t)` mean loss of task `i` over epoch `t`, `T` temperature. In the first two epochs all weights are 1.
//!
//! **Shapes**: losses, weights `[m]`; state: sums and means of two epochs.
//!
//! **Reference**: Liu, Johns, Davison, "End-to-end multi-task learning with attention", CVPR 2019,
//! <https://arxiv.org/abs/1803.10704>.
//!
//! **Differs from** LibMTL and TorchJD: the means are state and survive a restart; an epoch mean of 0 or below, or a task
//! absent for an epoch, gives the ratio 1 instead of infinity.

use serde::{Deserialize, Serialize};

use super::softmax::softmax;
use crate::{
    balance::{Balancer, Epoch, Evidence, Needs, Outcome, check},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`Dwa`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DwaConfig {
    /// `T`, how even the weights are; > 0, default 2.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub temperature: f64,
}

impl Default for DwaConfig {
    fn default() -> Self {
        Self { temperature: 2.0 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Dwa {
    temperature: f64,
    sums: Vec<f64>,
    counts: Vec<f64>,
    last: Vec<f64>,   // L(t - 1); 0 = unknown
    before: Vec<f64>, // L(t - 2)
}

impl Dwa {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a temperature that is not positive.
    pub fn new(config: &DwaConfig, tasks: &TaskSet) -> Result<Self> {
        check::positive("dwa", "temperature", config.temperature)?;
        let zeros = vec![0.0; tasks.len()];
        let (sums, counts, last) = (zeros.clone(), zeros.clone(), zeros.clone());
        Ok(Self { temperature: config.temperature, sums, counts, last, before: zeros })
    }

    fn ratio(&self, task: usize) -> f64 {
        let (last, before) = (self.last[task], self.before[task]);
        if last > 0.0 && before > 0.0 { last / before } else { 1.0 }
    }
}

impl Balancer for Dwa {
    fn name(&self) -> &'static str {
        "dwa"
    }

    fn needs(&self) -> Needs {
        Needs::losses()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let losses = evidence.checked_losses(self.name())?;
        for (loss, &task) in losses.iter().zip(evidence.tasks) {
            self.sums[task] += loss;
            self.counts[task] += 1.0;
        }
        softmax(weights, |k| self.ratio(evidence.tasks[k]) / self.temperature);
        let m = weights.len() as f64;
        weights.iter_mut().for_each(|w| *w *= m);
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn epoch_end(&mut self, _epoch: &Epoch<'_>) -> Result<()> {
        for task in 0..self.sums.len() {
            self.before[task] = self.last[task];
            self.last[task] = if self.counts[task] > 0.0 { self.sums[task] / self.counts[task] } else { 0.0 };
        }
        self.sums.fill(0.0);
        self.counts.fill(0.0);
        Ok(())
    }

    fn state(&self) -> StateDict {
        StateDict::new()
            .with("sums", StateValue::Numbers(self.sums.clone()))
            .with("counts", StateValue::Numbers(self.counts.clone()))
            .with("last", StateValue::Numbers(self.last.clone()))
            .with("before", StateValue::Numbers(self.before.clone()))
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let take = |name: &str| state.numbers("dwa", name, self.sums.len()).map(<[f64]>::to_vec);
        let (sums, counts, last, before) = (take("sums")?, take("counts")?, take("last")?, take("before")?);
        (self.sums, self.counts, self.last, self.before) = (sums, counts, last, before);
        Ok(())
    }

    fn reset(&mut self) {
        for values in [&mut self.sums, &mut self.counts, &mut self.last, &mut self.before] {
            values.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn the_third_epoch_weighs_by_the_falls_of_the_first_two() {
        let mut method = Dwa::new(&DwaConfig::default(), &testing::tasks(2)).unwrap();
        for losses in [[2.0, 2.0], [1.0, 2.0]] {
            assert_eq!(testing::weigh_losses(&mut method, &losses, 0).unwrap(), [1.0, 1.0]);
            method.epoch_end(&Epoch::default()).unwrap();
        }
        let w = testing::weigh_losses(&mut method, &[1.0, 1.0], 0).unwrap();
        let (a, b) = (0.25f64.exp(), 0.5f64.exp()); // r = (0.5, 1), T = 2
        testing::assert_close(&w, &[2.0 * a / (a + b), 2.0 * b / (a + b)], 1e-14);
    }

    #[test]
    fn a_loss_of_zero_is_no_infinity_and_settings_are_checked() {
        let mut method = Dwa::new(&DwaConfig::default(), &testing::tasks(2)).unwrap();
        for losses in [[0.0, 1.0], [1.0, 1.0]] {
            testing::weigh_losses(&mut method, &losses, 0).unwrap();
            method.epoch_end(&Epoch::default()).unwrap();
        }
        assert_eq!(testing::weigh_losses(&mut method, &[1.0, 1.0], 0).unwrap(), [1.0, 1.0]);
        assert!(Dwa::new(&DwaConfig { temperature: 0.0 }, &testing::tasks(2)).is_err());
    }
}
