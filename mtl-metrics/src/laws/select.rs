//! Some rows of what a head says and of what is true: how laws cut data into batches.

use mtl_core::prediction::{Prediction, Reference};
use ndarray::{Array2, Axis};

/// The rows of a prediction, in that order; rows that do not exist are left out.
#[must_use]
pub fn select(prediction: &Prediction, rows: &[usize]) -> Prediction {
    let mut part = prediction.clone();
    match &mut part {
        Prediction::Class { scores, .. }
        | Prediction::MultiLabel { scores, .. }
        | Prediction::Ordinal { scores, .. }
        | Prediction::Values { values: scores } => *scores = pick(scores, rows),
        Prediction::Tags { scores, path, .. } => {
            *scores = scores.gather(&existing(rows, scores.len()));
            *path = path.as_ref().map(|path| path.gather(&existing(rows, path.len())));
        }
        Prediction::Sequence { tokens: items } | Prediction::Custom { values: items, .. } => {
            *items = items.gather(&existing(rows, items.len()));
        }
    }
    part
}

/// The rows of a reference, in that order; rows that do not exist are left out.
#[must_use]
pub fn select_reference(reference: &Reference, rows: &[usize]) -> Reference {
    let mut part = reference.clone();
    match &mut part {
        Reference::Class(labels) | Reference::Ordinal(labels) => {
            *labels = rows.iter().filter_map(|&row| labels.get(row).copied()).collect();
        }
        Reference::MultiLabel(matrix) | Reference::Values(matrix) => *matrix = pick(matrix, rows),
        Reference::Tags(labels) | Reference::Sequence(labels) | Reference::Custom { labels, .. } => {
            *labels = labels.gather(&existing(rows, labels.len()));
        }
    }
    part
}

fn pick(matrix: &Array2<f32>, rows: &[usize]) -> Array2<f32> {
    matrix.select(Axis(0), &existing(rows, matrix.nrows()))
}

fn existing(rows: &[usize], n: usize) -> Vec<usize> {
    rows.iter().copied().filter(|&row| row < n).collect()
}
