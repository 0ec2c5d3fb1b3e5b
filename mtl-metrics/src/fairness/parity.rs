//! Whether decisions treat groups alike.
//!
//! ```text
//! selection rate  P(yes | group)       TPR  P(yes | true, group)       FPR  P(yes | false, group)
//!
//! demographic parity   selection rates         difference: largest - smallest over groups
//! equal opportunity    true positive rates     ratio: smallest / largest
//! equalized odds       both TPR and FPR        the worse of the two: larger difference, smaller ratio
//! ```
//!
//! A decision is yes when the score is above the threshold.
//!
//! **Reference** M. Hardt et al., *Equality of opportunity in supervised learning*, NeurIPS 2016,
//! <https://arxiv.org/abs/1610.02413>; fairlearn 0.15 `demographic_parity_difference`, `.._ratio`, `equal_opportunity_difference`, ..,
//! `equalized_odds_difference`, .., with sample weights, to 1e-12.
//! **Differs from** fairlearn: a group without positives (negatives) has no TPR (FPR), and is left out (0 there); one
//! group alone, or a ratio of zeros, is not defined. **State** 52 bytes a group, 552 more per count that weights reach.

use std::collections::BTreeMap;

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::groups::GroupedScores;
use crate::{
    chunks::fold_chunks,
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
    weight::Total,
};

const CHUNK: usize = 8192;

/// What should be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parity {
    /// Selection rates.
    Demographic,
    /// True positive rates.
    EqualOpportunity,
    /// True and false positive rates.
    EqualizedOdds,
}

/// How inequality is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// Largest minus smallest: 0 is fair.
    Difference,
    /// Smallest over largest: 1 is fair.
    Ratio,
}

/// A comparison of rates over groups, 0 to 1.
///
/// ```
/// use mtl_metrics::{Metric, fairness::{Comparison, GroupedScores, GroupParity, Parity}};
/// let parity = GroupParity::new(Parity::Demographic, Comparison::Difference, 0.5)?;
/// let mut rates = Default::default();
/// let scores = GroupedScores::new(&[0.9, 0.8, 0.7, 0.1], &[true, false, true, false], &[0, 0, 1, 1])?;
/// parity.update(&mut rates, &scores)?;
/// assert_eq!((parity.name(), parity.compute(&rates).value), ("demographic-parity-difference", Some(0.5)));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct GroupParity {
    parity: Parity,
    comparison: Comparison,
    threshold: f32,
}

impl GroupParity {
    /// That comparison for decisions above `threshold`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a threshold outside `[0, 1)`.
    pub fn new(parity: Parity, comparison: Comparison, threshold: f32) -> Result<Self> {
        if !(0.0..1.0).contains(&threshold) {
            let (expected, found) = ("in [0, 1)".into(), threshold.to_string());
            return Err(Error::InvalidConfig { what: "group parity", field: "threshold", expected, found });
        }
        Ok(Self { parity, comparison, threshold })
    }

    /// The comparison of one rate over groups, with the number of groups left out.
    fn compare(&self, rates: &[OrReason<f64>]) -> OrReason<f64> {
        let known: Vec<f64> = rates.iter().flatten().copied().collect();
        if known.len() < 2 {
            let why = rates.iter().find_map(|rate| rate.as_ref().err()).map_or("one group", String::as_str);
            return Err(format!("fewer than two groups to compare ({why})"));
        }
        let (least, most) = known.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), &x| (a.min(x), b.max(x)));
        match self.comparison {
            Comparison::Difference => Ok(most - least),
            Comparison::Ratio if most == 0.0 => Err("no group has a yes".into()),
            Comparison::Ratio => Ok(least / most),
        }
    }
}

impl Metric for GroupParity {
    type Batch<'a> = GroupedScores<'a>;
    type State = GroupRates;

    fn name(&self) -> &'static str {
        match (self.parity, self.comparison) {
            (Parity::Demographic, Comparison::Difference) => "demographic-parity-difference",
            (Parity::Demographic, Comparison::Ratio) => "demographic-parity-ratio",
            (Parity::EqualOpportunity, Comparison::Difference) => "equal-opportunity-difference",
            (Parity::EqualOpportunity, Comparison::Ratio) => "equal-opportunity-ratio",
            (Parity::EqualizedOdds, Comparison::Difference) => "equalized-odds-difference",
            (Parity::EqualizedOdds, Comparison::Ratio) => "equalized-odds-ratio",
        }
    }

    fn direction(&self) -> Direction {
        if self.comparison == Comparison::Ratio { Direction::Maximize } else { Direction::Minimize }
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut GroupRates, batch: &GroupedScores<'_>) -> Result<()> {
        let part: GroupRates = fold_chunks(batch.len(), CHUNK, |range| {
            let mut rates = GroupRates::default();
            for (score, truth, group, weight) in batch.samples(range) {
                let counts = rates.groups.entry(group).or_default();
                let cell = if truth { &mut counts.of_true } else { &mut counts.of_false };
                cell.n.add(weight);
                if score > self.threshold {
                    cell.yes.add(weight);
                }
            }
            Ok(rates)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &GroupRates) -> MetricValue {
        let report = state.report();
        let support =
            state.groups.values().fold(0_u64, |sum, g| sum.saturating_add(g.of_true.n.n() + g.of_false.n.n()));
        let rates = |of: fn(&GroupReport) -> &OrReason<f64>| report.iter().map(|g| of(g).clone()).collect::<Vec<_>>();
        let (first, second) = match self.parity {
            Parity::Demographic => (rates(|g| &g.selection), None),
            Parity::EqualOpportunity => (rates(|g| &g.true_positive), None),
            Parity::EqualizedOdds => (rates(|g| &g.true_positive), Some(rates(|g| &g.false_positive))),
        };
        let left_out = first.iter().chain(second.iter().flatten()).filter(|rate| rate.is_err()).count() as u64;
        let parts = (first.len() + second.as_ref().map_or(0, Vec::len)) as u64;
        let compared = self.compare(&first).and_then(|one| match &second {
            None => Ok(one),
            Some(rates) => self.compare(rates).map(|other| match self.comparison {
                Comparison::Difference => one.max(other),
                Comparison::Ratio => one.min(other),
            }),
        });
        let value = match compared {
            Ok(value) => MetricValue::defined(value, support),
            Err(reason) => MetricValue::undefined(if report.is_empty() { "no sample".into() } else { reason }, support),
        };
        MetricValue { parts, left_out, ..value }
    }
}

/// The rates of one group; the reason where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupReport {
    /// The group.
    pub group: u64,
    /// Share of yes among all.
    pub selection: OrReason<f64>,
    /// Share of yes among those that are true.
    pub true_positive: OrReason<f64>,
    /// Share of yes among those that are false.
    pub false_positive: OrReason<f64>,
}

