//! The log as two tables: `steps.csv` and `epochs.csv`.
//!
//! | file | columns |
//! |---|---|
//! | `steps.csv` | `epoch`, `step`, `lr`, `gradient_norm`, `lowest_cosine`, then per task `T.loss`, `T.weight` |
//! | `epochs.csv` | `epoch`, `step`, `seconds`, `samples_per_second`, `score`, `is_best`, `conflict`, then per task `T.train_loss`, `T.mean_weight`, `T.METRIC` on validation, then per joint metric `joint.NAME` |
//!
//! Epochs and steps count from 0, as in the JSON lines. What does not exist (the loss of an absent task, a metric that is
//! undefined) is an empty cell. `lowest_cosine` is that of the pair of tasks that disagrees most, where the step had a
//! Gramian; `conflict` is the mean share of conflicting steps over all pairs.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

use super::Reached;
use crate::{
    error::{Error, Result},
    train::{
        checkpoint::write_atomic,
        trainer::{EpochSummary, Observer, StepSummary},
    },
};

/// Writes both tables.
#[derive(Debug)]
pub struct CsvLog {
    steps: CsvFile,
    epochs: CsvFile,
    every: u64,
    tasks: Vec<String>,
}

/// One table that is flushed after each row; the header is written before the first.
#[derive(Debug)]
struct CsvFile {
    path: PathBuf,
    out: csv::Writer<File>,
    has_header: bool,
    failure: Option<Error>,
}

const STEPS: &str = "steps.csv";
const EPOCHS: &str = "epochs.csv";

impl CsvLog {
    /// New tables in a folder, replacing those of these names; every `every`-th step is a row.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be made.
    pub fn create(folder: &Path, every: u64, tasks: &[String]) -> Result<Self> {
        let file = |name: &str| {
            let path = folder.join(name);
            write_atomic(&path, b"").and_then(|()| CsvFile::open(path))
        };
        Ok(Self { steps: file(STEPS)?, epochs: file(EPOCHS)?, every: every.max(1), tasks: tasks.to_vec() })
    }

    /// The tables of an interrupted run, cut back to what its checkpoint reached.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read or written.
    pub fn resume(folder: &Path, every: u64, tasks: &[String], reached: Reached) -> Result<Self> {
        let file = |name: &str, column: &str, end: u64| {
            let path = folder.join(name);
            cut(&path, column, end)?;
            CsvFile::open(path)
        };
        Ok(Self {
            steps: file(STEPS, "step", reached.step)?,
            epochs: file(EPOCHS, "epoch", reached.epochs)?,
            every: every.max(1),
            tasks: tasks.to_vec(),
        })
    }

    /// The first failure to write, if there was one.
    #[must_use]
    pub fn failure(&self) -> Option<&Error> {
        self.steps.failure.as_ref().or(self.epochs.failure.as_ref())
    }

    fn per_task<'a>(&'a self, fields: &'a [String]) -> impl Iterator<Item = String> + 'a {
        self.tasks.iter().flat_map(move |task| fields.iter().map(move |field| format!("{task}.{field}")))
    }
}

/// Keeps the rows whose `column` is below `end`; a torn last row goes too.
fn cut(path: &Path, column: &str, end: u64) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let text = fs::read_to_string(path).map_err(|e| Error::io(path, "cannot read log", e))?;
    // A row counts when its line is whole.
    let whole = text.rfind('\n').map_or("", |last| text.get(..=last).unwrap_or_default());
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(whole.as_bytes());
    let headers = reader.headers().cloned().unwrap_or_default();
    let place = headers.iter().position(|name| name == column);
    let mut kept = csv::Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| Error::io(path, "cannot cut log", e.into());
    if !headers.is_empty() {
        kept.write_record(&headers).map_err(failed)?;
    }
    for row in reader.records().map_while(std::result::Result::ok) {
        let number = place.and_then(|at| row.get(at)).and_then(|cell| cell.parse::<u64>().ok());
        if row.len() == headers.len() && number.is_some_and(|n| n < end) {
            kept.write_record(&row).map_err(failed)?;
        }
    }
    let bytes = kept.into_inner().map_err(|e| Error::io(path, "cannot cut log", e.into_error()))?;
    write_atomic(path, &bytes)
}

impl CsvFile {
    fn open(path: PathBuf) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(|e| Error::io(&path, "cannot open log", e))?;
        let has_header = file.metadata().is_ok_and(|meta| meta.len() > 0);
        Ok(Self { out: csv::Writer::from_writer(file), path, has_header, failure: None })
    }

    fn row(&mut self, header: impl FnOnce() -> Vec<String>, cells: &[String]) {
        let write = || {
            if !self.has_header {
                self.out.write_record(header())?;
                self.has_header = true;
            }
            self.out.write_record(cells)?;
            self.out.flush().map_err(csv::Error::from)
        };
        if let Err(e) = write() {
            self.failure.get_or_insert(Error::io(&self.path, "cannot write log", e.into()));
        }
    }
}

/// The shortest digits that read back as the same number; empty where there is none.
fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |v| v.to_string())
}

