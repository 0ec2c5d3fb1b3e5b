//! What a run writes down while it goes on: JSON lines always, CSV tables and TensorBoard events on request.
//!
//! ```toml
//! [log]
//! every = 10          # optimizer steps between two logged ones
//! csv = true          # steps.csv, epochs.csv
//! tensorboard = true  # tensorboard/events.out.tfevents.*
//! ```
//! | file | format | for |
//! |---|---|---|
//! | `log.jsonl` | one JSON object a line, [`RunLog`] | programs, [`mtl report`](crate::analysis::run_report) |
//! | `steps.csv`, `epochs.csv` | one row a step, one an epoch, [`CsvLog`] | spreadsheets, data frames |
//! | `tensorboard/` | TFRecord of event messages, [`TensorBoardLog`] | TensorBoard |
//!
//! Logs are [`Observer`]s: the trainer does not know them, and a run is not stopped for a log that cannot be written
//! ([`RunLogs::failures`]). Whoever resumes a run says how far its checkpoint [`Reached`]; all logs are cut back to that
//! place, so that they read as if the run had never stopped.

mod config;
mod csv_files;
mod facts;
mod json_lines;
pub mod tensorboard;

pub use config::LogConfig;
pub use csv_files::CsvLog;
pub use facts::RunFacts;
pub use json_lines::RunLog;
pub use tensorboard::TensorBoardLog;

use mtl_core::task::TaskName;

use crate::{
    analysis::inspect::Finding,
    error::{Error, Result},
    run::dir::RunDir,
    train::{
        model::Model,
        trainer::{EpochSummary, Incident, Observer, StepSummary, Trainer},
    },
};

/// How far a checkpoint got: what logs are cut back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Optimizer steps done.
    pub step: u64,
    /// Epochs done, their validation included.
    pub epochs: u64,
}

impl Reached {
    /// How far a trainer got.
    #[must_use]
    pub fn by(trainer: &Trainer) -> Self {
        Self { step: trainer.step(), epochs: trainer.history().len() as u64 }
    }
}

/// All logs of a run.
#[derive(Debug)]
pub struct RunLogs {
    lines: RunLog,
    csv: Option<CsvLog>,
    tensorboard: Option<TensorBoardLog>,
}

impl RunLogs {
    /// New logs in the run's folder. The first thing they say is `facts`; `config` is the whole configuration as text.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be made.
    pub fn create(dir: &RunDir, log: &LogConfig, facts: &RunFacts, config: &str) -> Result<Self> {
        let mut lines = RunLog::create(&dir.log(), log.every)?;
        lines.write("run", facts);
        let csv = if log.csv { Some(CsvLog::create(dir.root(), log.every, &facts.tasks)?) } else { None };
        let mut tensorboard = match log.tensorboard {
            true => Some(TensorBoardLog::create(&dir.tensorboard(), log, &facts.tasks)?),
            false => None,
        };
        if let Some(events) = &mut tensorboard {
            events.text("config", config);
        }
        Ok(Self { lines, csv, tensorboard })
    }

    /// The logs of an interrupted run, cut back to what its checkpoint reached.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read or written.
    pub fn resume(dir: &RunDir, log: &LogConfig, tasks: &[String], reached: Reached) -> Result<Self> {
        Ok(Self {
            lines: RunLog::resume(&dir.log(), log.every, reached)?,
            csv: if log.csv { Some(CsvLog::resume(dir.root(), log.every, tasks, reached)?) } else { None },
            tensorboard: match log.tensorboard {
                true => Some(TensorBoardLog::resume(&dir.tensorboard(), log, tasks, reached)?),
                false => None,
            },
        })
    }

    /// Writes an object of that type, with the `step` by which it is cut off on resume, into the JSON lines.
    pub(crate) fn event(&mut self, kind: &str, value: impl serde::Serialize) {
        self.lines.write(kind, value);
    }

    /// What went wrong with those who watch `trainer`: logs that could not be written, an observer that failed. The run goes on without
    /// them.
    pub fn watching_failures(&self, trainer: &Trainer) -> impl Iterator<Item = String> {
        let observer = trainer.observer_failure().map(|e| format!("{e}; the run went on without it"));
        self.failures().map(|e| format!("{e}; the log is not complete")).chain(observer)
    }

    /// The first failure to write of each log that had one.
    pub fn failures(&self) -> impl Iterator<Item = &Error> {
        let csv = self.csv.as_ref().and_then(CsvLog::failure);
        let tensorboard = self.tensorboard.as_ref().and_then(TensorBoardLog::failure);
        self.lines.failure().into_iter().chain(csv).chain(tensorboard)
    }

    fn each(&mut self, mut tell: impl FnMut(&mut dyn Observer)) {
        tell(&mut self.lines);
        self.csv.iter_mut().for_each(|log| tell(log));
        self.tensorboard.iter_mut().for_each(|log| tell(log));
    }
}

impl Observer for RunLogs {
    fn step(&mut self, step: &StepSummary<'_>) {
        self.each(|log| log.step(step));
    }

    fn noticed(&mut self, finding: &Finding) {
        self.each(|log| log.noticed(finding));
    }

    fn incident(&mut self, incident: &Incident) {
        self.each(|log| log.incident(incident));
    }

    fn epoch(&mut self, epoch: &EpochSummary) {
        self.each(|log| log.epoch(epoch));
    }

    fn frozen(&mut self, task: &TaskName, epoch: u64) {
        self.each(|log| log.frozen(task, epoch));
    }

    fn model(&mut self, epoch: &EpochSummary, model: &Model) {
        self.each(|log| log.model(epoch, model));
    }

    fn finished(&mut self) {
        self.each(|log| log.finished());
    }
}
