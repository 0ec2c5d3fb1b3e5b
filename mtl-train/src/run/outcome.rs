//! What a finished run found out: `metrics.json` of its folder, read by reports, studies and model cards alike.
//!
//! Two runs of one configuration have the same file, to the byte: what depends on the clock is in [`cost`](super::cost).

use std::path::Path;

use mtl_data::sampler::Sampled;
use mtl_metrics::MetricReport;
use serde::{Deserialize, Serialize};

use super::{dir::RunDir, json, post_hoc::PostHocOutcome, session::Session};
use crate::{
    analysis::{intervals::Intervals, run_report::Evaluation},
    error::Result,
    train::{task_weights::TaskWeight, trainer::Choice},
};

#[cfg(doc)]
use crate::error::Error;

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
    /// What the answers on validation look like: everything that the report says of them.
    pub answers: Option<Evaluation>,
    /// What the sampler dealt, up to the last validation; `None` where rows come once each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled: Option<Sampled>,
    /// What tasks weigh by their size, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub task_weights: Vec<TaskWeight>,
    /// What was fitted to the answers, and what it is worth; `None` where no task asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_hoc: Option<PostHocOutcome>,
}

/// The metrics of constant answers: shares, means and medians of the training labels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConstantOutcome {
    /// On the validation split.
    pub validation: MetricReport,
    /// On the test split.
    pub test: MetricReport,
}

impl Outcome {
    /// The outcome of a session that was trained to its end, whose metrics on the test split are `test`, off by as much as
    /// `intervals` say.
    ///
    /// # Errors
    /// Those of reading the labels of validation and test.
    pub fn of(session: &Session, test: MetricReport, mut intervals: Intervals) -> Result<Self> {
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
            answers: None, // the report adds it, which reads validation
            sampled: session.sampled(session.trainer.history().last().map_or(0, |epoch| epoch.step))?,
            task_weights: session.task_weights(),
            post_hoc: None,
        })
    }

    /// The selection score of the chosen epoch on validation; `None` when none was chosen.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        self.selection.as_ref().filter(|choice| choice.chosen)?.score
    }

    /// Writes it into a run's folder.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written.
    pub fn write(&self, dir: &RunDir) -> Result<()> {
        json::write(&dir.metrics(), self)
    }

    /// The outcome of a run; `None` when it has not finished.
    ///
    /// # Errors
    /// [`Error::Io`] when `metrics.json` cannot be read, [`Error::Checkpoint`] when it is damaged.
    pub fn read(dir: &RunDir) -> Result<Option<Self>> {
        json::read(&dir.metrics(), |e| format!("metrics are damaged: {e}"))
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
