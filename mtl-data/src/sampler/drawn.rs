//! What epochs had: rows of each class of every task, how many different ones, how often the same.

use std::borrow::Borrow;

use mtl_core::answer::{Answer, Cells, Labels};
use serde::{Deserialize, Serialize};

use crate::{error::Result, info::TaskInfo, source::Source};

/// Rows whose labels are read at once.
const CHUNK: u64 = 4096;

/// What a sampler dealt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampled {
    /// How it is called in configurations.
    pub sampler: String,
    /// Rows of the data, those that the sampler made included.
    pub rows: u64,
    /// How many of them it made.
    pub made: u64,
    /// What the data have of each task, without the rows that it made.
    pub tasks: Vec<SampledTask>,
    /// What each epoch had, or the part of it that was trained on.
    pub epochs: Vec<SampledEpoch>,
}

/// What the data have of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SampledTask {
    /// Its name.
    pub name: String,
    /// What is counted: rows of its classes; of one yes/no label rows of no and of yes, of several the rows of yes of each; of other tasks
    /// rows with a label.
    pub classes: Vec<String>,
    /// How many rows there are of each.
    pub counts: Vec<u64>,
    /// Rows without a label.
    pub unlabeled: u64,
}

/// What an epoch had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SampledEpoch {
    /// Which, from 1.
    pub epoch: u64,
    /// How many rows.
    pub rows: u64,
    /// How many different ones.
    pub distinct: u64,
    /// How many of its rows had been there in the same epoch.
    pub repeats: u64,
    /// How often the most frequent row came.
    pub most: u64,
    /// Rows by class of each task, as [`SampledTask::classes`] names them.
    pub counts: Vec<Vec<u64>>,
    /// Rows without a label of each task.
    pub unlabeled: Vec<u64>,
}

/// The labels of all rows, ready to be counted.
pub(crate) struct Counted {
    rows: usize,
    tasks: Vec<OneTask>,
}

struct OneTask {
    name: String,
    classes: Vec<String>,
    form: Form,
    labels: Option<Labels>,
}

/// What a row's labels are counted as.
#[derive(Clone, Copy)]
enum Form {
    /// By the class.
    Class,
    /// No and yes.
    NoYes,
    /// Yes of each label.
    Yes,
    /// Any label.
    Any,
}

impl Counted {
    /// Reads the labels of a source.
    pub(crate) fn of(source: &dyn Source) -> Result<Self> {
        let mut tasks: Vec<OneTask> = source.info().tasks.iter().map(OneTask::new).collect();
        let n = source.len();
        let mut from = 0;
        while from < n {
            let to = n.min(from + CHUNK);
            let targets = source.targets(&(from..to).collect::<Vec<_>>())?;
            for (task, target) in tasks.iter_mut().zip(targets) {
                let labels = target.map(|target| target.labels()).transpose()?;
                task.append(labels, from, to - from)?;
            }
            from = to;
        }
        Ok(Self { rows: usize::try_from(n).unwrap_or(0), tasks })
    }

    /// What the first so many rows have: those that nobody made.
    pub(crate) fn tasks(&self, given: u64) -> Vec<SampledTask> {
        let given = usize::try_from(given).unwrap_or(self.rows);
        let of = |task: &OneTask| {
            let (counts, unlabeled) = task.count(0..given);
            SampledTask { name: task.name.clone(), classes: task.classes.clone(), counts, unlabeled }
        };
        self.tasks.iter().map(of).collect()
    }

    /// What an epoch of these rows has.
    pub(crate) fn epoch(&self, epoch: u64, rows: &[u64]) -> SampledEpoch {
        let rows: Vec<usize> = rows.iter().filter_map(|&row| usize::try_from(row).ok()).collect();
        let mut times = vec![0u64; self.rows];
        rows.iter().for_each(|&row| times[row] += 1);
        let distinct = times.iter().filter(|&&n| n > 0).count() as u64;
        let (counts, unlabeled) = self.tasks.iter().map(|task| task.count(&rows)).unzip();
        let (n, most) = (rows.len() as u64, times.iter().max().copied().unwrap_or(0));
        SampledEpoch { epoch, rows: n, distinct, repeats: n - distinct, most, counts, unlabeled }
    }
}

impl OneTask {
    fn new(task: &TaskInfo) -> Self {
        let (form, classes) = match &task.answer {
            Answer::Class(class) => (Form::Class, class.classes.clone()),
            Answer::Ordinal(ordinal) => (Form::Class, ordinal.grades.clone()),
            Answer::MultiLabel(multi) if multi.labels.len() == 1 => {
                (Form::NoYes, ["no", "yes"].map(String::from).to_vec())
            }
            Answer::MultiLabel(multi) => (Form::Yes, multi.labels.clone()),
            Answer::Values(_) | Answer::Tags(_) | Answer::Sequence(_) | Answer::Custom(_) => {
                (Form::Any, vec!["labeled".to_owned()])
            }
        };
        Self { name: task.name.to_string(), classes, form, labels: None }
    }

    /// Takes the labels of `n` more rows, of which `before` came before.
    fn append(&mut self, more: Option<Labels>, before: u64, n: u64) -> Result<()> {
        let count = |n: u64| usize::try_from(n).unwrap_or(0);
        match (&mut self.labels, more) {
            (None, None) => {}
            (None, Some(more)) => {
                let mut all = more.unlabeled(count(before));
                all.append(&more)?;
                self.labels = Some(all);
            }
            (Some(all), more) => {
                let more = more.unwrap_or_else(|| all.unlabeled(count(n)));
                all.append(&more)?;
            }
        }
        Ok(())
    }

    /// How many of some rows are of each class, and how many have no label.
    fn count(&self, rows: impl IntoIterator<Item: Borrow<usize>>) -> (Vec<u64>, u64) {
        let (mut counts, mut unlabeled) = (vec![0; self.classes.len()], 0);
        for row in rows {
            let Some(labels) = &self.labels else {
                unlabeled += 1;
                continue;
            };
            let range = labels.range(*row.borrow());
            let known = match labels.cells() {
                Cells::Index(cells) => self.see_indices(&cells[range], &mut counts),
                Cells::Number(cells) => self.see_numbers(&cells[range], &mut counts),
            };
            unlabeled += u64::from(!known);
        }
        (counts, unlabeled)
    }

    fn see_indices(&self, cells: &[i64], counts: &mut [u64]) -> bool {
        let known = cells.iter().any(|&cell| cell >= 0);
        match self.form {
            Form::Class => {
                let class = cells.first().and_then(|&class| usize::try_from(class).ok());
                class.and_then(|class| counts.get_mut(class)).into_iter().for_each(|n| *n += 1);
            }
            Form::NoYes | Form::Yes | Form::Any => {
                counts.iter_mut().take(usize::from(known)).for_each(|n| *n += 1);
            }
        }
        known
    }

    fn see_numbers(&self, cells: &[f32], counts: &mut [u64]) -> bool {
        let known = cells.iter().any(|cell| !cell.is_nan());
        match self.form {
            Form::NoYes => {
                let said = cells.first().filter(|cell| !cell.is_nan()).map(|cell| usize::from(*cell > 0.5));
                said.and_then(|said| counts.get_mut(said)).into_iter().for_each(|n| *n += 1);
            }
            Form::Yes => cells.iter().zip(counts).filter(|(cell, _)| **cell > 0.5).for_each(|(_, n)| *n += 1),
            Form::Class | Form::Any => counts.iter_mut().take(usize::from(known)).for_each(|n| *n += 1),
        }
        known
    }
}
