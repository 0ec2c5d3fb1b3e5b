//! LBTW, loss-balanced task weighting: tasks that have improved more count less.
//!
//! ```text
//! w_i = (l_i / l_i0)^alpha
//! ```
//!
//! `l_i0` loss of the epoch's first batch, `alpha` strength: 0 is equal weighting.
//!
//! **Shapes**: losses, weights `[m]`; state: first losses of the epoch.
//!
//! **Reference**: Liu, Liang, Gitter, "Loss-balanced task weighting to reduce negative transfer in multi-task learning",
//! AAAI 2019.
//!
//! **Differs from** nothing known; losses of 0 and below are an error.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Epoch, Evidence, Needs, Outcome, check},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`Lbtw`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LbtwConfig {
    /// Strength; in `[0, 10]`, default 0.5.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub alpha: f64,
}

impl Default for LbtwConfig {
    fn default() -> Self {
        Self { alpha: 0.5 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Lbtw {
    alpha: f64,
    first: Vec<f64>, // 0 = not seen in this epoch
}

impl Lbtw {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for an `alpha` outside `[0, 10]`.
    pub fn new(config: &LbtwConfig, tasks: &TaskSet) -> Result<Self> {
        check::closed("lbtw", "alpha", config.alpha, 0.0, 10.0)?;
        Ok(Self { alpha: config.alpha, first: vec![0.0; tasks.len()] })
    }
}

impl Balancer for Lbtw {
    fn name(&self) -> &'static str {
        "lbtw"
    }

    fn needs(&self) -> Needs {
        Needs::losses()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let losses = evidence.positive_losses(self.name())?;
        for ((w, &loss), &task) in weights.iter_mut().zip(losses).zip(evidence.tasks) {
            if self.first[task] <= 0.0 {
                self.first[task] = loss;
            }
            *w = (loss / self.first[task]).powf(self.alpha);
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn epoch_end(&mut self, _epoch: &Epoch<'_>) -> Result<()> {
        self.first.fill(0.0);
        Ok(())
    }

    fn state(&self) -> StateDict {
        StateDict::new().with("first", StateValue::Numbers(self.first.clone()))
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        self.first = state.numbers(self.name(), "first", self.first.len())?.to_vec();
        Ok(())
    }

    fn reset(&mut self) {
        self.first.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn weights_follow_the_improvement_within_the_epoch() {
        let mut method = Lbtw::new(&LbtwConfig::default(), &testing::tasks(2)).unwrap();
        assert_eq!(testing::weigh_losses(&mut method, &[4.0, 1.0], 0).unwrap(), [1.0, 1.0]);
        assert_eq!(testing::weigh_losses(&mut method, &[1.0, 1.0], 1).unwrap(), [0.5, 1.0]);
        method.epoch_end(&Epoch::default()).unwrap();
        assert_eq!(testing::weigh_losses(&mut method, &[1.0, 1.0], 2).unwrap(), [1.0, 1.0]);
        assert!(Lbtw::new(&LbtwConfig { alpha: -0.5 }, &testing::tasks(2)).is_err());
    }
}
