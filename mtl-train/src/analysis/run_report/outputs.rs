//! What a model says to a split, kept sample by sample while it is evaluated: what curves, matrices and lists of worst samples
//! are made of.
//!
//! There is one pass, and the metrics see what is kept: curves, areas and calibration errors on a page are those of the
//! metrics' own states ([`Outputs::metrics`]), never computed a second way.

use mtl_core::{
    answer::Cells,
    prediction::{Prediction, Reference, Said, Scores, Truth},
};
use mtl_data::Batches;
use mtl_metrics::{Auroc, ConfusionMatrix, MetricReport, MetricSet, Streaming, class::Ece};
use ndarray::ArrayView1;

use crate::{
    analysis::explain::{sigmoid, softmax},
    error::Result,
    train::{
        model::Model,
        trainer::{Recorder, evaluate_recorded, metrics_of},
    },
};

/// One task's answers and labels.
#[derive(Debug, Clone, PartialEq)]
pub enum Judged {
    /// One of `c` classes, or grades.
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
    /// A tag for each item.
    Tags(Vec<Tagged>),
    /// A kind of prediction for which there are no charts.
    Other(&'static str),
}

/// The tags of a sample's items.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tagged {
    /// The tag that was said of each; the number of tags where none was.
    pub said: Vec<usize>,
    /// The right one; `None` where it is not known.
    pub truth: Vec<Option<usize>>,
    /// Negative logarithm of the probability of the right tags, over the known ones.
    pub loss: f64,
}

impl Tagged {
    fn of(said: &[i64], scores: &[f32], n_tags: usize, kind: Scores, truth: &[i64]) -> Self {
        let items = scores.chunks(n_tags.max(1));
        let said = said.iter().map(|tag| usize::try_from(*tag).unwrap_or(n_tags)).collect();
        let truth: Vec<Option<usize>> = truth.iter().map(|tag| usize::try_from(*tag).ok()).collect();
        let surprise = |(scores, truth): (&[f32], &Option<usize>)| {
            truth.and_then(|tag| softmax(ArrayView1::from(scores), kind).get(tag).map(|p| -p.max(SMALLEST).ln()))
        };
        let loss = items.zip(&truth).filter_map(surprise).sum();
        Self { said, truth, loss }
    }
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
    /// Their positions in the split.
    pub positions: Vec<u64>,
    /// What was said and what is right.
    pub answers: Judged,
    /// How often each class was taken for each other, where the task has classes or one yes/no label.
    pub confusion: ConfusionMatrix,
}

/// The outputs of every task on a split.
#[derive(Debug)]
pub struct Outputs {
    /// The tasks in task order.
    pub tasks: Vec<TaskOutputs>,
    /// The metrics of the heads, and AUROC and calibration error where those are not among them, with what they have seen.
    pub metrics: MetricSet,
    /// The values of the heads' metrics on all samples.
    pub report: MetricReport,
    /// Samples kept: all, unless that were more numbers than memory should hold.
    pub read: u64,
}

/// A probability of 0 counts as this, so that such samples compare.
pub(super) const SMALLEST: f64 = 1e-30;

/// Numbers kept per task, predictions and labels together: 400 MB.
const MOST_NUMBERS: usize = 50_000_000;

/// Evaluates a model on a split and keeps what it says.
///
/// # Errors
/// As [`Model::predict`]; the data's own errors.
pub fn outputs(model: &Model, batches: &dyn Batches) -> Result<Outputs> {
    let mut metrics = metrics_of(model)?;
    let chosen: Vec<usize> = metrics.iter().map(|(_, own)| own.len()).collect();
    for (at, answer) in model.answers().iter().enumerate() {
        let has_curves = answer.has_curves();
        if has_curves && metrics.get::<Auroc>(at).is_none() {
            metrics.add(at, Box::new(Streaming::new(Auroc)))?;
        }
        if has_curves && metrics.get::<Ece>(at).is_none() {
            metrics.add(at, Box::new(Streaming::new(Ece::default())))?;
        }
    }
    let mut kept = Kept { tasks: model.heads().iter().map(|_| None).collect(), seen: 0, read: 0, is_full: false };
    let mut report = evaluate_recorded(model, batches, &mut metrics, &mut kept)?;
    report.tasks.iter_mut().zip(chosen).for_each(|(task, n)| task.metrics.truncate(n));
    let empty = || TaskOutputs {
        ids: Vec::new(),
        positions: Vec::new(),
        answers: Judged::Other("no labels"),
        confusion: ConfusionMatrix::default(),
    };
    let tasks = kept.tasks.into_iter().map(|t| t.unwrap_or_else(empty)).collect();
    Ok(Outputs { tasks, metrics, report, read: kept.read })
}

