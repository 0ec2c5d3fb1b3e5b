//! What a run's model is, before there is one: tasks, heads, inputs; from the configuration and what is known of the data.
//!
//! ```text
//! RunConfig, DataInfo --> ModelPlan --> Model          no sample is needed: a run's folder is enough
//!                             \----> Session           the same model with loaders on its data
//! ```
//! A [`Session`](crate::run::session::Session) that trains and a finished run that answers without its data build the same
//! network, because both ask one plan.

use mtl_core::{
    answer::{Answer, Constant},
    distribution::{Forecast, Form},
    input::InputSpec,
    label_stats::LabelStats,
    metric::{MetricName, MetricSpec},
    prediction::{Prediction, Reference},
    rng::derive,
    task::{Task, TaskName, TaskSet},
};
use mtl_data::DataInfo;
use mtl_heads::HeadConfig;
use mtl_metrics::{JointConfig, MetricBatch, post_hoc::PostHocConfig};
use ndarray::Array2;
use tch::{Device, Kind};

use crate::{
    config::{RunConfig, TaskConfig},
    error::{Error, Result},
    parts::metrics::registry,
    run::{self_supervised, sources},
    train::model::{Blueprint, Model, ModelConfig},
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
    /// Metrics over several of the tasks.
    pub joint: Vec<JointConfig>,
    /// What is fitted to the answers of each task after training, in that order.
    pub post_hoc: Vec<PostHocConfig>,
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
        let info = self_supervised::info(config, info)?;
        let info = info.for_tasks(&names).map_err(|e| Error::from(e).in_section(stranger(&names, &info)))?;
        let answers: Vec<Answer> = info.tasks.iter().map(|t| t.answer.clone()).collect();
        let mut heads = Vec::with_capacity(wanted.len());
        for (idx, (task, answer)) in wanted.iter().zip(&answers).enumerate() {
            let head = task.head.clone().map_or_else(|| HeadConfig::default_for(answer), Ok);
            let head = head.map_err(|e| Error::from(e).in_section(format!("task[{idx}]")))?;
            let checked = task.post_hoc().check(answer, head.form().as_ref());
            checked.map_err(|e| Error::from(e).in_section(format!("task[{idx}]")))?;
            heads.push(head);
        }
        let post_hoc = wanted.iter().map(TaskConfig::post_hoc).collect();
        let tasks = task_set(&wanted, &heads, &answers)?;
        let parts = ModelConfig {
            encoder: config.encoder.clone(),
            sharing: config.sharing.clone(),
            heads: heads.into_iter().map(Some).collect(),
        };
        let (names, refs): (Vec<&TaskName>, Vec<&Answer>) = (tasks.names().collect(), answers.iter().collect());
        for (idx, joint) in config.joint.iter().enumerate() {
            let section = || format!("joint_metric[{idx}]");
            joint.positions(&names, &refs).map_err(|e| Error::from(e).in_section(section()))?;
            if config.joint[..idx].iter().any(|other| other.name == joint.name) {
                let twice = mtl_core::Error::Duplicate { what: "joint metric", name: joint.name.clone() };
                return Err(Error::from(twice).in_section(section()));
            }
        }
        let wanted: Vec<&str> = tasks.names().map(TaskName::as_str).collect();
        let inputs = sources::inputs_for(config, &info.inputs, &wanted)?;
        Ok(Self { inputs, tasks, answers, parts, joint: config.joint.clone(), post_hoc })
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
        Ok(Model::build(&self.parts, &self.tasks, &blueprint)?.judged_jointly(self.joint.clone()))
    }

    /// The form of the distributions that a task's head says, if it does.
    #[must_use]
    pub fn form(&self, task_idx: usize) -> Option<Form> {
        self.parts.heads.get(task_idx)?.as_ref()?.form()
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

/// The place of the first task that the data do not have.
fn stranger(names: &[&str], info: &DataInfo) -> String {
    let is_known = |name: &str| info.tasks.iter().any(|task| task.name.as_str() == name);
    names.iter().position(|name| !is_known(name)).map_or_else(|| "task".to_owned(), |idx| format!("task[{idx}].name"))
}

/// The tasks as the user wants them; a primary metric that was not named is the head's first.
fn task_set(wanted: &[TaskConfig], heads: &[HeadConfig], answers: &[Answer]) -> Result<TaskSet> {
    let mut tasks = Vec::with_capacity(wanted.len());
    for (idx, ((config, head), answer)) in wanted.iter().zip(heads).zip(answers).enumerate() {
        let refused = |key: &str| {
            let place = format!("task[{idx}].{key}");
            move |e: mtl_core::Error| Error::from(e).in_section(place)
        };
        let mut task = Task::new(&config.name).map_err(refused("name"))?.with_weight(config.weight);
        task.baseline = config.baseline;
        let suits = || head.metrics(answer).first().map_or(Ok(None), |name| MetricName::new(name).map(Some));
        let primary = config.primary.clone().map_or_else(suits, |named| Ok(Some(named)));
        let primary = primary.and_then(|name| name.map(|name| registry().find(&name)).transpose());
        task.primary = primary.map_err(refused("primary"))?;
        if let (Some(named), Some(metric)) = (&config.primary, &task.primary) {
            fits(&config.name, answer, head, named, metric).map_err(refused("primary"))?;
        }
        for (n, name) in config.metrics.iter().enumerate() {
            let also = registry()
                .find(name)
                .and_then(|metric| fits(&config.name, answer, head, name, &metric).map(|()| metric));
            task.also.push(also.map_err(refused(&format!("metrics[{n}]")))?);
        }
        tasks.push(task);
    }
    TaskSet::new(tasks).map_err(|e| Error::from(e).in_section("task"))
}

/// Whether a metric is for such answers, can read their names, and knows what to do with the head's distributions or without any.
fn fits(
    task: &str,
    answer: &Answer,
    head: &HeadConfig,
    named: &MetricName,
    metric: &MetricSpec,
) -> mtl_core::Result<()> {
    let (kind, answers) = (answer.tag().name(), metric.facts().answers);
    if answers.contains(&kind) {
        let mut fresh = registry().build(metric.name())?;
        fresh.set_answer(answer)?;
        if metric.facts().constant == Constant::Distribution {
            // An answer to nobody is refused as one to somebody would be after an epoch.
            let nobody = |columns| Array2::zeros((0, columns));
            let said = match head.form() {
                Some(form) => {
                    let numbers = nobody(answer.width() * form.width());
                    Prediction::Forecast(Forecast::new(form, numbers).map_err(|reason| {
                        let expected = format!("one that task {task} answers");
                        mtl_core::Error::InvalidConfig { what: "head", field: "form", expected, found: reason }
                    })?)
                }
                None => Prediction::Values { values: nobody(answer.width()) },
            };
            let truth = Reference::Values(nobody(answer.width()));
            fresh.update_batch(&MetricBatch::new(&said, &truth).of_task(task))?;
        }
        return Ok(());
    }
    Err(mtl_core::Error::InvalidConfig {
        what: "metric",
        field: "primary",
        expected: format!("for answers of kind {kind}, as task {task} has them"),
        found: format!("{named}, which is for {}", answers.join(", ")),
    })
}
