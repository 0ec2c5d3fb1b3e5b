//! Equal weights: the sum or the mean of the losses.
//!
//! The baseline of every comparison, and a strong one once the tasks' own weights are tuned.
//!
//! ```text
//! w_i = 1  (sum)   or   w_i = 1 / m  (mean, over the m tasks present in the step)
//! ```
//!
//! The two differ by the factor `m` in the effective learning rate of the trunk: say in a comparison which one it was.
//!
//! **Differs from** LibMTL, whose documentation says mean and whose code sums.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome},
    error::Result,
    task::TaskSet,
};

/// How task losses or gradients are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Added up.
    #[default]
    Sum,
    /// Averaged over the tasks of the step.
    Mean,
}

impl Reduction {
    /// The weight of one of `m` tasks.
    #[must_use]
    pub fn share(self, m: usize) -> f64 {
        match self {
            Self::Sum => 1.0,
            Self::Mean => 1.0 / m.max(1) as f64,
        }
    }
}

/// Settings of [`Equal`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EqualConfig {
    /// `sum` (default) or `mean`.
    pub reduction: Reduction,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Equal {
    reduction: Reduction,
}

impl Equal {
    /// Makes the method.
    ///
    /// # Errors
    /// None: every setting is valid.
    pub fn new(config: &EqualConfig, _tasks: &TaskSet) -> Result<Self> {
        Ok(Self { reduction: config.reduction })
    }
}

impl Balancer for Equal {
    fn name(&self) -> &'static str {
        "equal"
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        weights.fill(self.reduction.share(evidence.tasks.len()));
        Ok(Outcome::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn sum_counts_one_and_mean_one_over_the_tasks_present() {
        let weigh = |reduction, losses: &[f64]| {
            testing::weigh_losses(&mut Equal::new(&EqualConfig { reduction }, &testing::tasks(4)).unwrap(), losses, 0)
        };
        assert_eq!(weigh(Reduction::Sum, &[3.0, 1.0]).unwrap(), [1.0, 1.0]);
        assert_eq!(weigh(Reduction::Mean, &[3.0, 1.0]).unwrap(), [0.5, 0.5]);
    }
}
