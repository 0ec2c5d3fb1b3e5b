//! How a model came about: data, sizes, settings, metrics. What a model card tells.

use std::{fs, path::Path};

use mtl_data::Origin;
use mtl_metrics::MetricReport;
use serde::{Deserialize, Serialize};

use crate::{
    analysis::intervals::Intervals,
    config::RunConfig,
    error::Result,
    run::data::RunData,
    train::{model::Model, trainer::Choice},
};

/// The run behind a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The data set's name in configurations.
    pub dataset: String,
    /// Where its samples come from.
    pub origin: Origin,
    /// The start of a digest of files and settings of the data: the same data have the same. `None` in packages of version 1.
    #[serde(default)]
    pub data_print: Option<String>,
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
    /// Which epoch counts, and on what grounds; `None` where the run did not tell.
    #[serde(default)]
    pub selection: Option<Choice>,
    /// Metrics of constant answers on the test split.
    #[serde(default)]
    pub constant: Option<MetricReport>,
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
    pub fn of(config: &RunConfig, data: &RunData, model: &Model) -> Result<Self> {
        let kept = &data.data;
        let summary = model.summary(&kept.info.inputs.example(1)?.to_device(model.params().device())?)?;
        let cut = &kept.provenance.cut;
        Ok(Self {
            dataset: kept.settings.name().to_owned(),
            origin: kept.origin,
            data_print: Some(data.short_print()),
            train_samples: cut.train.samples,
            validation_samples: cut.validation.samples,
            test_samples: cut.test.samples,
            shared_parameters: summary.shared as u64,
            task_parameters: summary.per_task.iter().map(|&n| n as u64).collect(),
            multiply_adds: summary.multiply_adds,
            settings: settings(config)?,
            best_epoch: None,
            selection: None,
            constant: None,
            validation: None,
            test: None,
            intervals: None,
        })
    }

    /// Adds what a run's `metrics.json` says, as far as it is there and readable: a model without known metrics is one, and
    /// its card says so.
    #[must_use]
    pub fn with_metrics(mut self, metrics: &Path) -> Self {
        let text = fs::read_to_string(metrics).unwrap_or_default();
        let found: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let report = |split: &str| serde_json::from_value(found.get(split)?.clone()).ok();
        self.selection = found.get("selection").and_then(|choice| serde_json::from_value(choice.clone()).ok());
        self.constant = found.get("constant").and_then(|c| serde_json::from_value(c.get("test")?.clone()).ok());
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
