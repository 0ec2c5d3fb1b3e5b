//! Coverage error: how many labels one has to take from the top of the ranking to have all true ones.
//!
//! ```text
//! value = 1/n sum_i #{ k : s_ik >= min { s_ij : y_ij = 1 } }        0 for a sample without a true label
//! ```
//!
//! The least possible value is the mean number of true labels.
//!
//! **Shapes** scores and labels `[b, c]` (yes/no); of a row only known labels count, a row without any is skipped.
//! **State** 560 bytes. **Weights** yes.
//!
//! **Reference** scikit-learn `coverage_error`.
//! **Differs from** G. Tsoumakas et al., *Mining multi-label data*, 2010, by 1, as scikit-learn does.

use mtl_core::{Result, metric::Direction};

use crate::{fold, input::MetricBatch, mean::ExactMean, metric::Metric, value::MetricValue};

/// How far down the ranking all true labels are, `[0, c]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CoverageError;

impl Metric for CoverageError {
    type Batch<'a> = MetricBatch<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "coverage-error"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, batch: &MetricBatch<'_>) -> Result<()> {
        fold::label_rows(self.name(), batch, state, |mean, known, row| {
            let lowest = known.iter().filter(|label| label.1).map(|label| label.0).fold(f32::INFINITY, f32::min);
            let any = known.iter().any(|label| label.1);
            let depth = known.iter().filter(|label| any && label.0 >= lowest).count();
            mean.add_weighted(depth as f64, row.weight);
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
        let mut metric = Streaming::new(CoverageError);
        metric.update(&Prediction::MultiLabel { scores, kind: Scores::Probs }, &Reference::MultiLabel(truth)).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = found(array![[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]], array![[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]);
        assert_eq!((value.value, value.support), (Some(1.0), 2));
    }
}
