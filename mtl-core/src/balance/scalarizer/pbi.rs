//! PBI, the penalty boundary intersection: reach along a preferred direction, stay near it.
//!
//! ```text
//! f = l - z,   u = lambda / ‖lambda‖,   d_1 = <f, u>,   d_2 = ‖f - d_1 u‖
//! total = d_1 + theta d_2,   w = u + theta (f - d_1 u) / d_2
//! ```
//!
//! `lambda` preference (default equal), `z` ideal losses 0, `theta` penalty. A loss far below its share of the ray gets a
//! negative weight: it is held back.
//!
//! **Shapes**: losses, weights `[m]`.
//!
//! **Reference**: Zhang, Li, "MOEA/D: a multiobjective evolutionary algorithm based on decomposition", IEEE Transactions
//! on Evolutionary Computation 11, 2007.
//!
//! **Differs from** TorchJD only where the losses lie on the ray: the second term is then left out instead of smoothed.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Evidence, Needs, Outcome, check, preference::Preference},
    error::Result,
    task::TaskSet,
};

/// Settings of [`Pbi`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PbiConfig {
    /// Penalty of the distance from the ray; >= 0, default 5.
    #[schemars(range(min = 0.0))]
    pub theta: f64,
    /// Direction of the ray: one number >= 0 per task, not all 0; empty (default): equal.
    #[schemars(inner(range(min = 0.0)))]
    pub preference: Vec<f64>,
}

impl Default for PbiConfig {
    fn default() -> Self {
        Self { theta: 5.0, preference: Vec::new() }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Pbi {
    theta: f64,
    preference: Preference,
    ray: Vec<f64>,
}

impl Pbi {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &PbiConfig, tasks: &TaskSet) -> Result<Self> {
        check::non_negative("pbi", "theta", config.theta)?;
        let preference = Preference::new("pbi", &config.preference, tasks.len())?;
        Ok(Self { theta: config.theta, preference, ray: Vec::new() })
    }
}

impl Balancer for Pbi {
    fn name(&self) -> &'static str {
        "pbi"
    }

    fn needs(&self) -> Needs {
        Needs::losses()
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let losses = evidence.checked_losses(self.name())?;
        self.preference.fill_normalized(evidence.tasks, &mut self.ray);
        let norm = self.ray.iter().map(|r| r * r).sum::<f64>().sqrt();
        self.ray.iter_mut().for_each(|r| *r /= norm);
        let along: f64 = self.ray.iter().zip(losses).map(|(r, l)| r * l).sum();
        let largest = losses.iter().fold(0.0, |a: f64, l| a.max(l.abs()));
        let across = |k: usize| losses[k] - along * self.ray[k];
        let distance = (0..losses.len()).map(|k| across(k).powi(2)).sum::<f64>().sqrt();
        for (k, w) in weights.iter_mut().enumerate() {
            let penalty = if distance > 1e-12 * largest { self.theta * across(k) / distance } else { 0.0 };
            *w = self.ray[k] + penalty;
        }
        Outcome::default().accept(self.name(), weights, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    #[test]
    fn two_losses_by_hand() {
        let mut method = Pbi::new(&PbiConfig { theta: 1.0, ..PbiConfig::default() }, &testing::tasks(2)).unwrap();
        // u = (1, 1) / sqrt 2, and (3, 1) lies across by (1, -1).
        let h = 0.5f64.sqrt();
        let w = testing::weigh_losses(&mut method, &[3.0, 1.0], 0).unwrap();
        testing::assert_close(&w, &[2.0 * h, 0.0], 1e-14);
        testing::assert_close(&testing::weigh_losses(&mut method, &[2.0, 2.0], 0).unwrap(), &[h, h], 1e-14);
        assert!(Pbi::new(&PbiConfig { theta: -1.0, ..PbiConfig::default() }, &testing::tasks(2)).is_err());
    }
}
