//! Random loss weighting: weights drawn anew in every step.
//!
//! A sanity check more than a method: many a balancer does not beat it.
//!
//! ```text
//! w = softmax(z),   z_i ~ N(0, 1) in every step;   sum_i w_i = 1
//! ```
//!
//! **Shapes**: weights `[m]`.
//!
//! **Reference**: Lin, Ye, Zhang, Tsang, "Reasonable effectiveness of random weighting: a litmus test for multi-task
//! learning", TMLR 2022, <https://arxiv.org/abs/2111.10603>.
//!
//! **Differs from** LibMTL and TorchJD: draws follow from `(seed, step)`, not from a global generator.

use serde::{Deserialize, Serialize};

use super::softmax::softmax;
use crate::{
    balance::{Balancer, Evidence, Needs, Outcome},
    error::Result,
    rng::{Rng, derive},
    task::TaskSet,
};

/// Settings of [`Rlw`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RlwConfig {
    /// Seed of the draws; default 0.
    pub seed: u64,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Rlw {
    seed: u64,
    logits: Vec<f64>,
}

impl Rlw {
    /// Makes the method.
    ///
    /// # Errors
    /// None: every setting is valid.
    pub fn new(config: &RlwConfig, _tasks: &TaskSet) -> Result<Self> {
        Ok(Self { seed: config.seed, logits: Vec::new() })
    }
}

impl Balancer for Rlw {
    fn name(&self) -> &'static str {
        "rlw"
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let mut draw = Rng::new(derive(self.seed, "rlw", evidence.step));
        self.logits.clear();
        self.logits.extend(weights.iter().map(|_| draw.normal()));
        softmax(weights, |k| self.logits[k]);
        Ok(Outcome::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn every_step_draws_its_own_weights_reproducibly() {
        let mut method = Rlw::new(&RlwConfig::default(), &testing::tasks(3)).unwrap();
        let first = testing::weigh_losses(&mut method, &[1.0; 3], 0).unwrap();
        assert_ne!(testing::weigh_losses(&mut method, &[1.0; 3], 1).unwrap(), first);
        assert_eq!(testing::weigh_losses(&mut method, &[1.0; 3], 0).unwrap(), first);
        assert!((first.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }
}
