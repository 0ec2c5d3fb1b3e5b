//! What a run's model is, before there is one: tasks, heads, inputs; from the configuration and what is known of the data.
//!
//! ```text
//! RunConfig, DataInfo --> ModelPlan --> Model          no sample is needed: a run's folder is enough
//!                             \----> Session           the same model with loaders on its data
//! ```
//! A [`Session`](crate::session::Session) that trains and a finished run that answers without its data build the same
//! network, because both ask one plan.

use mtl_core::{
    answer::Answer,
    encode::{self, InputSpec},
    label_stats::LabelStats,
    metric::MetricId,
    rng::derive,
    task::{Task, TaskName, TaskSet},
};
use mtl_data::DataInfo;
use mtl_heads::HeadConfig;
use tch::{Device, Kind};

use crate::{
    config::{RunConfig, TaskConfig},
    error::{Error, Result},
    model::{Blueprint, Model, ModelConfig},
};

/// The parts of a run's model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelPlan {
    /// The tasks that are learned, in order.
    pub tasks: TaskSet,
    /// What they answer, in that order.
    pub answers: Vec<Answer>,
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
        let answers: Vec<Answer> = info.tasks.iter().map(|t| t.answer.clone()).collect();
        let mut heads = Vec::with_capacity(wanted.len());
        for (task, answer) in wanted.iter().zip(&answers) {
            let head = task.head.clone().map_or_else(|| HeadConfig::default_for(answer), Ok);
            heads.push(head.map_err(|e| Error::from(e).in_section("task"))?);
        }
        let tasks = task_set(&wanted, &heads).map_err(|e| e.in_section("task"))?;
        let parts = ModelConfig {
            encoder: config.encoder.clone(),
            sharing: config.sharing.clone(),
            heads: heads.into_iter().map(Some).collect(),
        };
        Ok(Self { tasks, answers, inputs: input_spec(&info), parts })
    }

    /// The model with fresh parameters, which depend on the run's `seed`; `labels` are the statistics of the training labels, in
    /// task order, or nothing when weights will be loaded, which bring what was taken from them.
    ///
    /// # Errors
    /// As [`Model::build`].
    pub fn build(&self, labels: &[LabelStats], device: Device, seed: u64) -> Result<Model> {
        let seed = derive(seed, "init", 0);
        let blueprint =
            Blueprint { inputs: &self.inputs, answers: &self.answers, labels, kind: Kind::Float, device, seed };
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
    let by_default =
        |name: &TaskName| TaskConfig { name: name.to_string(), weight: 1.0, primary: None, baseline: None, head: None };
    match config.tasks.is_empty() {
        true => info.tasks.iter().map(|t| by_default(&t.name)).collect(),
        false => config.tasks.clone(),
    }
}

/// The tasks as the user wants them; a primary metric that was not named is the head's first.
fn task_set(wanted: &[TaskConfig], heads: &[HeadConfig]) -> Result<TaskSet> {
    let mut tasks = Vec::with_capacity(wanted.len());
    for (config, head) in wanted.iter().zip(heads) {
        let primary = config.primary.or_else(|| head.metrics().first().copied()).unwrap_or(MetricId::LogLoss);
        let mut task = Task::new(&config.name, primary)?.with_weight(config.weight);
        task.baseline = config.baseline;
        tasks.push(task);
    }
    Ok(TaskSet::new(tasks)?)
}

pub(crate) fn input_spec(info: &DataInfo) -> InputSpec {
    let size = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let field = |f: &mtl_data::CategoricalField| encode::CategoricalField {
        name: f.name.clone(),
        cardinality: size(f.cardinality),
    };
    InputSpec {
        categorical: info.categorical.iter().map(field).collect(),
        numeric: info.numeric.clone(),
        image: info.image.as_ref().map(|i| [size(i.channels), size(i.height), size(i.width)]),
    }
}
