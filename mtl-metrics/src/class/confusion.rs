//! The confusion matrix: how often each class was taken for each other.
//!
//! ```text
//! counts[t, p] = #{ i : y_i = t, argmax_k s_ik = p }        row = truth, column = prediction
//! ```
//!
//! **Shapes** scores `[b, c]`, labels `[b]`; the matrix `[c, c]` of `u64`. **State** `8 c^2` bytes. **Weights** yes.
//!
//! **Reference** scikit-learn `confusion_matrix(y, argmax, labels=range(c))`, same orientation.
//! **Differs from** nothing known; a yes/no label of its own column is a matrix of two classes.

use mtl_core::{
    Error, Result,
    prediction::{Prediction, Reference},
};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::by_chunks,
    input::{MetricBatch, ScoreBatch},
    metric::{MetricState, refused},
    value::OrReason,
    weight::Tally,
};

/// The most classes a matrix is made for: 128 MiB of counts.
pub const MAX_CLASSES: usize = 4096;

/// Counts by true class (row) and predicted class (column).
///
/// ```
/// use mtl_core::prediction::{Prediction, Reference, Scores};
/// use mtl_metrics::ConfusionMatrix;
/// let scores = ndarray::array![[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]];
/// let mut confusion = ConfusionMatrix::default();
/// confusion.update(&Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(vec![0, 1, 1]))?;
/// assert_eq!(confusion.counts(), ndarray::array![[1, 0], [1, 1]]);
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    n_classes: usize,
    counts: Tally,
}

impl ConfusionMatrix {
    /// Counts a batch.
    ///
    /// # Errors
    /// As [`crate::Metric::update`]; [`Error::Shape`] beyond [`MAX_CLASSES`].
    pub fn update(&mut self, prediction: &Prediction, reference: &Reference) -> Result<()> {
        self.update_batch(&MetricBatch::new(prediction, reference))
    }

    /// Counts a batch of a named task. Several yes/no labels are refused: they have one matrix each.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn update_batch(&mut self, batch: &MetricBatch<'_>) -> Result<()> {
        self.update_for("confusion", batch)
    }

    /// Counts a batch for a metric of that name.
    pub(crate) fn update_for(&mut self, metric: &str, batch: &MetricBatch<'_>) -> Result<()> {
        let pair = batch.weighted_scores(metric)?;
        let n_classes = match &pair {
            ScoreBatch::Class { scores, .. } => scores.n_cols(),
            ScoreBatch::MultiLabel { scores, .. } if scores.n_cols() == 1 => 2,
            ScoreBatch::MultiLabel { scores, .. } => {
                return Err(shape_error(metric, batch, "one yes/no label, [b, 1]", scores.n_rows(), scores.n_cols()));
            }
        };
        let n_rows = match &pair {
            ScoreBatch::Class { scores, .. } | ScoreBatch::MultiLabel { scores, .. } => scores.n_rows(),
        };
        if n_classes > MAX_CLASSES {
            return Err(shape_error(metric, batch, "at most 4096 classes", n_rows, n_classes));
        }
        // Long enough chunks that making and merging their matrices stays cheap beside counting.
        let part: Self = by_chunks(n_rows, n_classes * n_classes, |range| {
            let mut counts = Tally::new(n_classes * n_classes);
            match &pair {
                ScoreBatch::Class { scores, kind, labels } => {
                    for (row, said) in range.clone().zip(scores.rows(range)) {
                        if let Some(class) = batch.class(labels[row], n_classes, row)? {
                            let cell = class * n_classes + batch.top_class(said, *kind, row)?;
                            counts.add(cell, batch.weight(row)?);
                        }
                    }
                }
                ScoreBatch::MultiLabel { scores, kind, labels } => {
                    for row in range {
                        if let Some(yes) = batch.yes_no(labels.flat()[row], row)? {
                            let said = batch.says_yes(scores.flat()[row], *kind, row)?;
                            counts.add(usize::from(yes) * 2 + usize::from(said), batch.weight(row)?);
                        }
                    }
                }
            }
            Ok(Self { n_classes, counts })
        })?;
        self.merge(&part).map_err(|reason| refused(metric, reason))
    }

    /// The number of classes; 0 before the first batch.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The matrix in items, `[c, c]`, whatever their weights.
    #[must_use]
    pub fn counts(&self) -> ArrayView2<'_, u64> {
        ArrayView2::from_shape((self.n_classes, self.n_classes), self.counts.items())
            .unwrap_or_else(|_| ArrayView2::from(&[[0; 0]; 0]))
    }

    /// The matrix in weights, `[c, c]`: the counts when no sample has a weight.
    #[must_use]
    pub fn weights(&self) -> Array2<f64> {
        Array2::from_shape_vec((self.n_classes, self.n_classes), self.counts.values()).unwrap_or_default()
    }

    /// Samples counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.n_items()
    }

    /// Each row divided by its sum, for plots; a class without samples has a row of zeros.
    #[must_use]
    pub fn rates(&self) -> Array2<f64> {
        let mut rates = self.weights();
        for mut row in rates.rows_mut() {
            let sum = row.sum();
            if sum > 0.0 {
                row /= sum;
            }
        }
        rates
    }
}

impl MetricState for ConfusionMatrix {
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
        self.counts.merge(&other.counts)
    }

    fn check(&self) -> OrReason<()> {
        if self.n_classes > MAX_CLASSES || self.counts.len() != self.n_classes * self.n_classes {
            return Err(format!("{} counts for {} classes", self.counts.len(), self.n_classes));
        }
        self.counts.check()
    }
}

fn shape_error(metric: &str, batch: &MetricBatch<'_>, expected: &str, n_rows: usize, n_cols: usize) -> Error {
    Error::Shape {
        op: format!("{metric} of task {}", batch.task()),
        tensor: "prediction",
        expected: expected.to_owned(),
        found: vec![n_rows as i64, n_cols as i64],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::prediction::Scores;
    use ndarray::array;

    #[test]
    fn a_yes_no_label_is_a_matrix_of_two() {
        let prediction = Prediction::MultiLabel { scores: array![[0.9], [0.2], [0.7], [0.1]], kind: Scores::Probs };
        let reference = Reference::MultiLabel(array![[1.0], [1.0], [0.0], [f32::NAN]]);
        let mut confusion = ConfusionMatrix::default();
        confusion.update(&prediction, &reference).unwrap();
        assert_eq!(confusion.counts(), array![[0, 1], [1, 1]]);
        assert_eq!((confusion.total(), confusion.rates()), (3, array![[0.0, 1.0], [0.5, 0.5]]));
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        assert_eq!(ConfusionMatrix::default().counts().dim(), (0, 0));
        let prediction = Prediction::Class { scores: Array2::zeros((1, MAX_CLASSES + 1)), kind: Scores::Logits };
        let mut confusion = ConfusionMatrix::default();
        assert!(confusion.update(&prediction, &Reference::Class(vec![0])).is_err());
        let other = ConfusionMatrix { n_classes: 3, counts: Tally::new(9) };
        let mut confusion = ConfusionMatrix { n_classes: 2, counts: Tally::new(4) };
        assert_eq!(confusion.merge(&other).unwrap_err(), "2 classes cannot be merged with 3");
        assert!(ConfusionMatrix { n_classes: 2, counts: Tally::new(9) }.check().is_err());
    }
}
