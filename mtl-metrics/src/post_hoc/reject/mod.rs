//! The reject option: answers that are too likely to be wrong are left to somebody else.
//!
//! ```text
//! risk(x) = expected cost of what would be said: 1 - max_k p_k, of yes/no min over a threshold's costs       rejected where risk > bound
//! ```
//! | kind | bound | fitted |
//! |---|---|---|
//! | `cost` | what it costs to reject, where an error costs 1 (or what the threshold's costs say) | no |
//! | `share` | so that at most this share of validation is rejected | yes |
//! | `error` | so that among those kept of validation at most this share is wrong | yes |
//!
//! Of several yes/no labels each is rejected by itself. Risks rest on probabilities, so calibrate them.
//!
//! **Reference** C. K. Chow, *On optimum recognition error and reject tradeoff*, IEEE Transactions on Information Theory 16, 1970; R. El-Yaniv,
//! Y. Wiener, *On the Foundations of Noise-free Selective Classification*, JMLR 11, 2010 (risk and coverage).

mod chow;
mod error;
mod share;

use std::fmt::Debug;

pub use chow::ChowConfig;
pub use error::ErrorConfig;
use mtl_core::{Error, Result, answer::Answer, registry};
use serde::{Deserialize, Serialize};
pub use share::ShareConfig;

use super::{
    evidence::{Asked, Evidence},
    threshold::Thresholds,
};
use crate::{MetricBatch, value::OrReason};

registry! {
    /// Which answers are rejected.
    pub enum RejectConfig, what = "reject option", part = RejectPart {
        Cost(ChowConfig) = "cost", "those whose expected cost is above that of rejecting (Chow's rule)";
        Share(ShareConfig) = "share", "the riskiest, at most so many of validation";
        Error(ErrorConfig) = "error", "the riskiest, until so few of those kept are wrong on validation";
    }
}

/// A sample as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Risk {
    /// The expected cost of what is said.
    pub risk: f64,
    /// Whether it is wrong.
    pub wrong: bool,
    /// The sample's weight.
    pub weight: f64,
}

/// What the settings of a reject option say.
pub trait RejectPart: Debug + Send + Sync {
    /// Checks the settings; all are right, unless overridden.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the setting out of range.
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// The risk above which is rejected; `risks` rise, and there is one at least.
    ///
    /// # Errors
    /// Why there is none.
    fn bound(&self, risks: &[Risk]) -> OrReason<f64>;
}

/// Whether a setting lies in its range.
fn check(field: &'static str, fits: bool, expected: &str, found: f64) -> Result<()> {
    if fits {
        return Ok(());
    }
    Err(Error::InvalidConfig { what: "reject option", field, expected: expected.into(), found: found.to_string() })
}

/// A reject option that was fitted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reject {
    /// The risk above which is rejected, one a label; of one of several one alone.
    pub above: Vec<f64>,
}

/// What would be said, and its risk, of a yes/no label of that probability.
#[must_use]
pub fn of_label(thresholds: Option<&Thresholds>, label: usize, p: f64) -> (bool, f64) {
    let costs = thresholds.and_then(|own| own.costs).unwrap_or_default();
    let says_yes = thresholds.map_or(p >= 0.5, |own| own.says_yes(label, p));
    (says_yes, costs.expected(says_yes, p))
}

/// What would be said, and its risk, of choices of those probabilities; of two a threshold may decide.
#[must_use]
pub fn of_choices(thresholds: Option<&Thresholds>, probs: &[f64]) -> (usize, f64) {
    if let (Some(thresholds), [_, second]) = (thresholds, probs) {
        let (says_yes, risk) = of_label(Some(thresholds), 0, *second);
        return (usize::from(says_yes), risk);
    }
    let higher = |best: (usize, f64), (at, &p): (usize, &f64)| if p > best.1 { (at, p) } else { best };
    let (top, p) = probs.iter().enumerate().fold((0, f64::NEG_INFINITY), higher);
    (top, 1.0 - p)
}

/// Risk and error of every known sample, the least risk first: a list a label, of one of several one alone.
pub(super) fn risks(evidence: &Evidence, thresholds: Option<&Thresholds>) -> Vec<Vec<Risk>> {
    let mut lists: Vec<Vec<Risk>> = match evidence {
        Evidence::OneOf(choices) => vec![
            choices
                .rows()
                .map(|(probs, label, weight)| {
                    let (said, risk) = of_choices(thresholds, probs);
                    Risk { risk, wrong: said != label, weight: f64::from(weight) }
                })
                .collect(),
        ],
        Evidence::YesNo(questions) => {
            let of = |(label, question): (usize, &super::evidence::Question)| {
                let risk = |(p, yes, weight): (f64, bool, f32)| {
                    let (said, risk) = of_label(thresholds, label, p);
                    Risk { risk, wrong: said != yes, weight: f64::from(weight) }
                };
                question.rows().map(risk).collect()
            };
            questions.iter().enumerate().map(of).collect()
        }
    };
    lists.iter_mut().for_each(|list| list.sort_by(|a, b| a.risk.total_cmp(&b.risk)));
    lists
}

impl Reject {
    /// Whether such answers have a risk.
    ///
    /// # Errors
    /// Why not.
    pub fn suits(asked: Asked) -> OrReason<()> {
        match asked {
            Asked::OneOf | Asked::YesNo => Ok(()),
            Asked::Numbers | Asked::Other(_) => Err(format!("{} have no probability of being wrong", asked.describe())),
        }
    }

