//! What a finished run found out: `metrics.json` of its folder, read by reports, studies and model cards alike.

use std::{fs, io::ErrorKind, path::Path};

use mtl_core::metric::Direction;
use mtl_metrics::MetricReport;
use serde::{Deserialize, Serialize};

use super::{dir::RunDir, session::Session};
use crate::{
    analysis::{intervals::Intervals, run_report::Evaluation},
    error::{Error, Result},
    train::trainer::Choice,
};

/// What a finished run found out. What older versions did not write is `None` in their files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// The epoch that was chosen on validation, from 1; `None` when none could be, and the last one counts.
    pub best_epoch: Option<u64>,
    /// Which epoch counts, and on what grounds.
    pub selection: Option<Choice>,
    /// Metrics of that epoch on validation.
    pub validation: Option<MetricReport>,
    /// Its metrics on test.
    pub test: MetricReport,
    /// How far off the test metrics may be.
    pub intervals: Option<Intervals>,
    /// What answers that look at no input would have.
    pub constant: Option<ConstantOutcome>,
    /// What it took.
    pub training: Option<Training>,
    /// What the answers on validation look like: everything that the report says of them.
    pub answers: Option<Evaluation>,
}

/// The metrics of constant answers: shares, means and medians of the training labels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConstantOutcome {
    /// On the validation split.
    pub validation: MetricReport,
    /// On the test split.
    pub test: MetricReport,
}

/// What a run took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Numbers in the model.
    pub parameters: usize,
    /// Samples to learn from.
    pub samples: u64,
    /// Epochs, or validations where these come more or less often.
    pub epochs: u64,
    /// Passes over the training split, parts of one included, where validations are not epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passes: Option<f64>,
    /// Seconds of training in them, validation not included.
    pub seconds: f64,
    /// Which way the selection score is better.
    pub score_direction: Direction,
    /// Peak of resident memory over what the process held before, in MB; `None` where it was not measured.
    pub peak_memory_mb: Option<f64>,
}

impl Training {
    /// What the session took.
    #[must_use]
    pub fn of(session: &Session, peak_memory_mb: Option<f64>) -> Self {
        let history = session.trainer.history();
        let is_epoch = session.trainer.config().validate_every.is_epoch();
        Self {
            parameters: session.trainer.model().params().numel(),
            samples: session.train.source().len(),
            epochs: history.len() as u64,
            passes: if is_epoch { None } else { session.trainer.passes(&session.train) },
            seconds: history.iter().map(|epoch| epoch.seconds).sum(),
            score_direction: session.trainer.selection().direction(),
            peak_memory_mb,
        }
    }

    /// Mean seconds of training in a pass over the training split.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count of epochs")]
    pub fn seconds_per_epoch(&self) -> f64 {
        self.seconds / self.passes.filter(|passes| *passes > 0.0).unwrap_or(self.epochs.max(1) as f64)
    }
}

impl Outcome {
    /// The outcome of a session that was trained to its end, whose metrics on the test split are `test`, off by as much as
    /// `intervals` say.
    ///
    /// # Errors
    /// Those of reading the labels of validation and test.
    pub fn of(
        session: &Session,
        test: MetricReport,
        mut intervals: Intervals,
        peak_memory_mb: Option<f64>,
    ) -> Result<Self> {
        let selection = session.trainer.choice();
        let kept = selection
            .as_ref()
            .and_then(|choice| session.trainer.history().iter().find(|epoch| epoch.epoch + 1 == choice.epoch));
        let validation = kept.map(|epoch| epoch.validation.clone());
        let constant = ConstantOutcome { validation: session.validate_constant()?, test: session.test_constant()? };
        for mean in &mut intervals.means {
            mean.validation = validation.as_ref().and_then(|report| mean_over_tasks(report, &mean.of.metric));
            mean.constant = mean_over_tasks(&constant.test, &mean.of.metric);
        }
        Ok(Self {
            best_epoch: selection.as_ref().filter(|choice| choice.chosen).map(|choice| choice.epoch),
            validation,
            selection,
            test,
            intervals: Some(intervals),
            constant: Some(constant),
            training: Some(Training::of(session, peak_memory_mb)),
            answers: None, // the report adds it, which reads validation
        })
    }

    /// The selection score of the chosen epoch on validation; `None` when none was chosen.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        self.selection.as_ref().filter(|choice| choice.chosen)?.score
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
    /// [`Error::Io`] when `metrics.json` cannot be read, [`Error::Checkpoint`] when it is damaged.
    pub fn read(dir: &RunDir) -> Result<Option<Self>> {
        let path = dir.metrics();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(path, "cannot read", e)),
        };
        let damaged = |e: serde_json::Error| Error::Checkpoint { path, reason: format!("metrics are damaged: {e}") };
        serde_json::from_str(&text).map(Some).map_err(damaged)
    }

    /// The outcome of the run in a folder; `None` when it holds none, or one that has not finished.
    ///
    /// # Errors
    /// As [`Outcome::read`].
    pub fn at(root: &Path) -> Result<Option<Self>> {
        match RunDir::holds_run(root) {
            true => Self::read(&RunDir::open(root)?),
            false => Ok(None),
        }
    }
}

/// The mean over the tasks that are judged by this metric first, where it is defined; `None` where it is nowhere.
fn mean_over_tasks(report: &MetricReport, metric: &str) -> Option<f64> {
    let primary = report.tasks.iter().filter_map(|task| task.metrics.first()).filter(|entry| entry.metric == metric);
    let known: Vec<f64> = primary.filter_map(|entry| entry.outcome.value).collect();
    #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    (!known.is_empty()).then_some(mean)
}
