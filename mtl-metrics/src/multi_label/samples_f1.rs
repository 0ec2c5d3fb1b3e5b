//! Samples-F1: the F1 score of each sample's set of labels, averaged over samples.
//!
//! ```text
//! value = 1/n sum_i 2 |Y_i and S_i| / (|Y_i| + |S_i|)        Y: labels that are yes, S: labels said to be
//! ```
//!
//! A sample with neither is skipped: there was nothing to find, and nothing was said.
//!
//! **Shapes** scores and labels `[b, c]` (yes/no); of a row only known labels count, a row without any is skipped.
//! **State** 560 bytes. **Weights** yes.
//!
//! **Reference** scikit-learn `f1_score(average="samples", zero_division=nan)`.
//! **Differs from** its default, which counts a sample with neither as 0.

use mtl_core::{Result, metric::Direction};

use crate::{fold, input::MetricBatch, mean::ExactMean, metric::Metric, value::MetricValue};

/// Mean F1 score of the label sets of samples, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SamplesF1;

impl Metric for SamplesF1 {
    type Batch<'a> = MetricBatch<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "samples-f1"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ExactMean, batch: &MetricBatch<'_>) -> Result<()> {
        fold::label_rows(self.name(), batch, state, |mean, known, row| {
            let (mut hits, mut both) = (0_u32, 0_u32);
            for &(score, yes) in known {
                let said = row.says_yes(score);
                hits += u32::from(yes && said);
                both += u32::from(yes) + u32::from(said);
            }
            if both > 0 {
                mean.add_weighted(2.0 * f64::from(hits) / f64::from(both), row.weight);
            }
            Ok(())
        })
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    fn found(scores: ndarray::Array2<f32>, truth: ndarray::Array2<f32>) -> MetricValue {
        let mut metric = Streaming::new(SamplesF1);
        metric.update(&Prediction::MultiLabel { scores, kind: Scores::Probs }, &Reference::MultiLabel(truth)).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = found(array![[0.9, 0.9], [0.1, 0.1], [0.1, 0.1]], array![[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]);
        assert_eq!((value.value, value.support), (Some((2.0 / 3.0) / 2.0), 2));
    }
}
