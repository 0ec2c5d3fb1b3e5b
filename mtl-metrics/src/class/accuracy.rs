//! Accuracy: the share of labels that were said right.
//!
//! ```text
//! class scores    accuracy = #{ i : argmax_k s_ik = y_i } / n            n = samples with a label
//! yes/no scores   accuracy = #{ (i, k) : [s_ik says yes] = y_ik } / n    n = known entries
//! ```
//!
//! Among equal scores the first class wins; a yes/no score says yes above probability 0.5 (logit 0).
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** two counts.
//!
//! **Reference** scikit-learn `accuracy_score`; for several yes/no labels `1 - hamming_loss`.
//! **Differs from** scikit-learn for several labels (its `accuracy_score` asks for the whole row to be right, which has
//! no meaning with missing labels); torchmetrics `MultilabelAccuracy` averages over labels first, which is the same
//! unless labels are missing. Without any label the value is undefined, not 0.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    input::{MetricBatch, ScoreBatch, by_chunks},
    metric::{Metric, MetricState, add_counts, refused},
    value::{MetricValue, OrReason},
};

/// Share of labels that were said right, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accuracy;

/// Hits among known labels.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hits {
    /// `[right, all]`.
    counts: [u64; 2],
}

impl MetricState for Hits {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        add_counts(&mut self.counts, &other.counts)
    }

    fn check(&self) -> OrReason<()> {
        let [right, all] = self.counts;
        if right <= all { Ok(()) } else { Err(format!("{right} hits among {all}")) }
    }
}

impl Metric for Accuracy {
    type Batch<'a> = MetricBatch<'a>;
    type State = Hits;

    fn name(&self) -> &'static str {
        "accuracy"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Hits, batch: &MetricBatch<'_>) -> Result<()> {
        let part: Hits = match batch.scores(self.name())? {
            ScoreBatch::Class { scores, kind, labels } => by_chunks(scores.n_rows(), 0, |range| {
                let mut counts = [0, 0];
                for (row, scores_row) in range.clone().zip(scores.rows(range)) {
                    if let Some(class) = batch.class(labels[row], scores.n_cols(), row)? {
                        counts[0] += u64::from(batch.top_class(scores_row, kind, row)? == class);
                        counts[1] += 1;
                    }
                }
                Ok(Hits { counts })
            }),
            ScoreBatch::MultiLabel { scores, kind, labels } => by_chunks(scores.n_rows(), 0, |range| {
                let mut counts = [0, 0];
                for ((row, said), truth) in range.clone().zip(scores.rows(range.clone())).zip(labels.rows(range)) {
                    for (&score, &label) in said.iter().zip(truth) {
                        if let Some(yes) = batch.yes_no(label, row)? {
                            counts[0] += u64::from(batch.says_yes(score, kind, row)? == yes);
                            counts[1] += 1;
                        }
                    }
                }
                Ok(Hits { counts })
            }),
        }?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Hits) -> MetricValue {
        let [right, all] = state.counts;
        MetricValue::ratio(right as f64, all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::{
        batch::MISSING_CLASS,
        prediction::{Prediction, Reference, Scores},
    };
    use ndarray::array;

    #[test]
    fn by_hand() {
        let mut metric = Streaming::new(Accuracy);
        let scores = array![[2.0, 1.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 2.0], [f32::NAN, 0.0, 0.0]];
        let prediction = Prediction::Class { scores, kind: Scores::Logits };
        // A tie goes to the first class; the row without a label may hold anything.
        metric.update(&prediction, &Reference::Class(vec![0, 1, 2, MISSING_CLASS])).unwrap();
        assert_eq!(metric.compute(), MetricValue::ratio(2.0, 3));
        let e = metric.update(&prediction, &Reference::Class(vec![0, 0, 0, 0])).unwrap_err().to_string();
        assert_eq!(e, "task (unnamed): score must be a number, found NaN (sample 3)");
        assert_eq!(metric.compute().support, 3, "a failed update changes nothing");
    }

    #[test]
    fn the_kind_of_score_decides_the_threshold() {
        let scores = array![[0.3, 0.7]];
        let truth = Reference::MultiLabel(array![[1.0, 1.0]]);
        let value = |kind| {
            let prediction = Prediction::MultiLabel { scores: scores.clone(), kind };
            crate::evaluate(mtl_core::metric::MetricId::Accuracy, &prediction, &truth).unwrap().value
        };
        assert_eq!((value(Scores::Logits), value(Scores::Probs)), (Some(1.0), Some(0.5)));
    }
}
