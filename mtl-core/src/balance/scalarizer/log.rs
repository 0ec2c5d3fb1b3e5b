//! Logarithm of the losses: scale-invariant training.
//!
//! ```text
//! total = sum_i log l_i,   w_i = 1 / l_i
//! ```
//!
//! Multiplying a loss by a constant changes nothing. As a loss goes to 0 its weight grows without bound.
//!
//! **Shapes**: losses, weights `[m]`.
//!
//! **Reference**: the baseline "scale-invariant" (SI) of Navon et al., ICML 2022, <https://arxiv.org/abs/2202.01017>.
//!
//! **Differs from** nothing known; losses of 0 and below are an error.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome},
    error::Result,
    task::TaskSet,
};

/// Settings of [`LogLosses`]: none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogLossesConfig {}

/// See the [module](self).
#[derive(Debug)]
pub struct LogLosses;

impl LogLosses {
    /// Makes the method.
    ///
    /// # Errors
    /// None.
    pub fn new(_config: &LogLossesConfig, _tasks: &TaskSet) -> Result<Self> {
        Ok(Self)
    }
}

impl Balancer for LogLosses {
    fn name(&self) -> &'static str {
        "log"
    }

    fn needs(&self) -> Needs {
        Needs::losses()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        for (w, loss) in weights.iter_mut().zip(evidence.positive_losses(self.name())?) {
            *w = 1.0 / loss;
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn weights_are_reciprocal_losses() {
        assert_eq!(testing::weigh_losses(&mut LogLosses, &[2.0, 0.5], 0).unwrap(), [0.5, 2.0]);
        assert!(testing::weigh_losses(&mut LogLosses, &[2.0, 0.0], 0).is_err());
        assert!(testing::weigh_losses(&mut LogLosses, &[2.0, 1e-320], 0).is_err(), "1 / l overflows");
    }
}
