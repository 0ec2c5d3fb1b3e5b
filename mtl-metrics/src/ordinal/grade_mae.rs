//! Mean absolute error in grades: how many grades the answer is off, on average.
//!
//! ```text
//! value = sum_tp n_tp |t - p| / n
//! ```
//!
//! **Shapes** scores `[b, c]`, labels `[b]`, classes in the order of the grades; or one yes/no label. **State**
//! [`ConfusionMatrix`], `8 c^2` bytes. **Weights** yes.
//!
//! **Reference** scikit-learn `mean_absolute_error(y, argmax)`.
//! **Differs from** nothing known.

use mtl_core::{Result, metric::Direction};

use crate::{class::ConfusionMatrix, input::MetricBatch, metric::Metric, value::MetricValue};

/// Mean distance of the grade said from the true one, in grades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GradeMae;

impl Metric for GradeMae {
    type Batch<'a> = MetricBatch<'a>;
    type State = ConfusionMatrix;

    fn name(&self) -> &'static str {
        "grade-mae"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ConfusionMatrix, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_for(self.name(), batch)
    }

    fn compute(&self, state: &ConfusionMatrix) -> MetricValue {
        let weights = state.weights();
        let apart: f64 = weights.indexed_iter().map(|((t, p), n)| n * t.abs_diff(p) as f64).sum();
        MetricValue::share(apart, weights.sum(), state.total())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::Array2;

    fn found(said: &[usize], truth: &[i64]) -> MetricValue {
        let scores = Array2::from_shape_fn((said.len(), 4), |(row, k)| f32::from(u8::from(said[row] == k)));
        let mut metric = Streaming::new(GradeMae);
        metric.update(&Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(truth.to_vec())).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        assert_eq!(found(&[0, 1, 3], &[0, 2, 0]).value, Some(4.0 / 3.0));
    }
}
