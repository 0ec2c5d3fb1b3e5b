//! Thresholds: from which probability on yes is said.
//!
//! | kind | yes is said from | fitted |
//! |---|---|---|
//! | `fixed` | the probability that is set | no |
//! | `bayes` | where an error costs as much either way, if probabilities are right | no |
//! | `cost` | the probability of the smallest cost on validation | yes |
//! | `f1` | the probability of the best F1 on validation | yes |
//! | `youden` | the probability of the largest `TPR - FPR` on validation | yes |
//!
//! For yes/no labels, each its own, and for two classes, where yes is the second. A probability is the calibrated one.

mod bayes;
mod cost;
mod f1;
mod fixed;
mod youden;

use std::fmt::Debug;

pub use bayes::BayesConfig;
pub use cost::CostConfig;
pub use f1::F1Config;
pub use fixed::FixedConfig;
use mtl_core::{Error, Result, answer::Answer, registry};
use serde::{Deserialize, Serialize};
pub use youden::YoudenConfig;

use super::evidence::Asked;
use crate::{Auroc, MetricBatch, Streaming, samples::Column, value::OrReason};

registry! {
    /// From which probability on yes is said.
    pub enum ThresholdConfig, what = "threshold", part = ThresholdPart {
        Fixed(FixedConfig) = "fixed", "the probability that is set";
        Bayes(BayesConfig) = "bayes", "where a false yes costs as much as a false no, if probabilities are right";
        Cost(CostConfig) = "cost", "the smallest cost of false answers on validation";
        F1(F1Config) = "f1", "the best F1 on validation";
        Youden(YoudenConfig) = "youden", "the largest distance of true from false positive rate on validation";
    }
}

/// What the settings of a threshold say.
pub trait ThresholdPart: Debug + Send + Sync {
    /// Checks the settings; all are right, unless overridden.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the setting out of range.
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// What false answers cost, where that is said.
    fn costs(&self) -> Option<Costs> {
        None
    }

    /// From which probability on yes is said, given scores and labels.
    ///
    /// # Errors
    /// Why there is no such probability.
    fn threshold(&self, column: &Column) -> OrReason<f32>;
}

/// What false answers cost; right ones cost nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// Of a yes where no is right.
    pub false_positive: f64,
    /// Of a no where yes is right.
    pub false_negative: f64,
}

impl Default for Costs {
    /// Errors count.
    fn default() -> Self {
        Self { false_positive: 1.0, false_negative: 1.0 }
    }
}

impl Costs {
    /// Refuses what are no costs.
    fn validate(self, what: &'static str) -> Result<()> {
        for (field, cost) in [("false_positive", self.false_positive), ("false_negative", self.false_negative)] {
            if !(cost > 0.0 && cost.is_finite()) {
                let expected = "a positive number".into();
                return Err(Error::InvalidConfig { what, field, expected, found: cost.to_string() });
            }
        }
        Ok(())
    }

    /// What an answer is expected to cost where yes has the probability `p`.
    #[must_use]
    pub fn expected(self, says_yes: bool, p: f64) -> f64 {
        if says_yes { (1.0 - p) * self.false_positive } else { p * self.false_negative }
    }
}

/// No probability is as high: yes is never said.
pub(super) const NEVER: f32 = 2.0;

/// Thresholds that were fitted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// From which probability on yes is said, one a label; above 1 never.
    pub from: Vec<f32>,
    /// What false answers cost, where that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub costs: Option<Costs>,
}

impl Thresholds {
    /// Whether such answers are decided by a threshold.
    ///
    /// # Errors
    /// Why not.
    pub fn suits(answer: &Answer) -> OrReason<()> {
        match Asked::by(answer.tag()) {
            Asked::YesNo => Ok(()),
            Asked::OneOf if answer.width() == 2 => Ok(()),
            Asked::OneOf => Err(format!("one of {} classes has no one threshold", answer.width())),
            asked @ (Asked::Numbers | Asked::Other(_)) => Err(format!("{} are not yes or no", asked.describe())),
        }
    }

    /// Fits them. `batch` are the (calibrated) answers.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a label without a threshold; what is wrong with the answers.
    pub fn fit(config: &ThresholdConfig, answer: &Answer, batch: &MetricBatch<'_>) -> Result<Self> {
        let mut ranked = Streaming::new(Auroc);
        ranked.update_batch(batch)?;
        let named = ranked.remembered().columns().iter().enumerate();
        let from = named.map(|(at, column)| {
            config.part().threshold(column).map_err(|reason| Error::InvalidConfig {
                what: "threshold",
                field: "kind",
                expected: format!("one that the labels of {} in task {} allow", answer.output(at), batch.task()),
                found: format!("{:?}: {reason}", config.name()),
            })
        });
        Ok(Self { from: from.collect::<Result<_>>()?, costs: config.part().costs() })
    }

