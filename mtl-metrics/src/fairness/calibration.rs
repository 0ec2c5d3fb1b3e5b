//! Whether probabilities mean the same in every group.
//!
//! ```text
//! ECE(group) = sum_bins n_bin / n |mean score - share of positives|       bins of equal width over [0, 1]
//! value      = the largest ECE of a group
//! ```
//!
//! A score of exactly a bound between two bins belongs to the lower one, 0 to the first.
//!
//! **Reference** G. Pleiss et al., *On fairness and calibration*, NeurIPS 2017, <https://arxiv.org/abs/1709.02012>; the ECE of a
//! group equals torchmetrics `BinaryCalibrationError(n_bins, norm="l1")` of its samples (to 1e-6, it computes in f32).
//! **Differs from** torchmetrics in the bound between bins (there the upper bin). **State** 0.6 kB per group and bin in use.

use std::collections::BTreeMap;

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::groups::GroupedScores;
use crate::{
    chunks::fold_chunks,
    exact_sum::ExactSum,
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
    weight::Total,
};

const CHUNK: usize = 8192;

/// The largest expected calibration error of a group, 0 to 1.
///
/// ```
/// use mtl_metrics::{Metric, fairness::{CalibrationByGroup, GroupedScores}};
/// let calibration = CalibrationByGroup::new(10)?;
/// let mut bins = Default::default();
/// // Group 0 says 3/4 and is right 3 times of 4, group 1 says 1/4 and is always right:
/// let scores = [0.75, 0.75, 0.75, 0.75, 0.25];
/// let truth = [true, true, true, false, true];
/// calibration.update(&mut bins, &GroupedScores::new(&scores, &truth, &[0, 0, 0, 0, 1])?)?;
/// assert_eq!(calibration.compute(&bins).value, Some(0.75));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CalibrationByGroup {
    n_bins: u16,
    name: String,
}

impl CalibrationByGroup {
    /// The error over that many bins, usually 15.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for no bin.
    pub fn new(n_bins: u16) -> Result<Self> {
        if n_bins == 0 {
            let expected = "at least 1".into();
            return Err(Error::InvalidConfig { what: "calibration", field: "n_bins", expected, found: "0".into() });
        }
        Ok(Self { n_bins, name: format!("calibration-by-group@bins={n_bins}") })
    }
}

impl Metric for CalibrationByGroup {
    type Batch<'a> = GroupedScores<'a>;
    type State = GroupBins;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut GroupBins, batch: &GroupedScores<'_>) -> Result<()> {
        let part: GroupBins = fold_chunks(batch.len(), CHUNK, |range| {
            let mut bins = GroupBins::default();
            for (score, truth, group, weight) in batch.samples(range) {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a score is in [0, 1]")]
                let bin = (f64::from(score) * f64::from(self.n_bins)).ceil() as u16;
                let bin = bins.bins.entry((group, bin.saturating_sub(1))).or_default();
                bin.n.add(weight);
                bin.scores.add_product(f64::from(score), f64::from(weight));
                if truth {
                    bin.positives.add(weight);
                }
            }
            Ok(bins)
        })?;
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &GroupBins) -> MetricValue {
        let support = state.bins.values().fold(0_u64, |sum, bin| sum.saturating_add(bin.n.n()));
        let report = state.report();
        let errors: Vec<f64> = report.iter().filter_map(|(_, error)| error.as_ref().ok()).copied().collect();
        let value = match errors.iter().copied().reduce(f64::max) {
            Some(worst) => MetricValue::defined(worst, support),
            None => MetricValue::undefined(if support == 0 { "no sample" } else { "all weights are 0" }, support),
        };
        MetricValue { parts: report.len() as u64, left_out: (report.len() - errors.len()) as u64, ..value }
    }
}

/// Scores and truth by group and bin.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GroupBins {
    bins: BTreeMap<(u64, u16), Bin>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Bin {
    n: Total,
    positives: Total,
    /// Weighted.
    scores: ExactSum,
}

impl GroupBins {
    /// The expected calibration error of every group, by number; the reason for a group without weight.
    #[must_use]
    pub fn report(&self) -> Vec<(u64, OrReason<f64>)> {
        let mut groups = BTreeMap::<u64, (f64, f64)>::new();
        for (&(group, _), bin) in &self.bins {
            let (gaps, weight) = groups.entry(group).or_default();
            *gaps += (bin.scores.value() - bin.positives.value()).abs();
            *weight += bin.n.value();
        }
        let error = |gaps: f64, weight: f64, group: u64| {
            if weight > 0.0 { Ok(gaps / weight) } else { Err(format!("group {group} has no weight")) }
        };
        groups.into_iter().map(|(group, (gaps, weight))| (group, error(gaps, weight, group))).collect()
    }
}

impl MetricState for GroupBins {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let mut merged = self.clone();
        for (place, theirs) in &other.bins {
            let ours = merged.bins.entry(*place).or_default();
            ours.n.merge(&theirs.n)?;
            ours.positives.merge(&theirs.positives)?;
            ours.scores.merge(&theirs.scores);
        }
        *self = merged;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        for bin in self.bins.values() {
            bin.n.check()?;
            bin.positives.check()?;
            let scores = bin.scores.value();
            if bin.positives.n() > bin.n.n() || !scores.is_finite() || scores < 0.0 {
                return Err("its bins contradict each other".into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_belong_to_the_lower_bin() {
        let calibration = CalibrationByGroup::new(2).unwrap();
        let mut bins = GroupBins::default();
        let batch = GroupedScores::new(&[0.0, 0.5, 1.0], &[false, true, false], &[4; 3]).unwrap();
        calibration.update(&mut bins, &batch).unwrap();
        assert_eq!(bins.bins.keys().collect::<Vec<_>>(), [&(4, 0), &(4, 1)]);
        // |0.5 - 1| in the lower bin, |1 - 0| in the upper one.
        assert_eq!(bins.report(), [(4, Ok(0.5))]);
        assert!(CalibrationByGroup::new(0).is_err());
    }

    #[test]
    fn no_weight_no_error() {
        let calibration = CalibrationByGroup::new(2).unwrap();
        assert_eq!(calibration.compute(&GroupBins::default()).get(), Err("no sample"));
        let mut bins = GroupBins::default();
        let batch = GroupedScores::new(&[0.5], &[true], &[4]).unwrap().weighted(&[0.0]).unwrap();
        calibration.update(&mut bins, &batch).unwrap();
        assert_eq!(calibration.compute(&bins).get(), Err("all weights are 0"));
    }
}
