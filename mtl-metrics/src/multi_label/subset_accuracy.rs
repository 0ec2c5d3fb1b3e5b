//! Subset accuracy, also exact match ratio: how often all labels of a sample are right.
//!
//! ```text
//! value = #{ i : [s_ik says yes] = y_ik for all k } / n
//! ```
//!
//! **Shapes** scores and labels `[b, c]` (yes/no); a row with a missing label is skipped: it has no answer yet. **State** 560
//! bytes. **Weights** yes.
//!
//! **Reference** scikit-learn `accuracy_score` of indicator matrices.
//! **Differs from** nothing known; yes is said above probability 0.5 (logit 0).

use mtl_core::{Result, metric::Direction};

use crate::{fold, input::MetricBatch, mean::ExactMean, metric::Metric, value::MetricValue};

/// Share of rows with all labels right, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubsetAccuracy;

impl Metric for SubsetAccuracy {
    type Batch<'a> = MetricBatch<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "subset-accuracy"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ExactMean, batch: &MetricBatch<'_>) -> Result<()> {
        fold::label_rows(self.name(), batch, state, |mean, known, row| {
            if row.complete {
                let right = known.iter().all(|&(score, yes)| row.says_yes(score) == yes);
                mean.add_weighted(f64::from(u8::from(right)), row.weight);
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
        let mut metric = Streaming::new(SubsetAccuracy);
        metric.update(&Prediction::MultiLabel { scores, kind: Scores::Probs }, &Reference::MultiLabel(truth)).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = found(array![[0.9, 0.1], [0.9, 0.9], [0.1, 0.1]], array![[1.0, 0.0], [1.0, 0.0], [0.0, f32::NAN]]);
        assert_eq!((value.value, value.support), (Some(0.5), 2));
    }
}
