//! What a model said to a split and what is right, kept while it is evaluated, so that nothing has to be read twice.

use mtl_core::{
    answer::{Cells, Labels},
    prediction::{MISSING_CLASS, Prediction, Reference, Scores},
};
use ndarray::Array2;

use crate::train::trainer::Recorder;

/// Numbers kept of all tasks together, answers and labels, a group for four: 400 MB.
const MOST_NUMBERS: usize = 100_000_000;
/// Where a sample has no row.
const NO_ROW: u32 = u32::MAX;

/// The answers of every task to the samples of a split.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    n_samples: usize,
    tasks: Vec<RecordedTask>,
    n_numbers: usize,
}

/// The answers of one task; samples without any known label have no row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecordedTask {
    form: Option<Form>,
    /// Why nothing is kept.
    refusal: Option<String>,
    width: usize,
    /// `[rows, width]`.
    said: Vec<f32>,
    /// Class labels `[rows]`, for one of several classes.
    classes: Vec<i64>,
    /// `[rows, width]`, NaN where unknown, for the other forms.
    labels: Vec<f32>,
    /// A row's items, where samples have any number of them.
    items: Option<Items>,
    /// The row of each sample.
    row_of: Vec<u32>,
    n_rows: u32,
    /// The group of each sample; empty where no batch had groups, else as long as the last one that had.
    groups: Vec<Option<u64>>,
}

/// Lists of the rows: scores of tags or tokens said, the path of a chain, what is right.
#[derive(Debug, Clone, PartialEq)]
struct Items {
    said: Labels,
    path: Option<Labels>,
    truth: Labels,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Class(Scores),
    MultiLabel(Scores),
    Values,
    Ordinal(Scores),
    Tags(Scores),
    Sequence,
}

impl Recorded {
    /// Samples seen.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// The tasks in task order; those after the last one with a label are not there.
    #[must_use]
    pub fn tasks(&self) -> &[RecordedTask] {
        &self.tasks
    }

    fn task(&mut self, at: usize) -> &mut RecordedTask {
        if self.tasks.len() <= at {
            self.tasks.resize_with(at + 1, RecordedTask::default);
        }
        &mut self.tasks[at]
    }

    /// Whether there were more numbers than memory should hold: then what is here is of the first samples only.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.n_numbers > MOST_NUMBERS
    }
}

impl Recorder for Recorded {
    fn batch(&mut self, ids: &[u64]) {
        self.n_samples += ids.len();
    }

    fn weighted(&mut self, task: usize) {
        self.task(task).refusal = Some("samples have weights, which no interval knows".into());
    }

    fn grouped(&mut self, task: usize, groups: &[u64]) {
        if self.is_cut() {
            return;
        }
        let first = self.n_samples.saturating_sub(groups.len());
        let kept = &mut self.task(task).groups;
        kept.resize(first, None);
        kept.extend(groups.iter().copied().map(Some));
        self.n_numbers += 4 * groups.len();
    }

    fn answers(&mut self, task: usize, ids: &[u64], prediction: &Prediction, reference: &Reference) {
        if self.is_cut() {
            return;
        }
        let first = self.n_samples.saturating_sub(ids.len());
        let taken = self.task(task).add(first, prediction, reference);
        self.n_numbers += taken;
    }
}

impl Items {
    /// These rows, then those; `None` for lists of another form.
    fn with(self, more: &Self) -> Option<Self> {
        let join = |a: Labels, b: &Labels| Labels::concat(&[a, b.clone()]).ok();
        let path = match (self.path, &more.path) {
            (Some(a), Some(b)) => Some(join(a, b)?),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return None,
        };
        Some(Self { said: join(self.said, &more.said)?, path, truth: join(self.truth, &more.truth)? })
    }
}

