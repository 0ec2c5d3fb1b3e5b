//! The run's log as JSON lines: one object a line, readable while the run goes on.
//!
//! | `type` | fields |
//! |---|---|
//! | `run` | the fields of [`RunFacts`](super::RunFacts) |
//! | `step` | `epoch`, `step`, `lr`, `gradient_norm`, `losses[]`, `weights[]`, `cosines[][]` (when there is a Gramian), `dropped[]` |
//! | `finding` | the fields of [`Finding`]: what the first step showed |
//! | `incident` | the fields of [`Incident`]: a loss or gradient that was not finite |
//! | `drift` | `task`, `step`, `row`, `before`, `after`: the loss changed, see [`crate::stream::drift`] |
//! | `frozen` | `task`, `epoch` |
//! | `epoch` | the fields of [`EpochSummary`] |
//! | `end` | `peak_memory` in bytes, where the system tells |
//!
//! Lists are in task order; an absent value is `null`. On resume, lines after the checkpoint are cut off, so that the
//! file reads as if the run had never stopped.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use mtl_core::task::TaskName;
use serde::Serialize;
use serde_json::{Value, json};

use super::Reached;
use crate::{
    analysis::inspect::Finding,
    error::{Error, Result},
    run::memory,
    train::{
        checkpoint::write_atomic,
        trainer::{EpochSummary, Incident, Observer, StepSummary},
    },
};

/// Writes the log.
#[derive(Debug)]
pub struct RunLog {
    path: PathBuf,
    out: BufWriter<File>,
    every: u64,
    failure: Option<Error>,
}

impl RunLog {
    /// A new log, replacing one of that name; every `every`-th step is logged.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be made.
    pub fn create(path: &Path, every: u64) -> Result<Self> {
        let file = File::create(path).map_err(|e| Error::io(path, "cannot create log", e))?;
        Ok(Self { path: path.to_owned(), out: BufWriter::new(file), every: every.max(1), failure: None })
    }

    /// The log of an interrupted run, cut back to what its checkpoint reached.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read or written.
    pub fn resume(path: &Path, every: u64, reached: Reached) -> Result<Self> {
        if path.exists() {
            let text = fs::read_to_string(path).map_err(|e| Error::io(path, "cannot read log", e))?;
            let kept: String = text.lines().filter(|l| happened_before(l, reached)).flat_map(|l| [l, "\n"]).collect();
            write_atomic(path, kept.as_bytes())?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|e| Error::io(path, "cannot open log", e))?;
        Ok(Self { path: path.to_owned(), out: BufWriter::new(file), every: every.max(1), failure: None })
    }

    /// Writes one object of that type.
    pub fn write(&mut self, kind: &str, value: impl Serialize) {
        let mut line = serde_json::to_value(value).unwrap_or(Value::Null);
        if let Value::Object(fields) = &mut line {
            fields.insert("type".into(), kind.into());
        }
        if let Err(e) = writeln!(self.out, "{line}").and_then(|()| self.out.flush()) {
            self.failure.get_or_insert(Error::io(&self.path, "cannot write log", e));
        }
    }

    /// The first failure to write, if there was one: a run is not stopped for its log.
    #[must_use]
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }
}

/// Whether a line tells of something that the checkpoint knows of. A torn last line does not, nor an end that was none.
fn happened_before(line: &str, reached: Reached) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(line) else { return false };
    let number = |field: &str| value[field].as_u64().unwrap_or(0);
    match value["type"].as_str() {
        Some("step" | "incident" | "drift") => number("step") < reached.step,
        // Said after the first step.
        Some("finding") => reached.step > 0,
        Some("epoch" | "frozen") => number("epoch") < reached.epochs,
        Some("end") => false,
        _ => true,
    }
}

impl Observer for RunLog {
    fn step(&mut self, s: &StepSummary<'_>) {
        if !s.step.is_multiple_of(self.every) {
            return;
        }
        let tasks = &s.report.tasks;
        let mut line = json!({
            "epoch": s.epoch,
            "step": s.step,
            "lr": s.lr,
            "gradient_norm": s.gradient_norm,
            "losses": tasks.iter().map(|t| t.loss).collect::<Vec<_>>(),
            "weights": tasks.iter().map(|t| t.weight).collect::<Vec<_>>(),
        });
        if let Some(gramian) = &s.report.gramian {
            line["active"] = json!(s.report.active);
            line["cosines"] = json!(
                (0..gramian.m())
                    .map(|i| (0..gramian.m()).map(|j| gramian.cosine(i, j)).collect::<Vec<_>>())
                    .collect::<Vec<_>>()
            );
        }
        if tasks.iter().any(|t| t.dropped.is_some()) {
            line["dropped"] = json!(tasks.iter().map(|t| t.dropped.map(|d| format!("{d:?}"))).collect::<Vec<_>>());
        }
        self.write("step", line);
    }

    fn noticed(&mut self, finding: &Finding) {
        self.write("finding", finding);
    }

    fn incident(&mut self, incident: &Incident) {
        self.write("incident", incident);
    }

    fn epoch(&mut self, epoch: &EpochSummary) {
        self.write("epoch", epoch);
    }

    fn frozen(&mut self, task: &TaskName, epoch: u64) {
        self.write("frozen", json!({ "task": task, "epoch": epoch }));
    }

    fn finished(&mut self) {
        self.write("end", json!({ "peak_memory": memory::peak() }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_checkpoint_does_not_know_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let text = concat!(
            "{\"type\":\"run\",\"seed\":1}\n",
            "{\"type\":\"step\",\"step\":8,\"epoch\":0}\n",
            "{\"type\":\"step\",\"step\":9,\"epoch\":0}\n",
            "{\"type\":\"epoch\",\"step\":10,\"epoch\":0}\n",
            "{\"type\":\"step\",\"step\":10,\"epoch\":1}\n",
            "{\"type\":\"end\"}\n{\"type\":\"st",
        );
        // Killed between the checkpoint of the last step of an epoch and the one after its validation.
        for (reached, n_kept) in [(Reached { step: 10, epochs: 0 }, 3), (Reached { step: 10, epochs: 1 }, 4)] {
            fs::write(&path, text).unwrap();
            let mut log = RunLog::resume(&path, 1, reached).unwrap();
            log.write("step", json!({ "step": 10 }));
            let lines = fs::read_to_string(&path).unwrap();
            assert_eq!(lines.lines().count(), n_kept + 1, "{lines}");
            assert!(lines.lines().all(|l| serde_json::from_str::<Value>(l).is_ok()));
        }
    }
}