impl Observer for CsvLog {
    fn step(&mut self, s: &StepSummary<'_>) {
        if !s.step.is_multiple_of(self.every) {
            return;
        }
        let lowest = s.report.gramian.as_ref().and_then(|g| {
            let pairs = (0..g.m()).flat_map(|i| (0..i).map(move |j| (i, j)));
            pairs.map(|(i, j)| g.cosine(i, j)).min_by(f64::total_cmp)
        });
        let mut cells = vec![s.epoch.to_string(), s.step.to_string(), number(Some(s.lr))];
        cells.extend([number(s.gradient_norm), number(lowest)]);
        cells.extend(s.report.tasks.iter().flat_map(|t| [number(t.loss), number(Some(t.weight))]));
        let own = ["epoch", "step", "lr", "gradient_norm", "lowest_cosine"].map(String::from);
        let fields = ["loss", "weight"].map(String::from);
        let header: Vec<String> = own.into_iter().chain(self.per_task(&fields)).collect();
        self.steps.row(|| header, &cells);
    }

    fn epoch(&mut self, e: &EpochSummary) {
        let mut header: Vec<String> =
            ["epoch", "step", "seconds", "samples_per_second", "score", "is_best", "conflict"].map(String::from).into();
        let conflict = (!e.conflict.conflict.is_empty()).then(|| e.conflict.score());
        let mut cells = vec![e.epoch.to_string(), e.step.to_string(), number(Some(e.seconds))];
        cells.extend([number(Some(e.samples_per_second)), number(e.score), e.is_best.to_string(), number(conflict)]);
        for (idx, task) in self.tasks.iter().enumerate() {
            header.extend([format!("{task}.train_loss"), format!("{task}.mean_weight")]);
            cells.push(number(e.train_loss.get(idx).copied().flatten()));
            cells.push(number(e.mean_weight.get(idx).copied()));
            for entry in e.validation.tasks.get(idx).iter().flat_map(|t| &t.metrics) {
                header.push(format!("{task}.{}", entry.metric));
                cells.push(number(entry.outcome.value));
            }
        }
        for entry in &e.validation.joint {
            // Its name is the user's: `score` would be a second column of that name.
            header.push(format!("joint.{}", entry.name));
            cells.push(number(entry.outcome.value));
        }
        self.epochs.row(|| header, &cells);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{
        balance::Conflict,
        metric::Direction,
        step::{StepReport, TaskStep},
    };
    use mtl_metrics::{JointEntry, JointKind, MetricReport, MetricValue};

    fn step(log: &mut CsvLog, step: u64, loss: Option<f64>) {
        let task = |loss| TaskStep { loss, count: 1.0, weight: 0.5, clip: 1.0, dropped: None };
        let report = StepReport { tasks: vec![task(loss), task(Some(1.5))], ..StepReport::default() };
        log.step(&StepSummary {
            epoch: 0,
            step,
            total_steps: 9,
            lr: 0.1,
            gradient_norm: None,
            report: &report,
            samples_per_second: 1.0,
        });
    }

    #[test]
    fn a_joint_metric_has_a_column_of_its_own_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = CsvLog::create(folder.path(), 1, &["a".to_owned()]).unwrap();
        let joint = |name: &str| JointEntry {
            name: name.into(),
            kind: JointKind::AllCorrect,
            tasks: Vec::new(),
            direction: Direction::Maximize,
            outcome: MetricValue::defined(0.25, 4),
            left_out: 0,
        };
        log.epoch(&EpochSummary {
            every: crate::train::trainer::Every::default(),
            epoch: 0,
            epochs: 1,
            step: 1,
            train_loss: vec![Some(0.5)],
            mean_weight: vec![1.0],
            conflict: Conflict::default(),
            blocks: Vec::new(),
            validation: MetricReport { joint: vec![joint("score"), joint("step")], ..MetricReport::default() },
            score: Some(0.75),
            terms: 1,
            left_out: Vec::new(),
            is_best: true,
            incidents: 0,
            frozen: vec![false],
            seconds: 1.0,
            samples_per_second: 10.0,
        });
        let text = fs::read_to_string(folder.path().join(EPOCHS)).unwrap();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        let mut names = lines[0].clone();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), lines[0].len(), "no name twice: {text}");
        let at = |name: &str| lines[1][lines[0].iter().position(|n| *n == name).unwrap()];
        assert_eq!((at("score"), at("joint.score"), at("joint.step")), ("0.75", "0.25", "0.25"));
    }

    #[test]
    fn rows_are_appended_cut_and_appended_again() {
        let folder = tempfile::tempdir().unwrap();
        let tasks = ["a".to_owned(), "b, or not".to_owned()];
        let mut log = CsvLog::create(folder.path(), 2, &tasks).unwrap();
        for n in 0..6 {
            step(&mut log, n, (n != 2).then_some(0.25));
        }
        assert!(log.failure().is_none());
        drop(log);
        let path = folder.path().join(STEPS);
        let whole = fs::read_to_string(&path).unwrap();
        assert_eq!(
            whole,
            "epoch,step,lr,gradient_norm,lowest_cosine,a.loss,a.weight,\"b, or not.loss\",\"b, or not.weight\"\n\
             0,0,0.1,,,0.25,0.5,1.5,0.5\n0,2,0.1,,,,0.5,1.5,0.5\n0,4,0.1,,,0.25,0.5,1.5,0.5\n"
        );
        // A kill tore the last row in a place where it still looks like a number of another step.
        fs::write(&path, format!("{whole}0,1")).unwrap();
        let mut log = CsvLog::resume(folder.path(), 2, &tasks, Reached { step: 3, epochs: 0 }).unwrap();
        step(&mut log, 4, Some(0.25));
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    }
}