impl RecordedTask {
    /// Samples with a label.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows as usize
    }

    /// Whether samples are in groups.
    pub(super) fn has_groups(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The group of a sample.
    pub(super) fn group(&self, sample: usize) -> Option<u64> {
        self.groups.get(sample).copied().flatten()
    }

    /// Adds a batch whose first sample has that position; gives how many numbers it took.
    fn add(&mut self, first: usize, prediction: &Prediction, reference: &Reference) -> usize {
        self.row_of.resize(first, NO_ROW);
        let before = self.said.len() + self.labels.len() + self.classes.len();
        match prediction {
            Prediction::Class { scores, kind } | Prediction::Ordinal { scores, kind } => {
                let (form, truth) = match reference {
                    Reference::Class(truth) => (Form::Class(*kind), truth),
                    Reference::Ordinal(truth) => (Form::Ordinal(*kind), truth),
                    Reference::MultiLabel(_)
                    | Reference::Values(_)
                    | Reference::Tags(_)
                    | Reference::Sequence(_)
                    | Reference::Custom { .. } => return self.foreign(prediction, reference),
                };
                self.form.get_or_insert(form);
                for (row, label) in scores.rows().into_iter().zip(truth) {
                    let known = *label >= 0;
                    if known {
                        self.said.extend(row);
                        self.classes.push(*label);
                    }
                    self.row(known);
                }
                self.width = scores.ncols();
            }
            Prediction::MultiLabel { scores, kind } => {
                let Reference::MultiLabel(truth) = reference else { return self.foreign(prediction, reference) };
                self.form.get_or_insert(Form::MultiLabel(*kind));
                self.labeled(scores, truth);
            }
            Prediction::Values { values } => {
                let Reference::Values(truth) = reference else { return self.foreign(prediction, reference) };
                self.form.get_or_insert(Form::Values);
                self.labeled(values, truth);
            }
            Prediction::Tags { scores, kind, path } => {
                let Reference::Tags(truth) = reference else { return self.foreign(prediction, reference) };
                self.form.get_or_insert(Form::Tags(*kind));
                return self.lists(&Items { said: scores.clone(), path: path.clone(), truth: truth.clone() });
            }
            Prediction::Sequence { tokens } => {
                let Reference::Sequence(truth) = reference else { return self.foreign(prediction, reference) };
                self.form.get_or_insert(Form::Sequence);
                return self.lists(&Items { said: tokens.clone(), path: None, truth: truth.clone() });
            }
            Prediction::Custom { .. } => return self.foreign(prediction, reference),
        }
        self.said.len() + self.labels.len() + self.classes.len() - before
    }

    /// Keeps the lists of samples of which anything is known.
    fn lists(&mut self, batch: &Items) -> usize {
        let Cells::Index(cells) = batch.truth.cells() else { return 0 };
        let known = |row: &usize| {
            let truth = &cells[batch.truth.range(*row)];
            truth.is_empty() || truth.iter().any(|item| *item != MISSING_CLASS)
        };
        let kept: Vec<usize> = (0..batch.truth.len()).filter(known).collect();
        (0..batch.truth.len()).for_each(|row| self.row(known(&row)));
        let new = Items {
            said: batch.said.gather(&kept),
            path: batch.path.as_ref().map(|path| path.gather(&kept)),
            truth: batch.truth.gather(&kept),
        };
        let taken = new.said.cells().len() + new.truth.cells().len();
        let whole = match self.items.take() {
            None => Some(new),
            Some(before) => before.with(&new),
        };
        match whole {
            Some(whole) => self.items = Some(whole),
            None => self.refusal = Some("answers of one task have different forms".into()),
        }
        taken
    }

    /// Nothing is kept of such answers; says why, and that it took no room.
    fn foreign(&mut self, prediction: &Prediction, reference: &Reference) -> usize {
        let (said, truth) = (prediction.describe(), reference.describe());
        self.refusal.get_or_insert_with(|| format!("no intervals are computed for {said} beside {truth}"));
        0
    }

    /// Why there is nothing to select from.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    fn labeled(&mut self, said: &Array2<f32>, truth: &Array2<f32>) {
        for (row, truth) in said.rows().into_iter().zip(truth.rows()) {
            let known = truth.iter().any(|v| !v.is_nan());
            if known {
                self.said.extend(row);
                self.labels.extend(truth);
            }
            self.row(known);
        }
        self.width = said.ncols();
    }

    fn row(&mut self, known: bool) {
        self.row_of.push(if known { self.n_rows } else { NO_ROW });
        self.n_rows += u32::from(known);
    }

    /// The answers to these samples, each as often as it is named, and what is right, with the place of each among `samples`; `None`
    /// for predictions of a form that is not kept.
    #[must_use]
    pub fn select(&self, samples: &[usize]) -> Option<(Prediction, Reference, Vec<u64>)> {
        if self.refusal.is_some() {
            return None;
        }
        let row_of = |sample: &usize| self.row_of.get(*sample).copied().filter(|row| *row != NO_ROW);
        let drawn = samples.iter().enumerate().filter_map(|(at, sample)| Some((at as u64, row_of(sample)? as usize)));
        let (places, rows): (Vec<u64>, Vec<usize>) = drawn.unzip();
        let matrix = |numbers: &[f32]| {
            let mut flat = Vec::with_capacity(rows.len() * self.width);
            rows.iter().for_each(|row| {
                flat.extend_from_slice(numbers.get(row * self.width..(row + 1) * self.width).unwrap_or_default());
            });
            Array2::from_shape_vec((rows.len(), self.width), flat).ok()
        };
        let (said, truth) = match self.form? {
            Form::Class(kind) => {
                let classes = rows.iter().filter_map(|row| self.classes.get(*row)).copied().collect();
                (Prediction::Class { scores: matrix(&self.said)?, kind }, Reference::Class(classes))
            }
            Form::Ordinal(kind) => {
                let grades = rows.iter().filter_map(|row| self.classes.get(*row)).copied().collect();
                (Prediction::Ordinal { scores: matrix(&self.said)?, kind }, Reference::Ordinal(grades))
            }
            Form::MultiLabel(kind) => (
                Prediction::MultiLabel { scores: matrix(&self.said)?, kind },
                Reference::MultiLabel(matrix(&self.labels)?),
            ),
            Form::Values => {
                (Prediction::Values { values: matrix(&self.said)? }, Reference::Values(matrix(&self.labels)?))
            }
            Form::Tags(kind) => {
                let Items { said, path, truth } = self.items.as_ref()?;
                let path = path.as_ref().map(|path| path.gather(&rows));
                (Prediction::Tags { scores: said.gather(&rows), kind, path }, Reference::Tags(truth.gather(&rows)))
            }
            Form::Sequence => {
                let Items { said, truth, .. } = self.items.as_ref()?;
                (Prediction::Sequence { tokens: said.gather(&rows) }, Reference::Sequence(truth.gather(&rows)))
            }
        };
        Some((said, truth, places))
    }

    /// Labels and scores of a task with one yes/no question (of two classes the second); `None` for other tasks.
    #[must_use]
    pub fn question(&self) -> Option<(Vec<bool>, Vec<f32>)> {
        match (self.form.filter(|_| self.refusal.is_none())?, self.width) {
            (Form::MultiLabel(_), 1) => Some((self.labels.iter().map(|y| *y > 0.5).collect(), self.said.clone())),
            (Form::Class(kind) | Form::Ordinal(kind), 2) => {
                // Of logits the difference, as the metric ranks them.
                let score = |row: &[f32]| match (kind, row) {
                    (Scores::Logits, [no, yes]) => yes - no,
                    (Scores::Probs, [_, yes]) => *yes,
                    _ => f32::NAN,
                };
                Some((self.classes.iter().map(|c| *c == 1).collect(), self.said.chunks(2).map(score).collect()))
            }
            (
                Form::MultiLabel(_) | Form::Class(_) | Form::Ordinal(_) | Form::Values | Form::Tags(_) | Form::Sequence,
                _,
            ) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn samples_keep_their_places_over_batches_and_gaps() {
        let mut recorded = Recorded::default();
        let class = |scores| Prediction::Class { scores, kind: Scores::Logits };
        recorded.batch(&[7, 8]);
        recorded.answers(0, &[7, 8], &class(array![[0.0, 1.0], [2.0, 0.5]]), &Reference::Class(vec![-100, 1]));
        recorded.batch(&[9]); // a batch that has no labels of the first task
        recorded.answers(1, &[9], &Prediction::Values { values: array![[3.0]] }, &Reference::Values(array![[4.0]]));
        recorded.batch(&[10]);
        recorded.answers(0, &[10], &class(array![[1.0, 4.0]]), &Reference::Class(vec![0]));
        let [first, second] = recorded.tasks() else { panic!("two tasks") };
        assert_eq!((recorded.n_samples(), first.n_rows(), second.n_rows()), (4, 2, 1));
        let (said, truth, places) = first.select(&[3, 0, 1, 3, 2]).unwrap();
        assert_eq!(places, [0, 2, 3], "samples without a label, or in a batch without any, have no place");
        assert_eq!(said, class(array![[1.0, 4.0], [2.0, 0.5], [1.0, 4.0]]));
        assert_eq!(truth, Reference::Class(vec![0, 1, 0]));
        assert_eq!(first.question().unwrap(), (vec![true, false], vec![-1.5, 3.0]));
        let (said, ..) = second.select(&[0, 2, 3]).unwrap();
        assert_eq!(said, Prediction::Values { values: array![[3.0]] });
        assert!(second.question().is_none() && RecordedTask::default().select(&[0]).is_none());
    }

    #[test]
    fn lists_are_drawn_as_a_whole() {
        let mut recorded = Recorded::default();
        let tags = |cells: &[f32], offsets: &[usize], path: &[Vec<i64>]| Prediction::Tags {
            scores: Labels::ragged(Cells::Number(cells.to_vec()), offsets.to_vec(), &[2]).unwrap(),
            kind: Scores::Probs,
            path: Some(Labels::lists(path)),
        };
        let truth = |lists: &[Vec<i64>]| Reference::Tags(Labels::lists(lists));
        recorded.batch(&[1, 2]);
        let said = tags(&[0.1, 0.9, 0.2, 0.8, 0.3, 0.7], &[0, 2, 3], &[vec![1, 0], vec![1]]);
        recorded.answers(0, &[1, 2], &said, &truth(&[vec![1, 0], vec![-100]]));
        recorded.batch(&[3]);
        recorded.answers(0, &[3], &tags(&[0.4, 0.6], &[0, 1], &[vec![0]]), &truth(&[vec![0]]));
        let (said, labels, places) = recorded.tasks()[0].select(&[2, 1, 0, 2]).unwrap();
        assert_eq!((labels, places), (truth(&[vec![0], vec![1, 0], vec![0]]), vec![0, 2, 3]));
        let want = tags(&[0.4, 0.6, 0.1, 0.9, 0.2, 0.8, 0.4, 0.6], &[0, 1, 3, 4], &[vec![0], vec![1, 0], vec![0]]);
        assert_eq!(said, want);
    }
}
