//! Off-by-one accuracy, also adjacent agreement: how often the answer is right or the neighboring grade.
//!
//! ```text
//! value = #{ i : |y_i - argmax_k s_ik| <= 1 } / n
//! ```
//!
//! **Shapes** scores `[b, c]`, labels `[b]`, classes in the order of the grades; or one yes/no label. **State**
//! [`ConfusionMatrix`], `8 c^2` bytes. **Weights** yes.
//!
//! **Reference** scikit-learn `accuracy_score(abs(y - argmax) <= 1, ones)`.
//! **Differs from** nothing known.

use mtl_core::{Result, metric::Direction};

use crate::{class::ConfusionMatrix, input::MetricBatch, metric::Metric, value::MetricValue};

/// Share of answers at most one grade off, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OffByOne;

impl Metric for OffByOne {
    type Batch<'a> = MetricBatch<'a>;
    type State = ConfusionMatrix;

    fn name(&self) -> &'static str {
        "off-by-one"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ConfusionMatrix, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_for(self.name(), batch)
    }

    fn compute(&self, state: &ConfusionMatrix) -> MetricValue {
        let weights = state.weights();
        let near: f64 = weights.indexed_iter().filter(|((t, p), _)| t.abs_diff(*p) <= 1).map(|(_, n)| n).sum();
        MetricValue::share(near, weights.sum(), state.total())
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
        let mut metric = Streaming::new(OffByOne);
        metric.update(&Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(truth.to_vec())).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        assert_eq!(found(&[0, 1, 3], &[0, 2, 0]).value, Some(2.0 / 3.0));
    }
}
