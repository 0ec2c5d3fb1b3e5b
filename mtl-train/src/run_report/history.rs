//! A run's log, read back.

use std::{fs, path::Path};

use mtl_metrics::MetricReport;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    intervals::Intervals,
    run_dir::RunDir,
    runlog::RunFacts,
    session::Session,
    trainer::{Choice, EpochSummary},
};

/// What happened in a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Its circumstances.
    pub facts: RunFacts,
    /// The logged steps.
    pub steps: Vec<StepLine>,
    /// The epochs.
    pub epochs: Vec<EpochSummary>,
    /// The most memory held, in bytes; `None` while it runs, and where the system does not tell.
    pub peak_memory: Option<u64>,
}

/// A logged step.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct StepLine {
    /// The step, from 0.
    pub step: u64,
    /// Its epoch, from 0.
    pub epoch: u64,
    /// Learning rate.
    pub lr: f64,
    /// 2-norm of all gradients before clipping.
    pub gradient_norm: Option<f64>,
    /// Loss per task.
    pub losses: Vec<Option<f64>>,
    /// Balancer weight per task.
    pub weights: Vec<Option<f64>>,
    /// The tasks behind the rows of `cosines`.
    pub active: Vec<usize>,
    /// Cosines of the active tasks' gradients; empty without a Gramian.
    pub cosines: Vec<Vec<Option<f64>>>,
}

impl StepLine {
    /// The cosine of two tasks' gradients, where the step has it.
    #[must_use]
    pub fn cosine(&self, a: usize, b: usize) -> Option<f64> {
        let row = |task| self.active.iter().position(|t| *t == task);
        *self.cosines.get(row(a)?)?.get(row(b)?)?
    }
}

/// What a finished run found out: `metrics.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// The epoch that was chosen on validation, from 1; `None` when none could be, and the last one counts.
    pub best_epoch: Option<u64>,
    /// Which epoch counts, and on what grounds; `None` in files of older versions.
    pub selection: Option<Choice>,
    /// Metrics of that epoch on validation.
    pub validation: Option<MetricReport>,
    /// Its metrics on test.
    pub test: MetricReport,
    /// How far off the test metrics may be; `None` in files of older versions.
    pub intervals: Option<Intervals>,
    /// What answers that look at no input would have; `None` in files of older versions.
    pub constant: Option<ConstantOutcome>,
}

/// The metrics of constant answers: shares, means and medians of the training labels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConstantOutcome {
    /// On the validation split.
    pub validation: MetricReport,
    /// On the test split.
    pub test: MetricReport,
}

impl History {
    /// Reads a log. Lines that are torn or of an unknown type are passed over.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|e| Error::io(path, "cannot read log", e))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut history = Self::default();
        for line in text.lines() {
            let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
            match value["type"].as_str() {
                Some("run") => history.facts = serde_json::from_value(value).unwrap_or_default(),
                Some("step") => history.steps.extend(serde_json::from_value::<StepLine>(value)),
                Some("epoch") => history.epochs.extend(serde_json::from_value::<EpochSummary>(value)),
                Some("end") => history.peak_memory = value["peak_memory"].as_u64(),
                _ => {}
            }
        }
        history
    }

    /// The best epoch so far.
    #[must_use]
    pub fn best(&self) -> Option<&EpochSummary> {
        self.epochs.iter().rfind(|e| e.is_best)
    }
}

impl Outcome {
    /// The outcome of a session that was trained to its end, whose metrics on the test split are `test`, off by as much as
    /// `intervals` say.
    ///
    /// # Errors
    /// Those of reading the labels of validation and test.
    pub fn of(session: &Session, test: MetricReport, intervals: Intervals) -> Result<Self> {
        let selection = session.trainer.choice();
        let kept = selection
            .as_ref()
            .and_then(|choice| session.trainer.history().iter().find(|epoch| epoch.epoch + 1 == choice.epoch));
        Ok(Self {
            best_epoch: selection.as_ref().filter(|choice| choice.chosen).map(|choice| choice.epoch),
            validation: kept.map(|epoch| epoch.validation.clone()),
            selection,
            test,
            intervals: Some(intervals),
            constant: Some(ConstantOutcome {
                validation: session.validate_constant()?,
                test: session.test_constant()?,
            }),
        })
    }

    /// The text of `metrics.json`.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Error::Checkpoint { path: "metrics.json".into(), reason: e.to_string() })?;
        Ok(format!("{text}\n"))
    }

    /// The outcome of a run; `None` when it has not finished.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when `metrics.json` is damaged.
    pub fn read(dir: &RunDir) -> Result<Option<Self>> {
        let path = dir.metrics();
        let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
        let damaged = |e: serde_json::Error| Error::Checkpoint { path, reason: format!("metrics are damaged: {e}") };
        serde_json::from_str(&text).map(Some).map_err(damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_torn_ones_passed_over() {
        let text = concat!(
            "{\"type\":\"run\",\"seed\":3,\"tasks\":[\"a\",\"b\",\"c\"]}\n",
            "{\"type\":\"step\",\"step\":10,\"epoch\":0,\"lr\":0.1,\"gradient_norm\":null,\"losses\":[0.5,null,1.0],",
            "\"weights\":[1.0,0.0,2.0],\"active\":[0,2],\"cosines\":[[1.0,-0.5],[-0.5,1.0]]}\n",
            "{\"type\":\"end\",\"peak_memory\":4096}\n{\"type\":\"st",
        );
        let history = History::parse(text);
        assert_eq!((history.facts.seed, history.facts.tasks.len(), history.peak_memory), (3, 3, Some(4096)));
        let step = &history.steps[0];
        assert_eq!((step.cosine(0, 2), step.cosine(0, 1), step.losses[1]), (Some(-0.5), None, None));
        assert!(history.best().is_none());
    }
}