/// Decisions by group and truth.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GroupRates {
    groups: BTreeMap<u64, GroupCounts>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct GroupCounts {
    of_true: Decisions,
    of_false: Decisions,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Decisions {
    n: Total,
    yes: Total,
}

impl GroupRates {
    /// The rates of every group, by number.
    #[must_use]
    pub fn report(&self) -> Vec<GroupReport> {
        let rate = |yes: f64, n: f64, why: &str| if n > 0.0 { Ok(yes / n) } else { Err(why.to_owned()) };
        let report = |(&group, counts): (&u64, &GroupCounts)| {
            let (t, f) = (&counts.of_true, &counts.of_false);
            let (t_yes, t_n, f_yes, f_n) = (t.yes.value(), t.n.value(), f.yes.value(), f.n.value());
            GroupReport {
                group,
                selection: rate(t_yes + f_yes, t_n + f_n, &format!("group {group} has no weight")),
                true_positive: rate(t_yes, t_n, &format!("group {group} has no positive")),
                false_positive: rate(f_yes, f_n, &format!("group {group} has no negative")),
            }
        };
        self.groups.iter().map(report).collect()
    }
}

impl MetricState for GroupRates {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let mut merged = self.clone();
        for (group, theirs) in &other.groups {
            let ours = merged.groups.entry(*group).or_default();
            for (ours, theirs) in [(&mut ours.of_true, &theirs.of_true), (&mut ours.of_false, &theirs.of_false)] {
                ours.n.merge(&theirs.n)?;
                ours.yes.merge(&theirs.yes)?;
            }
        }
        *self = merged;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        for counts in self.groups.values() {
            for cell in [&counts.of_true, &counts.of_false] {
                cell.n.check()?;
                cell.yes.check()?;
                if cell.yes.n() > cell.n.n() {
                    return Err("more yes than decisions".into());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(parity: Parity, comparison: Comparison, said: &[f32], truth: &[bool], groups: &[u64]) -> MetricValue {
        let metric = GroupParity::new(parity, comparison, 0.5).unwrap();
        let mut rates = GroupRates::default();
        metric.update(&mut rates, &GroupedScores::new(said, truth, groups).unwrap()).unwrap();
        metric.compute(&rates)
    }

    #[test]
    fn by_hand() {
        // Group 3: TPR 1/2, FPR 1. Group 9: TPR 1, FPR 0. Group 11 has no positive.
        let (said, groups) = ([1.0, 0.0, 1.0, 1.0, 0.0, 0.0], [3, 3, 3, 9, 9, 11]);
        let truth = [true, true, false, true, false, false];
        let at = |parity, comparison| value(parity, comparison, &said, &truth, &groups);
        assert_eq!(at(Parity::EqualOpportunity, Comparison::Difference).value, Some(0.5));
        let odds = at(Parity::EqualizedOdds, Comparison::Difference);
        assert_eq!((odds.value, odds.parts, odds.left_out), (Some(1.0), 6, 1));
        assert_eq!(at(Parity::EqualizedOdds, Comparison::Ratio).value, Some(0.0));
        assert_eq!(at(Parity::Demographic, Comparison::Ratio).value, Some(0.0));
    }

    #[test]
    fn nothing_to_compare() {
        let found = value(Parity::Demographic, Comparison::Difference, &[1.0], &[true], &[0]);
        assert_eq!(found.get(), Err("fewer than two groups to compare (one group)"));
        let found = value(Parity::Demographic, Comparison::Ratio, &[0.0, 0.0], &[true, true], &[0, 1]);
        assert_eq!(found.get(), Err("no group has a yes"));
        assert_eq!(value(Parity::Demographic, Comparison::Ratio, &[], &[], &[]).get(), Err("no sample"));
        assert!(GroupParity::new(Parity::Demographic, Comparison::Ratio, f32::NAN).is_err());
    }
}
