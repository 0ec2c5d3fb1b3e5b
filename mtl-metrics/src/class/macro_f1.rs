//! Macro-F1: the mean over classes of the F1 score, every class counting the same, however rare.
//!
//! ```text
//! F1_k  = 2 tp_k / (said_k + true_k)        said_k: times class k was predicted, true_k: times it was the label
//! macro = mean of F1_k over the classes with said_k + true_k > 0
//! ```
//!
//! Several yes/no labels: `F1_k` is that of "yes" for label `k`. A single yes/no label is a task of two classes, and
//! the mean is over "no" and "yes".
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** the three counts per class, read off
//! the confusion matrix as it would be made (diagonal, column sums, row sums): `24 c` bytes instead of `8 c^2`.
//!
//! **Reference** scikit-learn `f1_score(average="macro")`, whose labels are those that occur in truth or prediction.
//! **Differs from** scikit-learn for several yes/no labels when a label neither occurs nor is predicted: it counts as 0
//! there (with a warning), here it is left out and counted in `left_out` (its `zero_division=nan`).

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    input::{MetricBatch, ScoreBatch, by_chunks},
    metric::{Metric, MetricState, add_counts, refused},
    value::{MetricValue, OrReason},
};

/// Mean over classes of the F1 score, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MacroF1;

/// Counts per class: the diagonal and the margins of the confusion matrix.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClassCounts {
    layout: Option<Layout>,
    /// Known labels: samples, or entries for yes/no labels.
    known: u64,
    hits: Vec<u64>,
    predicted: Vec<u64>,
    actual: Vec<u64>,
}

/// Which of the two readings the counts have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Layout {
    Classes,
    YesNo,
}

impl ClassCounts {
    fn zeros(layout: Layout, c: usize) -> Self {
        let zeros = || vec![0; c];
        Self { layout: Some(layout), known: 0, hits: zeros(), predicted: zeros(), actual: zeros() }
    }

    /// F1 of each class, or why it has none.
    fn f1(&self) -> Vec<OrReason<f64>> {
        let f1 = |hits: u64, margins: u64| {
            let absent = || "neither true nor predicted".to_owned();
            if margins == 0 { Err(absent()) } else { Ok(2.0 * hits as f64 / margins as f64) }
        };
        let margins = |class: usize| self.predicted[class] + self.actual[class];
        let yes = (0..self.hits.len()).map(|class| f1(self.hits[class], margins(class)));
        if self.layout == Some(Layout::YesNo) && self.hits.len() == 1 {
            let no_hits = self.known + self.hits[0] - margins(0);
            return std::iter::once(f1(no_hits, 2 * self.known - margins(0))).chain(yes).collect();
        }
        yes.collect()
    }
}

impl MetricState for ClassCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.layout.is_none() {
            return Ok(());
        }
        if self.layout.is_none() {
            self.clone_from(other);
            return Ok(());
        }
        if self.layout != other.layout {
            return Err("class labels cannot be merged with yes/no labels".into());
        }
        // Every other count is at most `known`, so once this one has room, none of them can fail after it.
        if self.hits.len() == other.hits.len() {
            let known = self.known.checked_add(other.known).filter(|&known| known <= u64::MAX / 2);
            self.known = known.ok_or("a count is beyond 63 bits")?;
        }
        add_counts(&mut self.hits, &other.hits)?;
        add_counts(&mut self.predicted, &other.predicted)?;
        add_counts(&mut self.actual, &other.actual)
    }

    fn check(&self) -> OrReason<()> {
        let c = self.hits.len();
        let bounded = |class: usize| {
            let (hits, said, truth) = (self.hits[class], self.predicted[class], self.actual[class]);
            hits <= said.min(truth) && said <= self.known && truth <= self.known && said - hits <= self.known - truth
        };
        let same = self.predicted.len() == c && self.actual.len() == c && self.layout.is_some() == (c > 0);
        if same && self.known <= u64::MAX / 2 && (0..c).all(bounded) {
            return Ok(());
        }
        Err("its counts contradict each other".into())
    }
}

impl Metric for MacroF1 {
    type Batch<'a> = MetricBatch<'a>;
    type State = ClassCounts;

    fn name(&self) -> &'static str {
        "macro-f1"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ClassCounts, batch: &MetricBatch<'_>) -> Result<()> {
        let part: ClassCounts = match batch.scores(self.name())? {
            ScoreBatch::Class { scores, kind, labels } => {
                let c = scores.n_cols();
                by_chunks(scores.n_rows(), 4 * c, |range| {
                    let mut counts = ClassCounts::zeros(Layout::Classes, c);
                    for (row, scores_row) in range.clone().zip(scores.rows(range)) {
                        if let Some(class) = batch.class(labels[row], c, row)? {
                            let said = batch.top_class(scores_row, kind, row)?;
                            counts.known += 1;
                            counts.hits[class] += u64::from(said == class);
                            counts.predicted[said] += 1;
                            counts.actual[class] += 1;
                        }
                    }
                    Ok(counts)
                })
            }
            ScoreBatch::MultiLabel { scores, kind, labels } => by_chunks(scores.n_rows(), 0, |range| {
                let mut counts = ClassCounts::zeros(Layout::YesNo, scores.n_cols());
                for ((row, said), truth) in range.clone().zip(scores.rows(range.clone())).zip(labels.rows(range)) {
                    for (label_idx, (&score, &label)) in said.iter().zip(truth).enumerate() {
                        if let Some(yes) = batch.yes_no(label, row)? {
                            let said_yes = batch.says_yes(score, kind, row)?;
                            counts.known += 1;
                            counts.hits[label_idx] += u64::from(yes && said_yes);
                            counts.predicted[label_idx] += u64::from(said_yes);
                            counts.actual[label_idx] += u64::from(yes);
                        }
                    }
                }
                Ok(counts)
            }),
        }?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ClassCounts) -> MetricValue {
        MetricValue::average(&state.f1(), "class", state.known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate;
    use mtl_core::{
        metric::MetricId,
        prediction::{Prediction, Reference, Scores},
    };
    use ndarray::array;

    #[test]
    fn by_hand_and_absent_classes_are_left_out() {
        let scores = array![[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let prediction = Prediction::Class { scores, kind: Scores::Probs };
        let value = evaluate(MetricId::MacroF1, &prediction, &Reference::Class(vec![0, 1, 1])).unwrap();
        // Class 0: 2*1/(2+1), class 1: 2*1/(1+2), class 2 neither occurs nor is predicted.
        assert!((value.value.unwrap() - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!((value.parts, value.left_out, value.support), (3, 1, 3));
    }

    #[test]
    fn one_yes_no_label_averages_no_and_yes() {
        let prediction = Prediction::MultiLabel { scores: array![[0.9], [0.8], [0.3]], kind: Scores::Probs };
        let value = evaluate(MetricId::MacroF1, &prediction, &Reference::MultiLabel(array![[1.0], [0.0], [0.0]]));
        let value = value.unwrap();
        assert!((value.value.unwrap() - (2.0 / 3.0 + 2.0 / 3.0) / 2.0).abs() < 1e-15);
        assert_eq!(value.parts, 2);
    }

    #[test]
    fn contradicting_counts_are_refused() {
        let mut counts = ClassCounts::zeros(Layout::YesNo, 1);
        counts.known = 3;
        counts.predicted[0] = 2;
        assert!(counts.check().is_ok());
        counts.hits[0] = 1;
        assert!(counts.check().is_err());
    }
}
