//! One-error: how often the label with the highest score is not a true one.
//!
//! ```text
//! value = #{ i : y_ik = 0 for k = argmax s_ik } / n        the first among equal scores
//! ```
//!
//! A sample without a true label is always wrong.
//!
//! **Shapes** scores and labels `[b, c]` (yes/no); of a row only known labels count, a row without any is skipped.
//! **State** 560 bytes. **Weights** yes.
//!
//! **Reference** R. E. Schapire, Y. Singer, *BoosTexter*, 2000; 1 minus scikit-learn's precision of the top label.
//! **Differs from** nothing known.

use mtl_core::{Result, metric::Direction};

use crate::{fold, input::MetricBatch, mean::ExactMean, metric::Metric, value::MetricValue};

/// Share of samples whose top label is false, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OneError;

impl Metric for OneError {
    type Batch<'a> = MetricBatch<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "one-error"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ExactMean, batch: &MetricBatch<'_>) -> Result<()> {
        fold::label_rows(self.name(), batch, state, |mean, known, row| {
            let top = |best: (f32, bool), &(score, yes): &(f32, bool)| if score > best.0 { (score, yes) } else { best };
            let first = known.first().copied().unwrap_or((f32::NEG_INFINITY, false));
            let (_, right) = known.iter().fold(first, top);
            mean.add_weighted(f64::from(u8::from(!right)), row.weight);
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
        let mut metric = Streaming::new(OneError);
        metric.update(&Prediction::MultiLabel { scores, kind: Scores::Probs }, &Reference::MultiLabel(truth)).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = found(array![[0.9, 0.5], [0.5, 0.5], [0.1, 0.3]], array![[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]);
        assert_eq!(value.value, Some(1.0 / 3.0));
    }
}
