//! Expected calibration error: the mean gap between confidence and accuracy over bins of confidence.
//!
//! ```text
//! ECE = sum_j n_j / n |conf_j - acc_j|
//! ```
//!
//! Bins, confidences and their source are those of [`calibration`](super::calibration). The value depends on the number of bins; compare equal ones.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** 1.7 kB a bin at most. **Weights** yes.
//!
//! **Reference** M. P. Naeini et al., *Obtaining well calibrated probabilities using Bayesian binning*, AAAI 2015; torchmetrics
//! `CalibrationError(norm="l1")`.
//! **Differs from** torchmetrics for a confidence of exactly 1, see there.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    class::calibration::{CalibrationBins, MAX_BINS, ReliabilityDiagram},
    input::MetricBatch,
    metric::{Metric, Streaming},
    value::{MetricValue, OrReason},
};

/// Expected calibration error, `[0, 1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ece {
    n_bins: usize,
    name: String,
}

impl Ece {
    /// The error over so many bins of equal width, 1 to [`MAX_BINS`]. The default are 15, called `ece`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another number.
    pub fn new(n_bins: usize) -> Result<Self> {
        if n_bins == 0 || n_bins > MAX_BINS {
            let expected = format!("in 1..={MAX_BINS}");
            return Err(Error::InvalidConfig { what: "ece", field: "n_bins", expected, found: n_bins.to_string() });
        }
        let name = if n_bins == Self::default().n_bins { "ece".to_owned() } else { format!("ece@bins={n_bins}") };
        Ok(Self { n_bins, name })
    }
}

impl Default for Ece {
    fn default() -> Self {
        Self { n_bins: 15, name: "ece".to_owned() }
    }
}

impl Metric for Ece {
    type Batch<'a> = MetricBatch<'a>;
    type State = CalibrationBins;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(&self.name, self.n_bins, batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        MetricValue::of(state.diagram().map(|diagram| diagram.ece), state.n())
    }
}

impl Streaming<Ece> {
    /// Confidence against accuracy by bin.
    ///
    /// # Errors
    /// The reason, when nothing is known.
    pub fn diagram(&self) -> OrReason<ReliabilityDiagram> {
        self.remembered().diagram()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AnyMetric;
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    #[test]
    fn by_hand() {
        // Bins of 0.25: 0.625 right, 0.5 wrong | 0.875 right.
        let scores = array![[0.625, 0.375], [0.5, 0.5], [0.125, 0.875]];
        let mut metric = Streaming::new(Ece::new(4).unwrap());
        metric.update(&Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(vec![0, 1, 1])).unwrap();
        let want = (2.0 * 0.0625 + 0.125) / 3.0;
        assert!((metric.compute().value.unwrap() - want).abs() < 1e-15);
        assert_eq!((metric.name(), Ece::new(15).unwrap()), ("ece@bins=4", Ece::default()));
        assert!(Ece::new(0).is_err() && Ece::new(MAX_BINS + 1).is_err());
    }
}
