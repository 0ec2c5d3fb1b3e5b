//! What a model says to a split, kept sample by sample: what curves, matrices and lists of worst samples are made of.

use mtl_core::prediction::{Prediction, Reference};
use mtl_data::Loader;
use ndarray::{Array2, ArrayView1};

use crate::{
    error::Result,
    explain::{sigmoid, softmax},
    model::Model,
};

/// One task's answers and labels.
#[derive(Debug, Clone, PartialEq)]
pub enum Answers {
    /// One of `c` classes.
    Classes {
        /// Probabilities, one row a sample.
        probs: Rows,
        /// The labels.
        labels: Vec<usize>,
    },
    /// Yes/no labels.
    YesNo {
        /// Probabilities of yes, one row a sample.
        probs: Rows,
        /// 0, 1 or NaN for unknown, one row a sample.
        labels: Rows,
    },
    /// Numbers.
    Values {
        /// Predictions, one row a sample.
        predicted: Rows,
        /// Labels or NaN for unknown, one row a sample.
        labels: Rows,
    },
    /// A kind of prediction for which there are no charts.
    Other(&'static str),
}

/// A matrix that grows row by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    width: usize,
    numbers: Vec<f64>,
}

impl Rows {
    /// The number of columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.numbers.chunks(self.width.max(1))
    }

    /// A column.
    pub fn column(&self, at: usize) -> impl Iterator<Item = f64> {
        self.iter().map(move |row| row.get(at).copied().unwrap_or(f64::NAN))
    }

    /// Adds a row; the first one decides the width, others are cut or filled with NaN.
    pub fn push(&mut self, row: impl IntoIterator<Item = f64>) {
        let before = self.numbers.len();
        self.numbers.extend(row);
        if self.width == 0 {
            self.width = self.numbers.len();
        }
        self.numbers.resize(before + self.width, f64::NAN);
    }
}

/// One task's outputs on a split; samples without any label are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOutputs {
    /// Ids of the samples, in the order of the rows.
    pub ids: Vec<u64>,
    /// What was said and what is right.
    pub answers: Answers,
}

/// Numbers kept per task, predictions and labels together: 400 MB.
const MOST_NUMBERS: usize = 50_000_000;

/// The outputs of every task over a split, and how many of its samples were read: all, unless that were more numbers than
/// memory should hold.
///
/// # Errors
/// As [`Model::predict`]; the data's own errors.
pub fn outputs(model: &Model, loader: &Loader) -> Result<(Vec<TaskOutputs>, u64)> {
    let mut tasks: Vec<Option<TaskOutputs>> = model.heads().iter().map(|_| None).collect();
    let mut read = 0;
    for batch in loader.epoch(0)? {
        let batch = batch?.to_device(model.params().device())?;
        read += batch.ids.len() as u64;
        let predictions = model.predict(&batch.inputs)?;
        for ((slot, prediction), target) in tasks.iter_mut().zip(&predictions).zip(&batch.targets) {
            let Some(target) = target else { continue };
            let reference = target.reference()?;
            slot.get_or_insert_with(|| TaskOutputs::new(prediction)).add(&batch.ids, prediction, &reference);
        }
        if tasks.iter().flatten().any(|t| t.numbers() > MOST_NUMBERS) {
            break;
        }
    }
    let empty = TaskOutputs { ids: Vec::new(), answers: Answers::Other("no labels") };
    Ok((tasks.into_iter().map(|t| t.unwrap_or_else(|| empty.clone())).collect(), read))
}

impl TaskOutputs {
    fn new(prediction: &Prediction) -> Self {
        let answers = match prediction {
            Prediction::Class { .. } => Answers::Classes { probs: Rows::default(), labels: Vec::new() },
            Prediction::MultiLabel { .. } => Answers::YesNo { probs: Rows::default(), labels: Rows::default() },
            Prediction::Values { .. } => Answers::Values { predicted: Rows::default(), labels: Rows::default() },
            other => Answers::Other(other.describe()),
        };
        Self { ids: Vec::new(), answers }
    }

    fn numbers(&self) -> usize {
        match &self.answers {
            Answers::Classes { probs, .. } => probs.numbers.len(),
            Answers::YesNo { probs, .. } => 2 * probs.numbers.len(),
            Answers::Values { predicted, .. } => 2 * predicted.numbers.len(),
            Answers::Other(_) => 0,
        }
    }

    fn add(&mut self, ids: &[u64], prediction: &Prediction, reference: &Reference) {
        match (&mut self.answers, prediction, reference) {
            (Answers::Classes { probs, labels }, Prediction::Class { scores, kind }, Reference::Class(truth)) => {
                for ((id, row), label) in ids.iter().zip(scores.rows()).zip(truth) {
                    if let Ok(label) = usize::try_from(*label) {
                        self.ids.push(*id);
                        probs.push(softmax(row, *kind));
                        labels.push(label);
                    }
                }
            }
            (
                Answers::YesNo { probs, labels },
                Prediction::MultiLabel { scores, kind },
                Reference::MultiLabel(truth),
            ) => {
                for ((id, row), truth) in ids.iter().zip(scores.rows()).zip(known(truth)) {
                    let Some(truth) = truth else { continue };
                    self.ids.push(*id);
                    probs.push(row.iter().map(|s| sigmoid(*s, *kind)));
                    labels.push(truth.iter().map(|v| f64::from(*v)));
                }
            }
            (Answers::Values { predicted, labels }, Prediction::Values { values }, Reference::Values(truth)) => {
                for ((id, row), truth) in ids.iter().zip(values.rows()).zip(known(truth)) {
                    let Some(truth) = truth else { continue };
                    self.ids.push(*id);
                    predicted.push(row.iter().map(|v| f64::from(*v)));
                    labels.push(truth.iter().map(|v| f64::from(*v)));
                }
            }
            _ => {}
        }
    }
}

/// Rows that have at least one known label.
fn known(labels: &Array2<f32>) -> impl Iterator<Item = Option<ArrayView1<'_, f32>>> {
    labels.rows().into_iter().map(|row| row.iter().any(|v| !v.is_nan()).then_some(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::prediction::Scores;
    use ndarray::array;

    #[test]
    fn samples_without_labels_are_left_out() {
        let prediction = Prediction::Class { scores: array![[0.25, 0.75], [0.5, 0.5]], kind: Scores::Probs };
        let mut task = TaskOutputs::new(&prediction);
        task.add(&[4, 5], &prediction, &Reference::Class(vec![-100, 1]));
        assert_eq!(task.ids, [5]);
        let Answers::Classes { probs, labels } = &task.answers else { panic!() };
        assert_eq!((probs.len(), labels.as_slice()), (1, &[1][..]));

        let prediction = Prediction::Values { values: array![[1.0, 2.0], [3.0, 4.0]] };
        let mut task = TaskOutputs::new(&prediction);
        task.add(&[4, 5], &prediction, &Reference::Values(array![[f32::NAN, f32::NAN], [3.5, f32::NAN]]));
        let Answers::Values { predicted, labels } = &task.answers else { panic!() };
        assert_eq!(predicted.iter().collect::<Vec<_>>(), [&[3.0, 4.0]]);
        assert!(labels.column(0).eq([3.5]) && labels.column(1).all(f64::is_nan));
    }
}
