//! How a model came about: data, sizes, settings, metrics. What a model card tells.

use std::{fs, path::Path};

use mtl_data::{Origin, Splits};
use mtl_metrics::MetricReport;
use serde::{Deserialize, Serialize};

use crate::{config::RunConfig, error::Result, intervals::Intervals, session::Session};

/// The run behind a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The data set's name in configurations.
    pub dataset: String,
    /// Where its samples come from.
    pub origin: Origin,
    /// Samples that were learned from.
    pub train_samples: u64,
    /// Samples by which the model was chosen.
    pub validation_samples: u64,
    /// Samples that the test metrics are of.
    pub test_samples: u64,
    /// Numbers that all tasks share.
    pub shared_parameters: u64,
    /// Numbers that belong to each task.
    pub task_parameters: Vec<u64>,
    /// Multiply-adds of the linear and convolution layers per sample.
    pub multiply_adds: u64,
    /// How it was trained: the configuration's sections `balancer` and `train`, as TOML.
    pub settings: String,
    /// The epoch that was chosen, from 1.
    pub best_epoch: Option<u64>,
    /// Metrics of that epoch on the validation split, by which it was chosen.
    pub validation: Option<MetricReport>,
    /// Metrics of that epoch on the test split.
    pub test: Option<MetricReport>,
    /// How far off those may be; `None` in packages of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Intervals>,
}

impl Record {
    /// What is known without metrics.
    ///
    /// # Errors
    /// Those of a forward pass.
    pub fn of(config: &RunConfig, splits: &Splits, session: &Session) -> Result<Self> {
        let model = session.trainer.model();
        let mut record = Self {
            dataset: config.data.name().to_owned(),
            origin: splits.origin,
            train_samples: splits.train.len(),
            validation_samples: splits.validation.len(),
            test_samples: splits.test.len(),
            shared_parameters: model.params().numel_of(&model.params().shared()) as u64,
            task_parameters: Vec::new(),
            multiply_adds: 0,
            settings: settings(config)?,
            best_epoch: None,
            validation: None,
            test: None,
            intervals: None,
        };
        if let Some(batch) = session.validation.epoch(0)?.next() {
            let summary = model.summary(&batch?.to_device(model.params().device())?.inputs)?;
            record.task_parameters = summary.per_task.iter().map(|&n| n as u64).collect();
            record.multiply_adds = summary.multiply_adds;
        }
        Ok(record)
    }

    /// Adds what a run's `metrics.json` says, as far as it is there and readable: a model without known metrics is one, and
    /// its card says so.
    #[must_use]
    pub fn with_metrics(mut self, metrics: &Path) -> Self {
        let text = fs::read_to_string(metrics).unwrap_or_default();
        let found: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let report = |split: &str| serde_json::from_value(found.get(split)?.clone()).ok();
        self.best_epoch = found.get("best_epoch").and_then(serde_json::Value::as_u64);
        (self.validation, self.test) = (report("validation"), report("test"));
        self.intervals = found.get("intervals").and_then(|found| serde_json::from_value(found.clone()).ok());
        self
    }
}

/// The sections that say how a model was trained; where the data lie is nobody else's business.
fn settings(config: &RunConfig) -> Result<String> {
    let whole: toml::Table = config.to_toml()?.parse().unwrap_or_default();
    let kept = whole.into_iter().filter(|(section, _)| section == "balancer" || section == "train");
    Ok(kept.collect::<toml::Table>().to_string())
}
