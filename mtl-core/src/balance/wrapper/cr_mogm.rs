//! CR-MOGM: running weights around any weighting, which makes its noise small enough to converge.
//!
//! ```text
//! w_t = alpha w_(t-1) + (1 - alpha) v_t,   v_t weights of the inner method;   w_0 = v_0
//! ```
//!
//! **Shapes**: weights `[m]` (state).
//!
//! **Reference**: Zhou, Zhang, Jiang, Zhong, Gu, Zhu, "On the convergence of stochastic multi-objective gradient
//! manipulation and beyond", NeurIPS 2022.
//!
//! **Differs from** TorchJD, whose state cannot be loaded into a fresh object. It is a [`Pipeline`] with one stage.

use serde::{Deserialize, Serialize};

use super::{Pipeline, PipelineConfig};
use crate::{
    balance::{Balancer, BalancerConfig, Epoch, Evidence, Needs, Outcome, weighting::UpGradConfig},
    error::Result,
    state::StateDict,
    task::TaskSet,
};

/// Settings of [`CrMogm`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CrMogmConfig {
    /// Decay of the running weights; in `[0, 1)`, default 0.9.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub alpha: f64,
    /// The inner method; default `upgrad`.
    pub weigh: Box<BalancerConfig>,
}

impl Default for CrMogmConfig {
    fn default() -> Self {
        Self { alpha: 0.9, weigh: Box::new(BalancerConfig::UpGrad(UpGradConfig::default())) }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct CrMogm(Pipeline);

impl CrMogm {
    /// Builds the inner method and checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range, of this or the inner method.
    pub fn new(config: &CrMogmConfig, tasks: &TaskSet) -> Result<Self> {
        crate::balance::check::half_open("cr-mogm", "alpha", config.alpha, 0.0, 1.0)?;
        let pipeline = PipelineConfig { weigh: config.weigh.clone(), ema: config.alpha, ..PipelineConfig::default() };
        Pipeline::new(&pipeline, tasks).map(Self)
    }
}

impl Balancer for CrMogm {
    fn name(&self) -> &'static str {
        "cr-mogm"
    }

    fn needs(&self) -> Needs {
        self.0.needs()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        self.0.weigh(evidence, weights)
    }

    fn after_step(&mut self, losses: &[f64], tasks: &[usize]) -> Result<()> {
        self.0.after_step(losses, tasks)
    }

    fn epoch_end(&mut self, epoch: &Epoch<'_>) -> Result<()> {
        self.0.epoch_end(epoch)
    }

    fn state(&self) -> StateDict {
        self.0.state()
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        self.0.load_state(state)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Gramian, testing};

    #[test]
    fn weights_move_a_tenth_of_the_way() {
        let tasks = testing::tasks(2);
        let mut method = CrMogm::new(&CrMogmConfig::default(), &tasks).unwrap();
        let (a, b) = (Gramian::of_rows(&[[1.0, 0.0], [0.0, 1.0]]), Gramian::of_rows(&[[1.0, 0.0], [-1.0, 1.0]]));
        assert_eq!(testing::weigh(&mut method, &a, &[], 0).unwrap(), [0.5, 0.5]);
        // UPGrad alone gives (1, 0.75) for b.
        testing::assert_close(&testing::weigh(&mut method, &b, &[], 1).unwrap(), &[0.55, 0.525], 1e-13);
        assert!(CrMogm::new(&CrMogmConfig { alpha: 1.0, ..CrMogmConfig::default() }, &tasks).is_err());
    }
}
