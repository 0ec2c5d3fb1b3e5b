//! What a model said to a split and what is right, kept while it is evaluated, so that nothing has to be read twice.

use mtl_core::prediction::{Prediction, Reference, Said, Scores, Truth};
use ndarray::ArrayView1;

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
    /// What was said of the rows, and what is right.
    rows: Option<(Prediction, Reference)>,
    /// Why nothing is kept.
    refusal: Option<String>,
    /// The row of each sample.
    row_of: Vec<u32>,
    n_rows: u32,
    /// The group of each sample; empty where no batch had groups, else as long as the last one that had.
    groups: Vec<Option<u64>>,
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

    fn weighted(&mut self, task: usize, _weights: &[f32]) {
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
        if prediction.tag() != reference.tag() || matches!(prediction.said(), Said::Own(_)) {
            return self.foreign(prediction, reference);
        }
        let truth = reference.truth();
        let n = prediction.batch_size().min(reference.batch_size());
        let known: Vec<usize> = (0..n).filter(|row| truth.knows(*row)).collect();
        (0..n).for_each(|row| self.row(truth.knows(row)));
        let (said, truth) = (prediction.gather(&known), reference.gather(&known));
        let taken = said.cells() + truth.cells();
        match &mut self.rows {
            rows @ None => *rows = Some((said, truth)),
            Some((before, right)) => {
                if !(before.append(&said) && right.append(&truth)) {
                    self.refusal = Some("answers of one task have different forms".into());
                }
            }
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
        let (said, truth) = self.rows.as_ref()?;
        Some((said.gather(&rows), truth.gather(&rows), places))
    }

    /// Labels and scores of a task with one yes/no question (of two classes the second); `None` for other tasks.
    #[must_use]
    pub fn question(&self) -> Option<(Vec<bool>, Vec<f32>)> {
        let (said, truth) = self.rows.as_ref().filter(|_| self.refusal.is_none())?;
        match (said.said(), truth.truth()) {
            (Said::YesNo { scores, .. }, Truth::YesNo(labels)) if scores.ncols() == 1 => {
                Some((labels.iter().map(|y| *y > 0.5).collect(), scores.iter().copied().collect()))
            }
            (Said::OneOf { scores, kind, .. }, Truth::OneOf(labels)) if scores.ncols() == 2 => {
                // Of logits the difference, as the metric ranks them.
                let score = |row: ArrayView1<'_, f32>| match kind {
                    Scores::Logits => row[1] - row[0],
                    Scores::Probs => row[1],
                };
                let scores = scores.rows().into_iter().map(score).collect();
                Some((labels.iter().map(|class| *class == 1).collect(), scores))
            }
            (
                Said::OneOf { .. }
                | Said::YesNo { .. }
                | Said::Numbers(_)
                | Said::Tags { .. }
                | Said::Tokens(_)
                | Said::Own(_),
                _,
            ) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::answer::{Cells, Labels};
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
