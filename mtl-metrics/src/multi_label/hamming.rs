//! Hamming loss: the share of labels said wrong, over all known labels of all samples.
//!
//! ```text
//! value = #{ (i, k) : [s_ik says yes] != y_ik } / #known        = 1 - accuracy
//! ```
//!
//! **Shapes** scores and labels `[b, c]` (yes/no), or class scores `[b, c]` with labels `[b]`. **State** 32 bytes. **Weights**
//! yes.
//!
//! **Reference** scikit-learn `hamming_loss`.
//! **Differs from** nothing known; yes is said above probability 0.5 (logit 0).

use mtl_core::{Result, metric::Direction};

use crate::{
    class::accuracy::{Accuracy, Hits},
    input::MetricBatch,
    metric::Metric,
    value::MetricValue,
};

/// Share of labels said wrong, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HammingLoss;

impl Metric for HammingLoss {
    type Batch<'a> = MetricBatch<'a>;
    type State = Hits;

    fn name(&self) -> &'static str {
        "hamming-loss"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Hits, batch: &MetricBatch<'_>) -> Result<()> {
        Accuracy.update_for(self.name(), state, batch)
    }

    fn compute(&self, state: &Hits) -> MetricValue {
        let mut found = state.value();
        found.value = found.value.map(|right| 1.0 - right);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    fn found(scores: ndarray::Array2<f32>, truth: ndarray::Array2<f32>) -> MetricValue {
        let mut metric = Streaming::new(HammingLoss);
        metric.update(&Prediction::MultiLabel { scores, kind: Scores::Probs }, &Reference::MultiLabel(truth)).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = found(array![[0.9, 0.9], [0.1, 0.1]], array![[1.0, 0.0], [f32::NAN, 0.0]]);
        assert_eq!((value.value, value.support), (Some(1.0 - 2.0 / 3.0), 3));
    }
}
