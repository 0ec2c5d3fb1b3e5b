//! Calibration: whether what is said with 80 % confidence is right 80 % of the time.
//!
//! Answers are binned by confidence, and each bin compares its mean confidence with its share of right answers:
//!
//! ```text
//! bin j holds confidences in [j/m, (j+1)/m), the last one also 1        classes  confidence: of the top class, right: top = y
//! conf_j, acc_j, n_j: means and weight of the bin                       yes/no   confidence: p of yes, right: y = yes
//! ```
//!
//! [`Ece`](super::Ece) and [`Mce`](super::Mce) sum bins up; a [`ReliabilityDiagram`] shows them.
//!
//! **State** 1.7 kB a bin at most. **Weights** yes.
//!
//! **Reference** C. Guo et al., *On calibration of modern neural networks*, ICML 2017; torchmetrics
//! `MulticlassCalibrationError`, `BinaryCalibrationError`: the same bins.
//! **Differs from** torchmetrics for a confidence of exactly 1, which has a bin of its own there; from Guo et al. in which
//! end of a bin is closed.

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use crate::{
    class::accuracy::Hits,
    fold,
    input::MetricBatch,
    mean::ExactMean,
    metric::MetricState,
    probability::{ClassProbs, yes_prob},
    value::OrReason,
};

/// The most bins there may be.
pub const MAX_BINS: usize = 1000;

/// Confidences and right answers by bin.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CalibrationBins {
    bins: Vec<Bin>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Bin {
    confidence: ExactMean,
    hits: Hits,
}

/// One bin of a reliability diagram that holds something.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// The lowest confidence that belongs to it.
    pub low: f64,
    /// Where the next bin begins.
    pub high: f64,
    /// Mean confidence.
    pub confidence: f64,
    /// Share of right answers.
    pub accuracy: f64,
    /// Answers.
    pub n: u64,
    /// Share of the weight of all answers.
    pub share: f64,
}

/// Confidence against accuracy, for a plot; bins without answers are left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReliabilityDiagram {
    /// The bins, confidence rising.
    pub bins: Vec<ReliabilityBin>,
    /// Mean gap of confidence and accuracy, weighted by bin.
    pub ece: f64,
    /// The largest gap.
    pub mce: f64,
}

impl CalibrationBins {
    /// Folds a batch into `n_bins` bins.
    ///
    /// # Errors
    /// As [`crate::Metric::update`].
    pub fn update(&mut self, metric: &str, n_bins: usize, batch: &MetricBatch<'_>) -> Result<()> {
        let fresh = || Self { bins: vec![Bin::default(); n_bins] };
        fold::scores(
            metric,
            batch,
            self,
            |_| fresh(),
            |bins, sample| {
                let (top, confidence) = ClassProbs::of(batch, sample)?.top();
                bins.add(confidence, top == sample.class, sample.weight);
                Ok(())
            },
            |bins, entry| {
                bins.add(yes_prob(batch, entry)?, entry.yes, entry.weight);
                Ok(())
            },
        )
    }

    fn add(&mut self, confidence: f64, right: bool, weight: f32) {
        let n_bins = self.bins.len();
        if let Some(bin) = self.bins.get_mut(bin_of(confidence, n_bins)) {
            bin.confidence.add_weighted(confidence, weight);
            bin.hits.add(right, weight);
        }
    }

    /// Answers.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.bins.iter().fold(0, |n, bin| n.saturating_add(bin.hits.n()))
    }

    /// The diagram, or why there is none.
    ///
    /// # Errors
    /// Without answers, or when all weights are 0.
    pub fn diagram(&self) -> OrReason<ReliabilityDiagram> {
        let weight = |bin: &Bin| bin.hits.weight();
        let total: f64 = self.bins.iter().map(weight).sum();
        let n_bins = self.bins.len() as f64;
        let show = |(idx, bin): (usize, &Bin)| {
            let (confidence, accuracy) = (bin.confidence.get().ok()?, bin.hits.get().ok()?);
            let (low, high) = (idx as f64 / n_bins, (idx + 1) as f64 / n_bins);
            Some(ReliabilityBin { low, high, confidence, accuracy, n: bin.hits.n(), share: weight(bin) / total })
        };
        let bins: Vec<_> = self.bins.iter().enumerate().filter_map(show).collect();
        if bins.is_empty() {
            return Err(if self.n() == 0 { crate::value::NO_LABEL } else { crate::value::NO_WEIGHT }.to_owned());
        }
        let gap = |bin: &ReliabilityBin| (bin.confidence - bin.accuracy).abs();
        let ece = bins.iter().map(|bin| bin.share * gap(bin)).sum();
        let mce = bins.iter().map(gap).fold(0.0, f64::max);
        Ok(ReliabilityDiagram { bins, ece, mce })
    }
}

/// The bin of a confidence; rounding in the product must not put it on the wrong side of an edge.
fn bin_of(confidence: f64, n_bins: usize) -> usize {
    let n = n_bins as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to the number of bins")]
    let near = (confidence * n).floor().clamp(0.0, n) as usize;
    let near = near + usize::from((near + 1) as f64 / n <= confidence);
    (near - usize::from(near > 0 && near as f64 / n > confidence)).min(n_bins.saturating_sub(1))
}

impl MetricState for CalibrationBins {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.bins.is_empty() {
            return Ok(());
        }
        if self.bins.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        if self.bins.len() != other.bins.len() {
            return Err(format!("{} bins cannot be merged with {}", self.bins.len(), other.bins.len()));
        }
        self.bins.iter_mut().zip(&other.bins).try_for_each(|(bin, theirs)| {
            bin.confidence.merge(&theirs.confidence)?;
            bin.hits.merge(&theirs.hits)
        })
    }

    fn check(&self) -> OrReason<()> {
        if self.bins.len() > MAX_BINS {
            return Err(format!("{} bins are more than {MAX_BINS}", self.bins.len()));
        }
        self.bins.iter().try_for_each(|bin| {
            bin.confidence.check()?;
            bin.hits.check()?;
            if bin.confidence.n() == bin.hits.n() { Ok(()) } else { Err("its counts contradict each other".to_owned()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_belong_to_the_bin_above() {
        for n_bins in [1, 3, 10, 15, 1000] {
            for bin in 0..n_bins {
                assert_eq!(bin_of(bin as f64 / n_bins as f64, n_bins), bin);
                assert_eq!(bin_of((bin as f64 + 0.5) / n_bins as f64, n_bins), bin);
            }
            assert_eq!(bin_of(1.0, n_bins), n_bins - 1);
        }
    }

    #[test]
    fn a_diagram_by_hand() {
        let mut bins = CalibrationBins { bins: vec![Bin::default(); 4] };
        for (confidence, right) in [(0.5, false), (0.75, true), (1.0, true), (0.625, true)] {
            bins.add(confidence, right, 1.0);
        }
        let diagram = bins.diagram().unwrap();
        assert_eq!(diagram.bins.len(), 2);
        assert_eq!((diagram.bins[0].confidence, diagram.bins[0].accuracy, diagram.bins[0].n), (0.5625, 0.5, 2));
        assert_eq!((diagram.ece, diagram.mce), ((0.0625 + 0.125) / 2.0, 0.125));
        assert!(CalibrationBins::default().diagram().is_err());
    }
}
