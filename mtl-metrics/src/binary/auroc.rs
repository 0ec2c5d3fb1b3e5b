//! AUROC, the area under the ROC curve: how often a positive ranks above a negative. Exact.
//!
//! ```text
//! AUROC = ( #{(p, n) : s_p > s_n} + 1/2 #{(p, n) : s_p = s_n} ) / (P N)
//! ```
//!
//! counted in integers by [`PairCounts`](crate::ranks::PairCounts), divided once at the end. What is ranked:
//!
//! | prediction | score | value |
//! |---|---|---|
//! | two classes | probability of class 1; from logits `z_1 - z_0` | one AUROC |
//! | more classes | probability of class k; from logits its log-softmax | mean over classes, one against the rest |
//! | yes/no labels | as given | mean over labels |
//!
//! Classes or labels without a positive or without a negative are left out of the mean, and counted.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** 4 bytes a score, 12 of another weight
//! than 1.
//! **Complexity** `O(n)`, see [`crate::ranks`].
//!
//! **Reference** scikit-learn `roc_auc_score(average="macro", multi_class="ovr")`.
//! **Differs from** scikit-learn, which warns and gives NaN when a class is absent; from torchmetrics, which sums in
//! `f32` (wrong by 1e-7, by another 1e-7 with another thread count) and guesses logits or probabilities from each batch's
//! range. Scores are ranked as `f32`: two probabilities closer than that are a tie.

use mtl_core::{Result, metric::Direction};

use crate::{
    binary::RocCurve,
    input::MetricBatch,
    metric::{Metric, Streaming},
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// Area under the ROC curve, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Auroc;

impl Metric for Auroc {
    type Batch<'a> = MetricBatch<'a>;
    type State = ScoreSamples;
    const STATE_VERSION: u16 = 2;

    fn name(&self) -> &'static str {
        "auroc"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ScoreSamples, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(self.name(), batch)
    }

    fn compute(&self, state: &ScoreSamples) -> MetricValue {
        state.average(Column::auc)
    }
}

impl Streaming<Auroc> {
    /// The ROC curve of each class or label (one for two classes), of at most `n_points` points, or why it has none.
    #[must_use]
    pub fn roc_curves(&self, n_points: usize) -> Vec<OrReason<RocCurve>> {
        self.remembered().columns().iter().map(|column| RocCurve::new(column, n_points)).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::{MetricValue, evaluate};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::{Array2, array};

    fn class(scores: Array2<f32>, kind: Scores, labels: Vec<i64>) -> MetricValue {
        evaluate("auroc", &Prediction::Class { scores, kind }, &Reference::Class(labels)).unwrap()
    }

    #[test]
    fn two_classes_by_hand() {
        // Scores of class 1: 0.8 (yes), 0.5 (yes), 0.5 (no), 0.1 (no): 3.5 of 4 pairs.
        let probs = array![[0.2, 0.8], [0.5, 0.5], [0.5, 0.5], [0.9, 0.1]];
        let value = class(probs.clone(), Scores::Probs, vec![1, 1, 0, 0]);
        assert_eq!((value.value, value.support, value.parts), (Some(0.875), 4, 1));
        let logits = probs.mapv(|p: f32| p.ln() + 3.0);
        assert_eq!(class(logits, Scores::Logits, vec![1, 1, 0, 0]).value, Some(0.875));
        let undefined = class(probs, Scores::Probs, vec![1, 1, 1, -100]);
        assert_eq!((undefined.get(), undefined.support), (Err("no negative sample"), 3));
    }

    #[test]
    fn more_classes_are_one_against_the_rest() {
        let logits = array![[2.0, 0.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0], [0.0, 1.0, 2.0, 0.0], [3.0, 0.0, 1.0, 0.0]];
        let value = class(logits.clone(), Scores::Logits, vec![0, 1, 2, 2]);
        // Class 0: one positive, with the most certain of three negatives above it. Classes 1 and 2 separate, class 3 never occurs.
        let want = (2.0 / 3.0 + 1.0 + 1.0) / 3.0;
        assert!((value.value.unwrap() - want).abs() < 1e-15, "{value:?}");
        assert_eq!((value.parts, value.left_out, value.support), (4, 1, 4));
        let shifted = logits + array![[100.0], [-5.0], [0.0], [2.0]];
        assert_eq!(class(shifted, Scores::Logits, vec![0, 1, 2, 2]), value);
    }

    #[test]
    fn labels_are_averaged_where_defined() {
        let prediction = Prediction::MultiLabel { scores: array![[0.9, 0.1], [0.1, 0.2]], kind: Scores::Probs };
        let value = |truth| evaluate("auroc", &prediction, &Reference::MultiLabel(truth)).unwrap();
        let found = value(array![[1.0, 1.0], [0.0, f32::NAN]]);
        assert_eq!((found.value, found.left_out, found.support), (Some(1.0), 1, 3));
        let found = value(array![[1.0, 0.0], [1.0, 0.0]]);
        assert_eq!(found.get(), Err("not defined for any of 2 parts; label 0: no negative sample"));
    }
}
