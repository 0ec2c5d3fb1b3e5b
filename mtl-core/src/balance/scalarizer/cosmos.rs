//! COSMOS: a weighted sum that is drawn towards a preferred ratio of losses.
//!
//! ```text
//! total = <lambda, l> - c cos(lambda, l)
//! w_i = lambda_i - c / (‖lambda‖ ‖l‖) (lambda_i - <lambda, l> / ‖l‖² l_i)
//! ```
//!
//! `lambda` preference (default `1/m` each), `c` pull towards losses in the ratio of `lambda`.
//!
//! **Shapes**: losses, weights `[m]`.
//!
//! **Reference**: Ruchte, Grabocka, "Scalable Pareto front approximation for deep multi-objective learning", ICDM 2021,
//! <https://arxiv.org/abs/2103.13392>.
//!
//! **Differs from** the paper: one fixed preference; it draws one per batch and shows it to the network. TorchJD is equal.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check, preference::Preference},
    error::Result,
    task::TaskSet,
};

/// Settings of [`Cosmos`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CosmosConfig {
    /// `c`, the pull of the preferred ratio; >= 0, default 1.
    #[schemars(range(min = 0.0))]
    pub pull: f64,
    /// One number >= 0 per task, not all 0; empty (default): `1/m` each.
    #[schemars(inner(range(min = 0.0)))]
    pub preference: Vec<f64>,
}

impl Default for CosmosConfig {
    fn default() -> Self {
        Self { pull: 1.0, preference: Vec::new() }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Cosmos {
    pull: f64,
    preference: Preference,
    lambda: Vec<f64>,
}

impl Cosmos {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &CosmosConfig, tasks: &TaskSet) -> Result<Self> {
        check::non_negative("cosmos", "pull", config.pull)?;
        let preference = Preference::new("cosmos", &config.preference, tasks.len())?;
        Ok(Self { pull: config.pull, preference, lambda: Vec::new() })
    }
}

impl Balancer for Cosmos {
    fn name(&self) -> &'static str {
        "cosmos"
    }

    fn needs(&self) -> Needs {
        Needs::losses()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let losses = evidence.checked_losses(self.name())?;
        self.preference.fill(evidence.tasks, &mut self.lambda);
        let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let product: f64 = self.lambda.iter().zip(losses).map(|(p, l)| p * l).sum();
        let (a, b) = (norm(&self.lambda), norm(losses));
        for ((w, p), l) in weights.iter_mut().zip(&self.lambda).zip(losses) {
            let turn = if a > 0.0 && b > 0.0 { self.pull / a / b * (p - product / b * (l / b)) } else { 0.0 };
            *w = p - turn;
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn weights_are_the_gradient_of_the_total() {
        let mut method =
            Cosmos::new(&CosmosConfig { pull: 2.0, preference: vec![0.7, 0.3] }, &testing::tasks(2)).unwrap();
        let total = |l: [f64; 2]| {
            let product = 0.7 * l[0] + 0.3 * l[1];
            product - 2.0 * product / (0.7f64.hypot(0.3) * l[0].hypot(l[1]))
        };
        let (l, h) = ([1.3, 0.4], 1e-6);
        let w = testing::weigh_losses(&mut method, &l, 0).unwrap();
        let slopes = [
            (total([l[0] + h, l[1]]) - total([l[0] - h, l[1]])) / (2.0 * h),
            (total([l[0], l[1] + h]) - total([l[0], l[1] - h])) / (2.0 * h),
        ];
        testing::assert_close(&w, &slopes, 1e-8);
        assert!(Cosmos::new(&CosmosConfig { pull: f64::NAN, preference: vec![] }, &testing::tasks(2)).is_err());
    }
}
