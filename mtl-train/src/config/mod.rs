//! The configuration file of a run.
//!
//! ```toml
//! [data]                       # which data set, see `mtl list datasets`
//! kind = "census-income"
//!
//! [encoder]                    # see `mtl list encoders`
//! kind = "tabular"
//! hidden = [128, 64]
//!
//! [sharing]                    # see `mtl list architectures`; default hard
//! kind = "task-query"
//!
//! [balancer]                   # see `mtl list balancers`; default equal
//! kind = "upgrad"
//!
//! [train]                      # every key of TrainConfig
//! epochs = 8
//! batch_size = 1024
//! optimizer = { kind = "adamw", lr = 2e-3 }
//!
//! [[task]]                     # optional: a subset of the data's tasks, their order, weights, heads and metrics
//! name = "income"
//! weight = 1.0
//! primary = "auroc"
//! head = { kind = "multi-label", hidden = [32] }
//!
//! [device]                     # optional
//! kind = "cpu"                 # or "cuda:0"
//! threads = 2
//! ```
//!
//! Each section is read by the part it configures, so a key is refused by the one that knows the keys, with the file, the
//! line and the nearest key that exists.

mod locate;
mod study;

use std::{fs, path::Path};

use locate::Locator;
use mtl_core::metric::MetricId;
use mtl_data::DatasetConfig;
use mtl_heads::HeadConfig;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
pub use study::StudyConfig;

use crate::{
    architecture::Architecture,
    encoder::AnyEncoder,
    error::{Error, Result},
    method::MethodConfig,
    trainer::TrainConfig,
};

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunConfig {
    /// The data set.
    pub data: DatasetConfig,
    /// The encoder.
    pub encoder: AnyEncoder,
    /// What tasks share.
    pub sharing: Architecture,
    /// How tasks are balanced.
    pub balancer: MethodConfig,
    /// How the model is trained.
    pub train: TrainConfig,
    /// The tasks; empty means all of the data set, with defaults.
    #[serde(rename = "task", skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskConfig>,
    /// Where it runs.
    pub device: DeviceConfig,
}

/// What a run wants of one task of the data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskConfig {
    /// Which task.
    pub name: String,
    /// What it counts, > 0; default 1.
    #[serde(default = "one")]
    pub weight: f64,
    /// The metric that judges it; default the first of its head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<MetricId>,
    /// A single-task baseline of that metric, for delta_m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// Its head; default what suits its labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<HeadConfig>,
}

fn one() -> f64 {
    1.0
}

/// Where a run computes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceConfig {
    /// `cpu`, `cuda` or `cuda:1`; default `cpu`.
    pub kind: String,
    /// Threads inside operations, >= 1; default libtorch's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
}

impl Default for DeviceConfig {
    fn default() -> Self {
        Self { kind: "cpu".into(), threads: None }
    }
}

impl DeviceConfig {
    /// The device, checked to be there; sets the number of threads.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for an unknown or missing device, or 0 threads.
    pub fn apply(&self) -> Result<tch::Device> {
        let refuse = |field, expected: &str, found: String| {
            Err(mtl_core::Error::InvalidConfig { what: "device", field, expected: expected.into(), found }.into())
        };
        let device = match self.kind.split_once(':') {
            None if self.kind == "cpu" => tch::Device::Cpu,
            None if self.kind == "cuda" => tch::Device::Cuda(0),
            Some(("cuda", index)) if index.parse::<usize>().is_ok() => tch::Device::Cuda(index.parse().unwrap_or(0)),
            _ => return refuse("kind", "cpu, cuda or cuda:<index>", format!("{:?}", self.kind)),
        };
        if let tch::Device::Cuda(index) = device
            && tch::Cuda::device_count() <= i64::try_from(index).unwrap_or(i64::MAX)
        {
            let there = format!("a device of this machine, which has {} CUDA devices", tch::Cuda::device_count());
            return refuse("kind", &there, format!("{:?}", self.kind));
        }
        match self.threads {
            Some(0) => return refuse("threads", ">= 1", "0".into()),
            Some(n) => tch::set_num_threads(i32::try_from(n).unwrap_or(i32::MAX)),
            None => {}
        }
        Ok(device)
    }
}

const SECTIONS: [&str; 7] = ["data", "encoder", "sharing", "balancer", "train", "task", "device"];

impl RunConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Config`] naming line and key when it is wrong.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|e| Error::io(path, "cannot read config", e))?;
        Self::parse(&text, path)
    }

    /// Reads the text of a file; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Config`] naming line and key.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let locator = Locator::new(text, path);
        let table: toml::Table = toml::from_str(text).map_err(|e| locator.syntax(&e))?;
        Self::from_table(table, &SECTIONS, &locator)
    }

    /// Reads the sections of a run; `known` are those that the file may have.
    fn from_table(mut table: toml::Table, known: &[&str], locator: &Locator<'_>) -> Result<Self> {
        if let Some(unknown) = table.keys().find(|k| !known.contains(&k.as_str())) {
            return Err(locator.unknown_section(unknown, known));
        }
        let sections = &mut table;
        let config = Self {
            data: section(sections, "data", locator, None)?,
            encoder: section(sections, "encoder", locator, None)?,
            sharing: section(sections, "sharing", locator, Architecture::by_name("hard").ok())?,
            balancer: section(sections, "balancer", locator, Some(MethodConfig::default()))?,
            train: section(sections, "train", locator, Some(TrainConfig::default()))?,
            tasks: section(sections, "task", locator, Some(Vec::new()))?,
            device: section(sections, "device", locator, Some(DeviceConfig::default()))?,
        };
        config.train.validate().map_err(|e| locator.explain("train", &e))?;
        Ok(config)
    }

    /// The whole configuration with all defaults spelled out, as TOML.
    ///
    /// # Errors
    /// [`Error::Config`] when a value has no TOML form.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| Error::Config {
            path: "resolved config".into(),
            line: 0,
            message: e.to_string(),
        })
    }
}

fn section<T: DeserializeOwned>(
    table: &mut toml::Table,
    name: &str,
    locator: &Locator<'_>,
    default: Option<T>,
) -> Result<T> {
    match (table.remove(name), default) {
        (Some(value), _) => T::deserialize(value).map_err(|e| locator.refused(name, e.message())),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(locator.missing_section(name)),
    }
}
