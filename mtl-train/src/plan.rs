//! What a run's model is, before there is one: tasks, heads, inputs; from the configuration and what is known of the data.
//!
//! ```text
//! RunConfig, DataInfo --> ModelPlan --> Model          no sample is needed: a run's folder is enough
//!                             \----> Session           the same model with loaders on its data
//! ```
//! A [`Session`](crate::session::Session) that trains and a finished run that answers without its data build the same
//! network, because both ask one plan.

use mtl_core::{
    input::InputSpec,
    label_stats::LabelStats,
    metric::{CLASS, MULTI_LABEL, MetricName, MetricSpec, VALUES},
    rng::derive,
    task::{Task, TaskName, TaskSet},
};
use mtl_data::{DataInfo, LabelKind};
use mtl_heads::{HeadConfig, TargetSpec};
use tch::{Device, Kind};

use crate::{
    config::{RunConfig, TaskConfig},
    error::{Error, Result},
    metrics::registry,
    model::{Blueprint, Model, ModelConfig},
};

/// The parts of a run's model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelPlan {
    /// The tasks that are learned, in order.
    pub tasks: TaskSet,
    /// What their labels are, in that order.
    pub labels: Vec<LabelKind>,
    /// What the encoder is built for.
    pub inputs: InputSpec,
    /// The parts that the configuration chooses, every head spelled out.
    pub parts: ModelConfig,
}

impl ModelPlan {
    /// The plan of `config` on data that are as `info` says.
    ///
    /// # Errors
    /// [`mtl_core::Error::UnknownTask`] for a task that the data do not have; [`mtl_core::Error::Duplicate`],
    /// [`mtl_core::Error::InvalidConfig`] for what is wrong with a task's settings.
    pub fn new(config: &RunConfig, info: &DataInfo) -> Result<Self> {
        let wanted = wanted_tasks(config, info);
        let names: Vec<&str> = wanted.iter().map(|t| t.name.as_str()).collect();
        let info = info.for_tasks(&names).map_err(|e| Error::from(e).in_section("task"))?;
        let labels: Vec<LabelKind> = info.tasks.iter().map(|t| t.label.clone()).collect();
        let default = |label: &LabelKind| HeadConfig::default_for(&target_spec(label));
        let heads: Vec<HeadConfig> =
            wanted.iter().zip(&labels).map(|(t, label)| t.head.clone().unwrap_or_else(|| default(label))).collect();
        let tasks = task_set(&wanted, &heads, &labels)?;
        let parts = ModelConfig {
            encoder: config.encoder.clone(),
            sharing: config.sharing.clone(),
            heads: heads.into_iter().map(Some).collect(),
        };
        Ok(Self { tasks, labels, inputs: info.inputs, parts })
    }

    /// The model with fresh parameters, which depend on the run's `seed`; `labels` are the statistics of the training labels, in
    /// task order, or nothing when weights will be loaded, which bring what was taken from them.
    ///
    /// # Errors
    /// As [`Model::build`].
    pub fn build(&self, labels: &[LabelStats], device: Device, seed: u64) -> Result<Model> {
        let targets: Vec<TargetSpec> = self.labels.iter().map(target_spec).collect();
        let seed = derive(seed, "init", 0);
        let blueprint = Blueprint { inputs: &self.inputs, targets: &targets, labels, kind: Kind::Float, device, seed };
        Model::build(&self.parts, &self.tasks, &blueprint)
    }

    /// The names of the tasks, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.tasks.names().map(TaskName::as_str).collect()
    }
}

/// What the run wants of its tasks: what the file says, else all of the data's with defaults.
fn wanted_tasks(config: &RunConfig, info: &DataInfo) -> Vec<TaskConfig> {
    let by_default = |name: &TaskName| TaskConfig { name: name.to_string(), ..TaskConfig::default() };
    match config.tasks.is_empty() {
        true => info.tasks.iter().map(|t| by_default(&t.name)).collect(),
        false => config.tasks.clone(),
    }
}

/// The tasks as the user wants them; a primary metric that was not named is the head's first.
fn task_set(wanted: &[TaskConfig], heads: &[HeadConfig], labels: &[LabelKind]) -> Result<TaskSet> {
    let mut tasks = Vec::with_capacity(wanted.len());
    for (idx, ((config, head), label)) in wanted.iter().zip(heads).zip(labels).enumerate() {
        let refused = |key: &str| {
            let place = format!("task[{idx}].{key}");
            move |e: mtl_core::Error| Error::from(e).in_section(place)
        };
        let task = || -> mtl_core::Result<Task> {
            let suits = || head.metrics().first().map_or(Ok(None), |name| MetricName::new(name).map(Some));
            let primary = match &config.primary {
                Some(primary) => Some(primary.clone()),
                None => suits()?,
            };
            let mut task = Task::new(&config.name)?.with_weight(config.weight);
            task.baseline = config.baseline;
            task.primary = primary.map(|name| registry().find(&name)).transpose()?;
            Ok(task)
        };
        let mut task = task().map_err(|e| Error::from(e).in_section("task"))?;
        if let (Some(named), Some(metric)) = (&config.primary, &task.primary) {
            fits(&config.name, label, named, metric).map_err(refused("primary"))?;
        }
        for (n, name) in config.metrics.iter().enumerate() {
            let also =
                registry().find(name).and_then(|metric| fits(&config.name, label, name, &metric).map(|()| metric));
            task.also.push(also.map_err(refused(&format!("metrics[{n}]")))?);
        }
        tasks.push(task);
    }
    TaskSet::new(tasks).map_err(|e| Error::from(e).in_section("task"))
}

/// Whether a metric is for such answers.
fn fits(task: &str, label: &LabelKind, named: &MetricName, metric: &MetricSpec) -> mtl_core::Result<()> {
    let kind = match label {
        LabelKind::Class { .. } => CLASS,
        LabelKind::Binary { .. } => MULTI_LABEL,
        LabelKind::Values { .. } => VALUES,
    };
    let answers = metric.facts().answers;
    if answers.contains(&kind) {
        return Ok(());
    }
    Err(mtl_core::Error::InvalidConfig {
        what: "metric",
        field: "primary",
        expected: format!("for answers of kind {kind}, as task {task} has them"),
        found: format!("{named}, which is for {}", answers.join(", ")),
    })
}

pub(crate) fn target_spec(label: &LabelKind) -> TargetSpec {
    match label {
        LabelKind::Class { classes } => TargetSpec::Class { classes: classes.len() },
        LabelKind::Binary { labels } => TargetSpec::MultiLabel { labels: labels.len() },
        LabelKind::Values { names } => TargetSpec::Values { values: names.len() },
    }
}
