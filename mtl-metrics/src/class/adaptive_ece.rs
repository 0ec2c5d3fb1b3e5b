//! Adaptive calibration error: the gap between confidence and accuracy over bins that hold about equally many answers.
//!
//! ```text
//! edges      quantiles 0, 1/m, .., 1 of the confidences, interpolated        a bin is open below and closed above
//! adaptive   sum_j n_j / n |conf_j - acc_j|
//! ```
//!
//! Confident models put most answers into the last of bins of equal width; here every bin counts. Confidences are those
//! of [`calibration`](super::calibration), as `f32`; equal confidences are never torn apart.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** 4 bytes an answer. **Weights** no.
//!
//! **Reference** J. Nixon et al., *Measuring calibration in deep learning*, 2019; the bins are those of scikit-learn
//! `calibration_curve(strategy="quantile")`.
//! **Differs from** Nixon et al., who bin every class and average; from numpy's percentiles in rounding. A quantile
//! that falls on a confidence is that confidence, which belongs to the bin below. numpy comes to lie a last digit
//! beside it for some of the quantiles, and there moves one answer to the bin above: neighboring bins then differ by
//! two answers where equal content is the point. Edges raised by `1e-12` give our value there
//! (`tests/golden/make_class.py`).

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    class::calibration::MAX_BINS,
    fold,
    input::MetricBatch,
    metric::Metric,
    probability::{ClassProbs, yes_prob},
    ranks::{radix_sorted, score},
    samples::Column,
    value::{MetricValue, NO_LABEL, OrReason},
};

/// Calibration error over bins of equal content, `[0, 1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdaptiveEce {
    n_bins: usize,
    name: String,
}

impl AdaptiveEce {
    /// The error over so many bins, 1 to [`MAX_BINS`]. The default are 15, called `adaptive-ece`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another number.
    pub fn new(n_bins: usize) -> Result<Self> {
        if n_bins == 0 || n_bins > MAX_BINS {
            let expected = format!("in 1..={MAX_BINS}");
            return Err(Error::InvalidConfig {
                what: "adaptive-ece",
                field: "n_bins",
                expected,
                found: n_bins.to_string(),
            });
        }
        let name = if n_bins == 15 { "adaptive-ece".to_owned() } else { format!("adaptive-ece@bins={n_bins}") };
        Ok(Self { n_bins, name })
    }
}

impl Default for AdaptiveEce {
    fn default() -> Self {
        Self { n_bins: 15, name: "adaptive-ece".to_owned() }
    }
}

impl Metric for AdaptiveEce {
    type Batch<'a> = MetricBatch<'a>;
    type State = Column;

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
        batch.scores(&self.name)?;
        #[expect(clippy::cast_possible_truncation, reason = "confidences are kept as f32")]
        fold::scores(
            &self.name,
            batch,
            state,
            |_| Column::default(),
            |answers, sample| {
                let (top, confidence) = ClassProbs::of(batch, sample)?.top();
                answers.push(confidence as f32, top == sample.class, 1.0);
                Ok(())
            },
            |answers, entry| {
                answers.push(yes_prob(batch, entry)? as f32, entry.yes, 1.0);
                Ok(())
            },
        )
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        MetricValue::of(error(state, self.n_bins), state.len() as u64)
    }
}

/// The error of right (positive) and wrong answers.
fn error(answers: &Column, n_bins: usize) -> OrReason<f64> {
    let right = radix_sorted(&answers.positives);
    let all = radix_sorted(&[answers.positives.as_slice(), &answers.negatives].concat());
    let Some(last) = all.len().checked_sub(1) else { return Err(NO_LABEL.to_owned()) };
    let confidence = |idx: usize| all.get(idx).map_or(1.0, |&key| f64::from(score(key)));
    let (mut from, mut from_right, mut gaps) = (0, 0, 0.0);
    for bin in 1..=n_bins {
        // Quantile bin / n_bins of the confidences, between two of them when it falls there.
        let (at, rest) = (last * bin / n_bins, last * bin % n_bins);
        let (low, high) = (confidence(at), confidence(at + usize::from(rest > 0)));
        let edge = if bin == n_bins { f64::INFINITY } else { low + (high - low) * rest as f64 / n_bins as f64 };
        let below = |keys: &[u32]| keys.partition_point(|&key| f64::from(score(key)) <= edge);
        let (to, to_right) = (below(&all), below(&right));
        let confidences: f64 = all.get(from..to).unwrap_or_default().iter().map(|&key| f64::from(score(key))).sum();
        gaps += (confidences - (to_right - from_right) as f64).abs();
        (from, from_right) = (to, to_right);
    }
    Ok((gaps / all.len() as f64).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    #[test]
    fn by_hand() {
        let mut metric = Streaming::new(AdaptiveEce::new(2).unwrap());
        let prediction = Prediction::MultiLabel { scores: array![[0.25], [0.5], [0.75], [1.0]], kind: Scores::Probs };
        metric.update(&prediction, &Reference::MultiLabel(array![[0.0], [1.0], [1.0], [1.0]])).unwrap();
        // Halves at 0.625: confidences 0.375 with half right, 0.875 with all right.
        assert_eq!(metric.compute().value, Some((0.125 + 0.125) / 2.0));
        assert_eq!(metric.name(), "adaptive-ece@bins=2");
        assert!(AdaptiveEce::new(0).is_err());
    }
}
