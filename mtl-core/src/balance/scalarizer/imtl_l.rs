//! IMTL-L: learned scales that bring all losses to the same size.
//!
//! ```text
//! total = sum_i e^(s_i) l_i - s_i,   w_i = e^(s_i);   then one Adam step on s with  d total / d s_i = w_i l_i - 1
//! ```
//!
//! The optimum is `w_i l_i = 1`.
//!
//! **Shapes**: losses, weights `[m]`; state: `s` and Adam's moments.
//!
//! **Reference**: Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang, "Towards impartial multi-task learning", ICLR 2021,
//! <https://openreview.net/forum?id=IMPnRXEWpvr>.
//!
//! **Differs from** LibMTL, which always couples it with IMTL-G and learns `s` in the model's optimizer; `s` stays within
//! `[-bound, bound]`, as a loss of 0 or below drives it to infinity. Couple it with `kind = "pipeline"`.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, adam::Adam, check},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`ImtlL`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImtlLConfig {
    /// Adam's learning rate of the scales; > 0, default 1e-3.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// Largest absolute log-scale; > 0, at most 50, default 10.
    #[schemars(range(max = 50.0), extend("exclusiveMinimum" = 0.0))]
    pub bound: f64,
}

impl Default for ImtlLConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-3, bound: 10.0 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct ImtlL {
    bound: f64,
    log_scales: Vec<f64>,
    adam: Adam,
}

impl ImtlL {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &ImtlLConfig, tasks: &TaskSet) -> Result<Self> {
        check::positive("imtl-l", "learning_rate", config.learning_rate)?;
        check::positive("imtl-l", "bound", config.bound)?;
        check::closed("imtl-l", "bound", config.bound, 0.0, 50.0)?;
        let adam = Adam::new(tasks.len(), config.learning_rate, 0.0);
        Ok(Self { bound: config.bound, log_scales: vec![0.0; tasks.len()], adam })
    }
}

impl Balancer for ImtlL {
    fn name(&self) -> &'static str {
        "imtl-l"
    }

    fn needs(&self) -> Needs {
        Needs::losses()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let losses = evidence.checked_losses(self.name())?;
        for ((w, &loss), &task) in weights.iter_mut().zip(losses).zip(evidence.tasks) {
            let s = &mut self.log_scales[task];
            *w = s.exp();
            self.adam.step(task, s, *w * loss - 1.0);
            *s = s.clamp(-self.bound, self.bound);
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }

    fn state(&self) -> StateDict {
        let mut state = StateDict::new().with("log_scales", StateValue::Numbers(self.log_scales.clone()));
        self.adam.save(&mut state);
        state
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let adam = self.adam.loaded(self.name(), state)?;
        self.log_scales = state.numbers(self.name(), "log_scales", self.log_scales.len())?.to_vec();
        self.adam = adam;
        Ok(())
    }

    fn reset(&mut self) {
        self.log_scales.fill(0.0);
        self.adam.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn it_settles_where_every_weighted_loss_is_one() {
        let config = ImtlLConfig { learning_rate: 0.05, ..ImtlLConfig::default() };
        let mut method = ImtlL::new(&config, &testing::tasks(2)).unwrap();
        for step in 0..3000 {
            testing::weigh_losses(&mut method, &[4.0, 0.1], step).unwrap();
        }
        testing::assert_close(&testing::weigh_losses(&mut method, &[4.0, 0.1], 0).unwrap(), &[0.25, 10.0], 1e-3);
        assert!(ImtlL::new(&ImtlLConfig { bound: 60.0, ..config }, &testing::tasks(2)).is_err());
    }
}