    /// Fits the bounds. `batch` are the (calibrated) answers.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a label without a bound; what is wrong with the answers.
    pub fn fit(
        config: &RejectConfig,
        thresholds: Option<&Thresholds>,
        answer: &Answer,
        batch: &MetricBatch<'_>,
    ) -> Result<Self> {
        let lists = risks(&Evidence::of(batch)?, thresholds);
        let bound = |(at, risks): (usize, &Vec<Risk>)| {
            let found = if risks.is_empty() { Err(crate::value::NO_LABEL.into()) } else { config.part().bound(risks) };
            found.map_err(|reason| Error::InvalidConfig {
                what: "reject option",
                field: "kind",
                expected: format!("one that the labels of {} in task {} allow", answer.output(at), batch.task()),
                found: format!("{:?}: {reason}", config.name()),
            })
        };
        Ok(Self { above: lists.iter().enumerate().map(bound).collect::<Result<_>>()? })
    }

    /// What was fitted, in words: `rejected above a risk of 0.2`.
    #[must_use]
    pub fn describe(&self) -> String {
        let of = |above: &f64| format!("{above:.4}");
        format!("rejected above a risk of {}", self.above.iter().map(of).collect::<Vec<_>>().join(", "))
    }

    /// Whether what has that risk is rejected.
    #[must_use]
    pub fn rejects(&self, label: usize, risk: f64) -> bool {
        self.above.get(label).is_some_and(|above| risk > *above)
    }

    /// Checks one that was read from a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, answer: &Answer) -> OrReason<()> {
        let asked = Asked::by(answer.tag());
        Self::suits(asked)?;
        let labels = if asked == Asked::OneOf { 1 } else { answer.width() };
        match self.above.len() == labels && self.above.iter().all(|above| above.is_finite()) {
            true => Ok(()),
            false => Err(format!("no bounds of {labels} labels: {:?}", self.above)),
        }
    }
}

/// A point of the curve of risk over coverage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Share of answers that are kept.
    pub coverage: f64,
    /// Share of these that are wrong.
    pub error: f64,
}

/// How wrong the least risky answers are, for every share of them that can be told from the rest; at most `points`.
#[must_use]
pub fn coverage_risk(risks: &[Risk], points: usize) -> Vec<Kept> {
    let total: f64 = risks.iter().map(|own| own.weight).sum();
    let (mut kept, mut wrong, mut curve) = (0.0, 0.0, Vec::new());
    for equal in risks.chunk_by(|a, b| a.risk.total_cmp(&b.risk).is_eq()) {
        kept += equal.iter().map(|own| own.weight).sum::<f64>();
        wrong += equal.iter().filter(|own| own.wrong).map(|own| own.weight).sum::<f64>();
        curve.push(Kept { coverage: kept / total, error: wrong / kept });
    }
    let n = curve.len();
    if n <= points || points < 2 {
        return curve;
    }
    (1..=points).filter_map(|at| curve.get((at * n).div_ceil(points) - 1).copied()).collect()
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "what is picked out, and small numbers, are exact")]
mod tests {
    use super::*;
    use crate::post_hoc::threshold::Costs;

    fn risks_of(list: &[(f64, bool)]) -> Vec<Risk> {
        list.iter().map(|&(risk, wrong)| Risk { risk, wrong, weight: 1.0 }).collect()
    }

    #[test]
    fn bounds_by_hand() {
        let risks = risks_of(&[(0.1, false), (0.2, true), (0.2, false), (0.3, false), (0.4, true)]);
        let bound = |config: RejectConfig| config.part().bound(&risks).unwrap();
        assert_eq!(bound(RejectConfig::Cost(ChowConfig { cost: 0.25 })), 0.25);
        // One of five may go, two at 0.2 only together.
        assert_eq!(bound(RejectConfig::Share(ShareConfig { share: 0.2 })), 0.3);
        assert_eq!(bound(RejectConfig::Share(ShareConfig { share: 0.7 })), 0.2);
        assert_eq!(bound(RejectConfig::Share(ShareConfig { share: 0.0 })), 0.4);
        // Of four 1/4 is wrong, of three 1/3, of all 2/5.
        assert_eq!(bound(RejectConfig::Error(ErrorConfig { error: 0.25 })), 0.3);
        assert_eq!(bound(RejectConfig::Error(ErrorConfig { error: 0.1 })), 0.1);
        assert_eq!(bound(RejectConfig::Error(ErrorConfig { error: 0.4 })), 0.4);
        let wrong = risks_of(&[(0.1, true), (0.2, true)]);
        assert!(ErrorConfig { error: 0.1 }.bound(&wrong).unwrap() < 0.0, "all are rejected");
    }

    #[test]
    fn curves_by_hand() {
        let risks = risks_of(&[(0.1, false), (0.2, true), (0.2, false), (0.4, true)]);
        let of = |points| coverage_risk(&risks, points).iter().map(|p| (p.coverage, p.error)).collect::<Vec<_>>();
        assert_eq!(of(9), [(0.25, 0.0), (0.75, 1.0 / 3.0), (1.0, 0.5)]);
        assert_eq!(of(2), [(0.75, 1.0 / 3.0), (1.0, 0.5)], "the last one is all");
    }

    #[test]
    fn a_threshold_and_its_costs_change_what_is_said_and_its_risk() {
        assert_eq!(of_choices(None, &[0.7, 0.3]).0, 0);
        let costs = Costs { false_positive: 1.0, false_negative: 4.0 };
        let thresholds = Thresholds { from: vec![0.2], costs: Some(costs) };
        let (said, risk) = of_choices(Some(&thresholds), &[0.7, 0.3]);
        assert!(said == 1 && (risk - 0.7).abs() < 1e-12);
        let (said, risk) = of_label(Some(&thresholds), 0, 0.1);
        assert!(!said && (risk - 0.4).abs() < 1e-12);
    }
}
