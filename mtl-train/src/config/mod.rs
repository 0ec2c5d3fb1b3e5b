//! The configuration file of a run.
//!
//! ```toml
//! [data]                       # which data set, see `mtl list datasets`
//! kind = "census-income"
//!
//! [encoder]                    # see `mtl list encoders`; default tabular for tables, conv for pictures, lstm for texts
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
//! [[joint_metric]]             # optional: a metric over several tasks of the same samples
//! name = "sentence-accuracy"
//! kind = "all-correct"
//! tasks = ["intent", "slots"]
//!
//! [log]                        # optional: every key of LogConfig
//! every = 10
//! csv = true
//! tensorboard = true
//!
//! [device]                     # optional
//! kind = "cpu"                 # or "cuda:0"
//! threads = 2
//! ```
//!
//! Every key is documented by the struct it belongs to; [`schema`] is all of that in one value, which checks files
//! ([`Error::Config`] points at the line and the key, with the nearest one that exists), fills `mtl list keys` and makes
//! `docs/configuration.md`.
//!
//! | file | holds |
//! |---|---|
//! | `source` | [`ConfigSource`]: text, flags over it, where a complaint points |
//! | `set` | `--set KEY=VALUE` |
//! | `schema`, `bounds`, `check` | the schema; ranges in it; a file against it |
//! | `elsewhere`, `synonyms` | keys that people know from other programs, or that belong to another section |
//! | `keys` | [`Group`]s of documented keys, as a table |
//! | `changes` | what differs between two configurations |
//! | [`draft`](mod@draft) | a file for a table that nobody has described yet (`mtl init`) |
//! | `path`, `spans` | where a value stands; its line with carets |

mod bounds;
mod changes;
mod check;
mod device;
pub mod draft;
mod elsewhere;
mod keys;
mod path;
mod schema;
mod set;
mod source;
mod spans;
mod study;
mod synonyms;

use std::path::Path;

pub use changes::{Change, changes};
pub use device::DeviceConfig;
pub use keys::{Group, KeyDoc, groups, markdown};
use mtl_core::{
    metric::MetricName,
    share::{HardSharingConfig, SharingConfig},
};
use mtl_data::DatasetConfig;
use mtl_heads::HeadConfig;
use mtl_metrics::{
    JointConfig,
    post_hoc::{CalibrationConfig, ConformalConfig, PostHocConfig, RejectConfig, ThresholdConfig},
};
pub use path::{KeyPath, Step};
pub use schema::schema;
use serde::{Deserialize, Serialize};
pub use source::{ConfigFault, ConfigSource};
pub use study::StudyConfig;

use crate::{
    error::{Error, Result},
    monitor::runlog::LogConfig,
    parts::{
        architecture::Architecture,
        encoder::{AnyEncoder, table},
        method::MethodConfig,
    },
    run::init::InitConfig,
    stream::StreamConfig,
    train::trainer::TrainConfig,
};

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RunConfig {
    /// The data set.
    pub data: DatasetConfig,
    /// The encoder; default `tabular` for tables (tokens alone, 32 wide, under `task-query`), `conv` for pictures, `lstm` for texts.
    #[schemars(default = "table")]
    pub encoder: AnyEncoder,
    /// What tasks share.
    #[schemars(default = "hard")]
    pub sharing: Architecture,
    /// How tasks are balanced.
    #[schemars(default)]
    pub balancer: MethodConfig,
    /// Where first values come from; default fresh ones.
    #[schemars(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<InitConfig>,
    /// How the model is trained.
    #[schemars(default)]
    pub train: TrainConfig,
    /// The tasks; empty means all of the data set, with defaults.
    #[schemars(default)]
    #[serde(rename = "task", skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskConfig>,
    /// Metrics over several tasks, as `[[joint_metric]]`: one number of what is said about each sample; default none.
    #[schemars(default)]
    #[serde(rename = "joint_metric", skip_serializing_if = "Vec::is_empty")]
    pub joint: Vec<JointConfig>,
    /// How `mtl stream` reads and judges a table without end; other verbs refuse a file that has it.
    #[schemars(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamConfig>,
    /// What it writes down while it runs.
    #[schemars(default)]
    pub log: LogConfig,
    /// Where it runs.
    #[schemars(default)]
    pub device: DeviceConfig,
}

/// What a run wants of one task of the data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskConfig {
    /// Which task.
    pub name: String,
    /// What it counts, > 0; default 1.
    #[serde(default = "one")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub weight: f64,
    /// The metric that judges it, such as `auroc` or `recall@fpr=0.05`; default the first of its head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub primary: Option<MetricName>,
    /// More metrics to compute, such as `ece@bins=10`; `mtl list metrics` has the names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub metrics: Vec<MetricName>,
    /// A single-task baseline of that metric, for delta_m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// Its head; default what suits its labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<HeadConfig>,
    /// How its probabilities are calibrated, on validation after training; default not at all. See `docs/calibration.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationConfig>,
    /// Sets of classes, or intervals of numbers, that hold the truth as often as they promise, such as `{ coverage = 0.9 }`; default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conformal: Option<ConformalConfig>,
    /// From which probability on yes is said, for yes/no labels and two classes; default nothing is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<ThresholdConfig>,
    /// Which answers are left to somebody else; default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject: Option<RejectConfig>,
}

impl Default for TaskConfig {
    /// A task without a name, all else as by default.
    fn default() -> Self {
        Self {
            name: String::new(),
            weight: one(),
            primary: None,
            metrics: Vec::new(),
            baseline: None,
            head: None,
            calibration: None,
            conformal: None,
            threshold: None,
            reject: None,
        }
    }
}

impl TaskConfig {
    /// What is fitted to its answers after training.
    #[must_use]
    pub fn post_hoc(&self) -> PostHocConfig {
        PostHocConfig {
            calibration: self.calibration.clone(),
            conformal: self.conformal.clone(),
            threshold: self.threshold.clone(),
            reject: self.reject.clone(),
        }
    }

    /// The same without that.
    #[must_use]
    pub fn without_post_hoc(self) -> Self {
        Self { calibration: None, conformal: None, threshold: None, reject: None, ..self }
    }
}

fn one() -> f64 {
    1.0
}

/// The default sharing architecture.
pub(crate) fn hard() -> Architecture {
    Architecture::from(SharingConfig::Hard(HardSharingConfig {}))
}

impl RunConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Config`] pointing at what is wrong in it.
    pub fn load(path: &Path) -> Result<Self> {
        ConfigSource::read(path, &[])?.config()
    }

    /// Reads the text of a file; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Config`] pointing at what is wrong in it.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        ConfigSource::new(text, path, &[])?.config()
    }

    /// The same run wherever its files lie: the configuration without the places of data.
    #[must_use]
    pub fn without_places(&self) -> Self {
        Self { data: self.data.without_places(), ..self.clone() }
    }

    /// Refuses a section `[stream]`: for whoever learns from splits.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] where there is one.
    pub fn without_stream(&self) -> Result<()> {
        match self.stream {
            None => Ok(()),
            Some(_) => {
                let expected = "left out: a table without end is for mtl stream, which has no splits".into();
                let (what, found) = ("config", "a section".into());
                let e = mtl_core::Error::InvalidConfig { what, field: "stream", expected, found };
                Err(Error::from(e).in_section("stream"))
            }
        }
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
            excerpt: String::new(),
        })
    }
}
