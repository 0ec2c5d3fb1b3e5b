//! Gini coefficient of a ranking, also accuracy ratio or Somers' D: AUROC stretched to `[-1, 1]`.
//!
//! ```text
//! Gini = 2 AUROC - 1
//! ```
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no); what is ranked is that of [`Auroc`](super::Auroc),
//! averaged over classes or labels. **State** 4 bytes a score. **Weights** yes.
//!
//! **Reference** scipy `somersd(labels, scores)`; scikit-learn `2 roc_auc_score - 1`.
//! **Differs from** nothing known; not to be confused with the Gini impurity of trees.

use mtl_core::{Result, metric::Direction};

use crate::{input::MetricBatch, metric::Metric, samples::ScoreSamples, value::MetricValue};

/// Twice the AUROC less 1, `[-1, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gini;

impl Metric for Gini {
    type Batch<'a> = MetricBatch<'a>;
    type State = ScoreSamples;

    fn name(&self) -> &'static str {
        "gini"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(self.name(), batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(|column| column.auc().map(|auc| 2.0 * auc - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    #[test]
    fn by_hand() {
        let prediction = Prediction::MultiLabel { scores: array![[0.9], [0.6], [0.7], [0.1]], kind: Scores::Probs };
        let mut metric = Streaming::new(Gini);
        metric.update(&prediction, &Reference::MultiLabel(array![[1.0], [1.0], [0.0], [0.0]])).unwrap();
        assert_eq!(metric.compute().value, Some(0.5));
    }
}