    /// What was fitted, in words: `yes from 0.3141 on`.
    #[must_use]
    pub fn describe(&self) -> String {
        let of = |from: &f32| if *from > 1.0 { "never".into() } else { format!("{from:.4}") };
        format!("yes from {} on", self.from.iter().map(of).collect::<Vec<_>>().join(", "))
    }

    /// Whether yes is said to a label of that probability.
    #[must_use]
    pub fn says_yes(&self, label: usize, p: f64) -> bool {
        p >= self.from.get(label).copied().map_or(0.5, f64::from)
    }

    /// Checks one that was read from a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, answer: &Answer) -> OrReason<()> {
        Self::suits(answer)?;
        let labels = if Asked::by(answer.tag()) == Asked::OneOf { 1 } else { answer.width() };
        let costs = self.costs.map_or(Ok(()), |costs| costs.validate("threshold").map_err(|e| e.to_string()));
        costs?;
        match self.from.len() == labels && self.from.iter().all(|from| from.is_finite()) {
            true => Ok(()),
            false => Err(format!("no thresholds of {labels} labels: {:?}", self.from)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "what is picked out, and small numbers, are exact")]
mod tests {
    use super::*;
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::Array2;

    fn fit(config: &ThresholdConfig, probs: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Thresholds> {
        let column = |numbers: &[f32]| Array2::from_shape_vec((numbers.len(), 1), numbers.to_vec()).unwrap();
        let said = Prediction::MultiLabel { scores: column(probs), kind: Scores::Probs };
        let truth = Reference::MultiLabel(column(labels));
        let batch = MetricBatch::new(&said, &truth).of_task("t");
        let batch = weights.map_or(batch, |weights| batch.with_weights(weights));
        Thresholds::fit(config, &Answer::multi_label(["rich"]), &batch)
    }

    #[test]
    fn costs_by_brute_force() {
        let probs: Vec<f32> = (0..40).map(|i: i32| (i * 17 % 41) as f32 / 41.0).collect();
        let labels: Vec<f32> = (0..40).map(|i: i32| f32::from(u8::from(i * 29 % 41 > 40 - i * 17 % 41))).collect();
        for (false_positive, false_negative) in [(1.0, 1.0), (1.0, 5.0), (7.0, 1.0), (1000.0, 1.0)] {
            let config = ThresholdConfig::Cost(CostConfig { false_positive, false_negative });
            let found = fit(&config, &probs, &labels, None).unwrap().from[0];
            let cost = |from: f32| -> f64 {
                let of = |(p, y): (&f32, &f32)| match (*p >= from, *y > 0.5) {
                    (true, false) => false_positive,
                    (false, true) => false_negative,
                    _ => 0.0,
                };
                probs.iter().zip(&labels).map(of).sum()
            };
            let best = probs.iter().copied().chain([NEVER]).map(cost).fold(f64::INFINITY, f64::min);
            assert!((cost(found) - best).abs() < 1e-12, "{false_positive} {false_negative}: {found}");
        }
        let never = ThresholdConfig::Cost(CostConfig { false_positive: 1000.0, false_negative: 1.0 });
        assert!(fit(&never, &[0.2, 0.9], &[1.0, 0.0], None).unwrap().from[0] > 1.0);
    }

    #[test]
    fn other_kinds_by_hand() {
        let (probs, labels) = ([0.9, 0.7, 0.6, 0.1], [1.0, 0.0, 1.0, 0.0]);
        let of = |config: &ThresholdConfig| fit(config, &probs, &labels, None).unwrap().from[0];
        assert_eq!(of(&ThresholdConfig::F1(F1Config {})), 0.6);
        assert_eq!(of(&ThresholdConfig::Youden(YoudenConfig {})), 0.9);
        assert_eq!(of(&ThresholdConfig::Fixed(FixedConfig { at: 0.25 })), 0.25);
        // A false no costs four times as much: yes from 1 / 5 on.
        let bayes = ThresholdConfig::Bayes(BayesConfig { false_positive: 1.0, false_negative: 4.0 });
        assert_eq!(of(&bayes), 0.2);
        let e = fit(&ThresholdConfig::F1(F1Config {}), &[0.5], &[0.0], None).unwrap_err().to_string();
        assert!(e.contains("labels of rich in task t allow"), "{e}");
        assert!(Thresholds::suits(&Answer::class(["a", "b", "c"])).unwrap_err().contains("3 classes"));
        assert!(BayesConfig { false_positive: 0.0, ..Default::default() }.validate().is_err());
    }

    #[test]
    fn a_weight_is_so_many_samples() {
        let config = ThresholdConfig::Cost(CostConfig { false_positive: 1.0, false_negative: 1.0 });
        let weighted = fit(&config, &[0.9, 0.6, 0.4], &[1.0, 0.0, 1.0], Some(&[1.0, 3.0, 2.0])).unwrap();
        let (probs, labels) = ([0.9, 0.6, 0.6, 0.6, 0.4, 0.4], [1.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
        assert_eq!(weighted, fit(&config, &probs, &labels, None).unwrap());
        assert_eq!(weighted.from, [0.9]);
    }
}