/// Keeps what is said, until memory is full.
struct Kept {
    tasks: Vec<Option<TaskOutputs>>,
    seen: u64,
    read: u64,
    is_full: bool,
}

impl Recorder for Kept {
    fn batch(&mut self, ids: &[u64]) {
        self.is_full |= self.tasks.iter().flatten().any(|t| t.numbers() > MOST_NUMBERS);
        self.seen += ids.len() as u64;
        if !self.is_full {
            self.read = self.seen;
        }
    }

    fn answers(&mut self, task: usize, ids: &[u64], prediction: &Prediction, reference: &Reference) {
        if let Some(slot) = self.tasks.get_mut(task).filter(|_| !self.is_full) {
            let first = self.seen - ids.len() as u64;
            slot.get_or_insert_with(|| TaskOutputs::new(prediction)).add(first, ids, prediction, reference);
        }
    }
}

impl TaskOutputs {
    fn new(prediction: &Prediction) -> Self {
        let answers = match prediction.said() {
            Said::OneOf { .. } => Judged::Classes { probs: Rows::default(), labels: Vec::new() },
            Said::YesNo { .. } => Judged::YesNo { probs: Rows::default(), labels: Rows::default() },
            Said::Numbers(_) => Judged::Values { predicted: Rows::default(), labels: Rows::default() },
            Said::Tags { .. } => Judged::Tags(Vec::new()),
            Said::Tokens(_) | Said::Own(_) => Judged::Other(prediction.describe()),
        };
        Self { ids: Vec::new(), positions: Vec::new(), answers, confusion: ConfusionMatrix::default() }
    }

    fn numbers(&self) -> usize {
        match &self.answers {
            Judged::Classes { probs, .. } => probs.numbers.len(),
            Judged::YesNo { probs, .. } => 2 * probs.numbers.len(),
            Judged::Values { predicted, .. } => 2 * predicted.numbers.len(),
            Judged::Tags(samples) => samples.iter().map(|sample| 2 * sample.said.len()).sum(),
            Judged::Other(_) => 0,
        }
    }

