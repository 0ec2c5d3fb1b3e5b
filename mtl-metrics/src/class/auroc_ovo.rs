//! AUROC of all pairs of classes: how well each class is told from each other one, whatever their sizes.
//!
//! ```text
//! A(i | j)   AUROC of the score of class i among the samples of classes i and j
//! auroc-ovo  mean over pairs i < j of ( A(i | j) + A(j | i) ) / 2
//! ```
//!
//! Unlike one-against-the-rest it does not depend on how frequent classes are. Scores are those of
//! [`Auroc`](crate::Auroc): probabilities, or log-softmax of logits. Pairs with a class that never occurs are left out and
//! counted.
//!
//! **Shapes** scores `[b, c]`, labels `[b]`. **State** 4 bytes a score. **Weights** no.
//!
//! **Reference** D. J. Hand, R. J. Till, *A simple generalisation of the area under the ROC curve for multiple class
//! classification problems*, 2001; scikit-learn `roc_auc_score(multi_class="ovo", average="macro")`.
//! **Differs from** scikit-learn, which refuses data in which a class is absent.

use mtl_core::{Error, Result, metric::Direction, prediction::Scores};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::map_each,
    fold,
    input::{MetricBatch, ScoreBatch},
    metric::{Metric, MetricState},
    ranks::PairCounts,
    samples::{Column, rank_scores},
    value::{MetricValue, OrReason},
};

/// The most classes: their pairs are 32,640.
pub const MAX_CLASSES: usize = 256;

/// Mean AUROC over pairs of classes, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AurocOvo;

/// The scores of each class among the samples of each class.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PairSamples {
    n_classes: usize,
    kind: Option<Scores>,
    /// `[true class, scored class]`.
    cells: Vec<Column>,
}

impl PairSamples {
    fn keys(&self, truth: usize, scored: usize) -> &[u32] {
        self.cells.get(truth * self.n_classes + scored).map_or(&[], |column| &column.positives)
    }

    /// Samples.
    fn n(&self) -> u64 {
        let last = self.n_classes.saturating_sub(1);
        (0..self.n_classes).map(|truth| self.keys(truth, last).len() as u64).sum()
    }

    /// The mean AUROC of two classes; of two in all, both directions are the same.
    fn auc(&self, i: usize, j: usize) -> OrReason<f64> {
        let of = |own: usize, other: usize| PairCounts::of_keys(self.keys(own, own), self.keys(other, own)).auc();
        let absent = |_| "a class of the pair never occurs".to_owned();
        if self.n_classes == 2 {
            return of(j, i).map_err(absent);
        }
        Ok((of(i, j).map_err(absent)? + of(j, i).map_err(absent)?) / 2.0)
    }
}

impl MetricState for PairSamples {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.n_classes == 0 {
            return Ok(());
        }
        if self.n_classes == 0 {
            self.clone_from(other);
            return Ok(());
        }
        if self.n_classes != other.n_classes {
            return Err(format!("{} classes cannot be merged with {}", self.n_classes, other.n_classes));
        }
        if self.kind.zip(other.kind).is_some_and(|(ours, theirs)| ours != theirs) {
            return Err("logits cannot be ranked against probabilities".to_owned());
        }
        self.kind = self.kind.or(other.kind);
        self.cells.iter_mut().zip(&other.cells).try_for_each(|(cell, theirs)| cell.merge(theirs))
    }

    fn check(&self) -> OrReason<()> {
        let c = self.n_classes;
        let even = |truth: usize| {
            (0..c).all(|k| {
                let skipped = c == 2 && k == 0;
                self.keys(truth, k).len() == if skipped { 0 } else { self.keys(truth, c - 1).len() }
            })
        };
        let plain = self.cells.iter().all(|cell| cell.negatives.is_empty() && cell.weighted.is_empty());
        if c.checked_mul(c) != Some(self.cells.len()) || !plain || !(0..c).all(even) {
            return Err("its scores contradict each other".to_owned());
        }
        self.cells.iter().try_for_each(MetricState::check)
    }
}

impl Metric for AurocOvo {
    type Batch<'a> = MetricBatch<'a>;
    type State = PairSamples;

    fn name(&self) -> &'static str {
        "auroc-ovo"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        if let ScoreBatch::Class { scores, .. } = batch.scores(self.name())?
            && scores.n_cols() > MAX_CLASSES
        {
            return Err(Error::Shape {
                op: format!("{} of task {}", self.name(), batch.task()),
                tensor: "prediction",
                expected: format!("at most {MAX_CLASSES} classes"),
                found: vec![scores.n_rows() as i64, scores.n_cols() as i64],
            });
        }
        fold::samples(
            self.name(),
            batch,
            state,
            |c| PairSamples { n_classes: c, kind: None, cells: vec![Column::default(); c * c] },
            |state, sample| {
                state.kind = Some(sample.kind);
                let (c, cells) = (state.n_classes, &mut state.cells);
                rank_scores(batch, sample.scores, sample.kind, sample.row, |k, score| {
                    if let Some(cell) = cells.get_mut(sample.class * c + k) {
                        cell.push(score, true, 1.0);
                    }
                })
            },
        )
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        let c = state.n_classes;
        let pairs: Vec<_> = (0..c).flat_map(|i| (i + 1..c).map(move |j| (i, j))).collect();
        let parts = map_each(pairs.len(), |idx| state.auc(pairs[idx].0, pairs[idx].1));
        MetricValue::average(&parts, "pair", state.n())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::array;

    #[test]
    fn by_hand() {
        let scores = array![[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.3, 0.3, 0.4], [0.5, 0.2, 0.3]];
        let prediction = Prediction::Class { scores, kind: Scores::Probs };
        let mut metric = Streaming::new(AurocOvo);
        metric.update(&prediction, &Reference::Class(vec![0, 1, 2, 1])).unwrap();
        // 0-1: 1 and 1/2. 0-2: 1 and 1. 1-2: 1/2 (0.5 over, 0.2 under 0.3) and 1.
        let want = ((1.0 + 0.5) / 2.0 + 1.0 + (0.5 + 1.0) / 2.0) / 3.0;
        assert!((metric.compute().value.unwrap() - want).abs() < 1e-15);
        metric.reset();
        metric.update(&prediction, &Reference::Class(vec![0, 0, 2, 0])).unwrap();
        assert_eq!((metric.compute().parts, metric.compute().left_out, metric.compute().support), (3, 2, 4));
    }

    #[test]
    fn two_classes_are_one_pair() {
        let prediction = Prediction::Class { scores: array![[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]], kind: Scores::Probs };
        let mut metric = Streaming::new(AurocOvo);
        metric.update(&prediction, &Reference::Class(vec![0, 1, 1])).unwrap();
        assert_eq!((metric.compute().value, metric.compute().parts), (Some(1.0), 1));
    }
}
