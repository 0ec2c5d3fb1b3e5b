//! Fixed weights: what the user says, for ever.
//!
//! Recent studies find tuned fixed weights hard to beat; a comparison without them proves little. The weights multiply
//! the tasks' own weights ([`Task::weight`](crate::task::Task::weight)).
//!
//! **Differs from** LibMTL, which has no such method, and from TorchJD's `Constant`, which does not check its weights.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check},
    error::Result,
    task::TaskSet,
};

/// Settings of [`Fixed`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FixedConfig {
    /// One number >= 0 per task, in task order, not all 0. Has no default.
    #[schemars(inner(range(min = 0.0)))]
    pub weights: Vec<f64>,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Fixed {
    weights: Vec<f64>,
}

impl Fixed {
    /// Checks the weights.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) unless there is one number >= 0 per task, not all 0.
    pub fn new(config: &FixedConfig, tasks: &TaskSet) -> Result<Self> {
        check::one_per_task("fixed", "weights", &config.weights, tasks.len())?;
        Ok(Self { weights: config.weights.clone() })
    }
}

impl Balancer for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        for (w, task) in weights.iter_mut().zip(evidence.tasks) {
            *w = self.weights[*task];
        }
        Ok(Outcome::default())
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn an_absent_task_leaves_the_others_as_they_are() {
        let config = FixedConfig { weights: vec![1.0, 2.0, 0.0] };
        let mut method = Fixed::new(&config, &testing::tasks(3)).unwrap();
        let mut weights = [0.0; 2];
        method.weigh(&Evidence { tasks: &[1, 2], ..Evidence::default() }, &mut weights).unwrap();
        assert_eq!(weights, [2.0, 0.0]);
    }

    #[test]
    fn weights_that_do_not_fit_are_refused() {
        let refusal = |weights: &[f64]| {
            Fixed::new(&FixedConfig { weights: weights.to_vec() }, &testing::tasks(2)).unwrap_err().to_string()
        };
        assert_eq!(refusal(&[1.0]), "fixed: weights must be 2 numbers, one per task in task order, found 1");
        assert_eq!(refusal(&[1.0, -1.0]), "fixed: weights must be at least 0 and finite, found -1");
        assert_eq!(refusal(&[0.0, 0.0]), "fixed: weights must be not all 0, found only 0");
        assert!(refusal(&[1.0, f64::NAN]).contains("NaN"));
    }
}