    fn add(&mut self, first: u64, ids: &[u64], prediction: &Prediction, reference: &Reference) {
        // Several yes/no labels and numbers have no such matrix.
        let _ = self.confusion.update(prediction, reference);
        let ids = || ids.iter().zip(first..);
        let (kept, positions) = (&mut self.ids, &mut self.positions);
        let mut keep = |(id, position): (&u64, u64)| {
            kept.push(*id);
            positions.push(position);
        };
        let truth = reference.truth();
        match (prediction.said(), truth, &mut self.answers) {
            (Said::OneOf { scores, kind, .. }, Truth::OneOf(classes), Judged::Classes { probs, labels }) => {
                for ((id, row), label) in ids().zip(scores.rows()).zip(classes) {
                    if let Ok(label) = usize::try_from(*label) {
                        keep(id);
                        probs.push(softmax(row, kind));
                        labels.push(label);
                    }
                }
            }
            (Said::YesNo { scores, kind }, Truth::YesNo(cells), Judged::YesNo { probs, labels }) => {
                for ((row, id), (said, right)) in ids().enumerate().zip(scores.rows().into_iter().zip(cells.rows())) {
                    if truth.knows(row) {
                        keep(id);
                        probs.push(said.iter().map(|s| sigmoid(*s, kind)));
                        labels.push(right.iter().map(|v| f64::from(*v)));
                    }
                }
            }
            (Said::Numbers(values), Truth::Numbers(cells), Judged::Values { predicted, labels }) => {
                for ((row, id), (said, right)) in ids().enumerate().zip(values.rows().into_iter().zip(cells.rows())) {
                    if truth.knows(row) {
                        keep(id);
                        predicted.push(said.iter().map(|v| f64::from(*v)));
                        labels.push(right.iter().map(|v| f64::from(*v)));
                    }
                }
            }
            (Said::Tags { scores, kind, path: _ }, Truth::Tags(tags), Judged::Tags(samples)) => {
                let (Cells::Number(cells), Cells::Index(labels)) = (scores.cells(), tags.cells()) else { return };
                for (row, id) in ids().enumerate() {
                    let labels = labels.get(tags.range(row)).unwrap_or_default();
                    if labels.iter().any(|tag| *tag >= 0) {
                        keep(id);
                        let scores_of = cells.get(scores.range(row)).unwrap_or_default();
                        let said = prediction.said_tags(row).unwrap_or_default();
                        samples.push(Tagged::of(&said, scores_of, scores.item_size(), kind, labels));
                    }
                }
            }
            // Of the last two there are no charts, the page says so; the others are answers beside labels of another form.
            (
                Said::OneOf { .. }
                | Said::YesNo { .. }
                | Said::Numbers(_)
                | Said::Tags { .. }
                | Said::Tokens(_)
                | Said::Own(_),
                _,
                _,
            ) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::answer::Labels;
    use ndarray::array;

    #[test]
    fn samples_without_labels_are_left_out() {
        let prediction = Prediction::Class { scores: array![[0.25, 0.75], [0.5, 0.5]], kind: Scores::Probs };
        let mut task = TaskOutputs::new(&prediction);
        task.add(10, &[4, 5], &prediction, &Reference::Class(vec![-100, 1]));
        assert_eq!((task.ids.as_slice(), task.positions.as_slice(), task.confusion.total()), (&[5][..], &[11][..], 1));
        let Judged::Classes { probs, labels } = &task.answers else { panic!() };
        assert_eq!((probs.len(), labels.as_slice()), (1, &[1][..]));

        let prediction = Prediction::Values { values: array![[1.0, 2.0], [3.0, 4.0]] };
        let mut task = TaskOutputs::new(&prediction);
        task.add(0, &[4, 5], &prediction, &Reference::Values(array![[f32::NAN, f32::NAN], [3.5, f32::NAN]]));
        let Judged::Values { predicted, labels } = &task.answers else { panic!() };
        assert_eq!(predicted.iter().collect::<Vec<_>>(), [&[3.0, 4.0]]);
        assert!(labels.column(0).eq([3.5]) && labels.column(1).all(f64::is_nan));
    }

    #[test]
    fn tags_are_kept_item_by_item() {
        let scores = Labels::ragged(Cells::Number(vec![0.5, 0.5, 0.25, 0.75, 1.0, 0.0]), vec![0, 2, 3], &[2]).unwrap();
        let prediction = Prediction::Tags { scores, kind: Scores::Probs, path: None };
        let mut task = TaskOutputs::new(&prediction);
        task.add(0, &[4, 5], &prediction, &Reference::Tags(Labels::lists(&[vec![-100, 0], vec![-100]])));
        let Judged::Tags(samples) = &task.answers else { panic!() };
        assert_eq!((task.ids.as_slice(), samples.len()), (&[4][..], 1), "a sample without a known tag is left out");
        assert_eq!((samples[0].said[1], samples[0].truth.as_slice()), (1, &[None, Some(0)][..]));
        assert!((samples[0].loss + 0.25f64.ln()).abs() < 1e-12);

        // Of a chain it is the path that is said, whatever the probability of an item.
        let Prediction::Tags { scores, kind, .. } = prediction else { panic!() };
        let prediction = Prediction::Tags { scores, kind, path: Some(Labels::lists(&[vec![0, 0], vec![1]])) };
        let mut task = TaskOutputs::new(&prediction);
        task.add(0, &[4, 5], &prediction, &Reference::Tags(Labels::lists(&[vec![-100, 0], vec![-100]])));
        let Judged::Tags(samples) = &task.answers else { panic!() };
        assert_eq!(samples[0].said, [0, 0]);
    }
}
