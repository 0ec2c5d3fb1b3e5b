//! All metrics of all tasks of one evaluation.
//!
//! A [`MetricSet`] is what a training loop holds: it feeds it `(task, prediction, reference)`, in any order and any
//! batches, and reads a [`MetricReport`]. Its state is bytes, so an evaluation can be split over machines.

use mtl_core::{
    Error, Result,
    answer::Answer,
    metric::MetricName,
    prediction::{Prediction, Reference},
    task::{TaskName, TaskSet},
};

use crate::{
    any::AnyMetric,
    binary::{Auroc, RocCurve},
    input::MetricBatch,
    joint::{Joint, JointConfig},
    metric::{Metric, Streaming},
    registry::MetricRegistry,
    report::{MetricEntry, MetricReport, TaskReport},
    value::OrReason,
};

/// First bytes of a saved set: what it is, and the version of its layout.
const MAGIC: [u8; 5] = *b"mtls\x01";

/// The metrics of every task, in the user's order.
///
/// ```
/// use mtl_core::{metric::MetricName, prediction::{Prediction, Reference, Scores}, task::{Task, TaskSet}};
/// use mtl_metrics::{MetricSet, known};
///
/// let tasks = TaskSet::new(vec![Task::new("income")?.judged_by(known("auroc")?), Task::new("age")?.judged_by(known("rmse")?)])?;
/// let chosen = [MetricName::several(&["auroc", "accuracy"])?, MetricName::several(&["rmse"])?];
/// let mut metrics = MetricSet::new(&tasks, &chosen)?;
/// let scores = ndarray::array![[0.9, 0.1], [0.2, 0.8]];
/// metrics.update(0, &Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(vec![0, 1]))?;
/// let values = ndarray::array![[30.0], [41.0]];
/// metrics.update(1, &Prediction::Values { values }, &Reference::Values(ndarray::array![[33.0], [45.0]]))?;
/// assert_eq!(metrics.compute().to_string(), "income auroc 1.0000 accuracy 1.0000 | age rmse 3.5355");
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MetricSet {
    registry: MetricRegistry,
    tasks: Vec<TaskMetrics>,
    joint: Vec<Joint>,
}

/// The metrics of one task.
#[derive(Debug, Clone)]
struct TaskMetrics {
    name: TaskName,
    metrics: Vec<Box<dyn AnyMetric>>,
    /// What it answers, where that is known.
    answer: Option<Answer>,
}

impl MetricSet {
    /// Those of our metrics that are `chosen` for each task, in task order.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn new(tasks: &TaskSet, chosen: &[Vec<MetricName>]) -> Result<Self> {
        Self::of(MetricRegistry::ours(), tasks, chosen)
    }

    /// Those metrics of a registry that are `chosen` for each task, in task order.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] unless `chosen` has an entry per task; [`Error::Duplicate`] for a metric given twice;
    /// else as [`MetricRegistry::build`].
    pub fn of(registry: &MetricRegistry, tasks: &TaskSet, chosen: &[Vec<MetricName>]) -> Result<Self> {
        if chosen.len() != tasks.len() {
            return Err(Error::InvalidConfig {
                what: "metric set",
                field: "chosen",
                expected: format!("one list for each of {} tasks", tasks.len()),
                found: format!("{} lists", chosen.len()),
            });
        }
        let empty = |name: &TaskName| TaskMetrics { name: name.clone(), metrics: Vec::new(), answer: None };
        let mut set = Self { registry: registry.clone(), tasks: tasks.names().map(empty).collect(), joint: Vec::new() };
        for (task_idx, names) in chosen.iter().enumerate() {
            for name in names {
                set.add(task_idx, registry.build(name)?)?;
            }
        }
        Ok(set)
    }

    /// The primary metric of each task, of ours.
    ///
    /// # Errors
    /// As [`primary_of`](Self::primary_of).
    pub fn primary(tasks: &TaskSet) -> Result<Self> {
        Self::primary_of(MetricRegistry::ours(), tasks)
    }

    /// The primary metric of each task.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a task that none judges; else as [`of`](Self::of).
    pub fn primary_of(registry: &MetricRegistry, tasks: &TaskSet) -> Result<Self> {
        let chosen: Result<Vec<_>> = tasks.iter().map(|task| Ok(vec![task.metric()?.name().clone()])).collect();
        Self::of(registry, tasks, &chosen?)
    }

    /// The same set, which knows what each task answers: names of tags and tokens, and what is right. Some metrics need it.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] unless there is one answer per task, or for names that a metric cannot read.
    pub fn answering(mut self, answers: &[Answer]) -> Result<Self> {
        if answers.len() != self.tasks.len() {
            return Err(Error::InvalidConfig {
                what: "metric set",
                field: "answers",
                expected: format!("one for each of {} tasks", self.tasks.len()),
                found: answers.len().to_string(),
            });
        }
        for (task, answer) in self.tasks.iter_mut().zip(answers) {
            task.metrics.iter_mut().try_for_each(|metric| metric.set_answer(answer))?;
            task.answer = Some(answer.clone());
        }
        Ok(self)
    }

    /// The same set with metrics over several tasks. What these answer has to be known before.
    ///
    /// # Errors
    /// As [`JointConfig::positions`]; [`Error::Duplicate`] for a name given twice; [`Error::InvalidConfig`] before
    /// [`answering`](Self::answering).
    pub fn jointly(mut self, joint: &[JointConfig]) -> Result<Self> {
        if joint.is_empty() {
            return Ok(self);
        }
        let answers: Option<Vec<&Answer>> = self.tasks.iter().map(|task| task.answer.as_ref()).collect();
        let answers = answers.ok_or_else(|| Error::InvalidConfig {
            what: "metric set",
            field: "answers",
            expected: "known before metrics over several tasks are added".into(),
            found: "none".into(),
        })?;
        let names: Vec<&TaskName> = self.tasks.iter().map(|task| &task.name).collect();
        let mut added: Vec<Joint> = Vec::with_capacity(joint.len());
        for config in joint {
            if self.joint.iter().chain(&added).any(|other| other.name() == config.name) {
                return Err(Error::Duplicate { what: "joint metric", name: config.name.clone() });
            }
            added.push(Joint::new(config, config.positions(&names, &answers)?));
        }
        self.joint.extend(added);
        Ok(self)
    }

    /// The metrics over several tasks.
    #[must_use]
    pub fn joint(&self) -> &[Joint] {
        &self.joint
    }

    /// What a task answers, where that is known.
    #[must_use]
    pub fn answer(&self, task_idx: usize) -> Option<&Answer> {
        self.tasks.get(task_idx)?.answer.as_ref()
    }

    /// The metrics that there are for sets like this one.
    #[must_use]
    pub fn registry(&self) -> &MetricRegistry {
        &self.registry
    }

    /// Adds a metric to a task, such as one that this crate does not have.
    ///
    /// # Errors
    /// [`Error::UnknownTask`] without such a task; [`Error::Duplicate`] when the task has a metric of that name.
    pub fn add(&mut self, task_idx: usize, mut metric: Box<dyn AnyMetric>) -> Result<()> {
        let task = self.task_mut(task_idx)?;
        task.answer.iter().try_for_each(|answer| metric.set_answer(answer))?;
        if task.metrics.iter().any(|m| m.name() == metric.name()) {
            return Err(Error::Duplicate { what: "metric", name: format!("{}.{}", task.name, metric.name()) });
        }
        task.metrics.push(metric);
        Ok(())
    }

    /// Folds a batch of one task into its metrics.
    ///
    /// # Errors
    /// [`Error::UnknownTask`] without such a task; else as [`Metric::update`], naming the task. After an error the
    /// metrics before the failing one have seen the batch: [`reset`](Self::reset), or drop the set.
    pub fn update(&mut self, task_idx: usize, prediction: &Prediction, reference: &Reference) -> Result<()> {
        self.update_batch(task_idx, &MetricBatch::new(prediction, reference))
    }

    /// As [`update`](Self::update), for batches that bring sample ids.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn update_batch(&mut self, task_idx: usize, batch: &MetricBatch<'_>) -> Result<()> {
        self.task_mut(task_idx)?;
        let stretched = batch.stretched();
        let task = &mut self.tasks[task_idx];
        let mut batch = batch.of_task(task.name.as_str());
        if let Some(answer) = &task.answer {
            batch = batch.of_answer(answer);
        }
        if let Some(truth) = &stretched {
            batch = batch.against(truth);
        }
        task.metrics.iter_mut().try_for_each(|metric| metric.update_batch(&batch))?;
        self.joint.iter_mut().try_for_each(|joint| joint.update(task_idx, &batch))
    }

    /// The values for everything seen so far.
    #[must_use]
    pub fn compute(&self) -> MetricReport {
        let entry = |metric: &dyn AnyMetric| MetricEntry {
            metric: metric.name().to_owned(),
            direction: metric.direction(),
            outcome: metric.compute(),
        };
        let report = |task: &TaskMetrics| TaskReport {
            task: task.name.clone(),
            metrics: task.metrics.iter().map(|metric| entry(metric.as_ref())).collect(),
        };
        MetricReport {
            tasks: self.tasks.iter().map(report).collect(),
            joint: self.joint.iter().map(Joint::compute).collect(),
        }
    }

    /// Takes over what another set of the same tasks and metrics has seen.
    ///
    /// # Errors
    /// [`Error::State`] for other tasks, metrics or data.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.same_layout(&other.layout())?;
        let theirs = other.tasks.iter().flat_map(|task| &task.metrics);
        self.metrics_mut().zip(theirs).try_for_each(|(ours, theirs)| ours.merge(theirs.as_ref()))?;
        self.joint.iter_mut().zip(&other.joint).try_for_each(|(ours, theirs)| ours.merge(theirs))
    }

    /// What was seen, as bytes: equal for equal data, however they were split, ordered and merged.
    ///
    /// # Errors
    /// As [`AnyMetric::state`].
    pub fn state(&self) -> Result<Vec<u8>> {
        let states = self.tasks.iter().flat_map(|task| &task.metrics).map(|metric| metric.state());
        let states = states.chain(self.joint.iter().map(Joint::state));
        let states: Vec<Vec<u8>> = states.collect::<Result<_>>()?;
        postcard::to_stdvec(&(MAGIC, self.layout(), states)).map_err(|e| refuse(e.to_string()))
    }

    /// Replaces what was seen by saved bytes. On an error nothing has changed.
    ///
    /// # Errors
    /// [`Error::State`] for damaged bytes, or those of other tasks or metrics.
    pub fn load_state(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = self.clone_empty();
        loaded.merge_state(bytes)?;
        *self = loaded;
        Ok(())
    }

    /// Takes over what saved bytes have seen.
    ///
    /// # Errors
    /// As [`load_state`](Self::load_state) and [`merge`](Self::merge).
    pub fn merge_state(&mut self, bytes: &[u8]) -> Result<()> {
        type Saved = ([u8; 5], Vec<String>, Vec<Vec<u8>>);
        let (magic, layout, states): Saved =
            postcard::from_bytes(bytes).map_err(|_| refuse("the bytes are damaged"))?;
        if magic != MAGIC || states.len() != layout.len() {
            return Err(refuse("the bytes are no state of this version"));
        }
        self.same_layout(&layout)?;
        let (states, joint) = states.split_at(states.len() - self.joint.len().min(states.len()));
        self.metrics_mut().zip(states).try_for_each(|(metric, state)| metric.merge_state(state))?;
        self.joint.iter_mut().zip(joint).try_for_each(|(metric, state)| metric.merge_state(state))
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.metrics_mut().for_each(|metric| metric.reset());
        self.joint.iter_mut().for_each(Joint::reset);
    }

    /// The tasks and their metrics, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&TaskName, &[Box<dyn AnyMetric>])> {
        self.tasks.iter().map(|task| (&task.name, task.metrics.as_slice()))
    }

    /// A metric of a task by its type, for what it knows beyond its value.
    #[must_use]
    pub fn get<M: Metric>(&self, task_idx: usize) -> Option<&Streaming<M>> {
        self.tasks.get(task_idx)?.metrics.iter().find_map(|metric| metric.as_any().downcast_ref())
    }

    /// The ROC curves of a task (see [`Streaming::roc_curves`]); none unless its AUROC is computed.
    #[must_use]
    pub fn roc_curves(&self, task_idx: usize, n_points: usize) -> Vec<OrReason<RocCurve>> {
        self.get::<Auroc>(task_idx).map(|auroc| auroc.roc_curves(n_points)).unwrap_or_default()
    }

    fn task_mut(&mut self, task_idx: usize) -> Result<&mut TaskMetrics> {
        let known = || self.tasks.iter().map(|task| task.name.to_string()).collect();
        if task_idx >= self.tasks.len() {
            return Err(Error::UnknownTask { name: format!("#{task_idx}"), known: known() });
        }
        Ok(&mut self.tasks[task_idx])
    }

    fn metrics_mut(&mut self) -> impl Iterator<Item = &mut Box<dyn AnyMetric>> {
        self.tasks.iter_mut().flat_map(|task| &mut task.metrics)
    }

    /// `task.metric` of every metric, in order, then those over several tasks.
    fn layout(&self) -> Vec<String> {
        let names = |task: &TaskMetrics| -> Vec<String> {
            task.metrics.iter().map(|metric| format!("{}.{}", task.name, metric.name())).collect()
        };
        let joint = |joint: &Joint| {
            let tasks: Vec<&str> = joint.config().tasks.iter().map(TaskName::as_str).collect();
            format!("{} of {}", joint.name(), tasks.join(", "))
        };
        self.tasks.iter().flat_map(names).chain(self.joint.iter().map(joint)).collect()
    }

    fn same_layout(&self, theirs: &[String]) -> Result<()> {
        let ours = self.layout();
        if ours == theirs {
            return Ok(());
        }
        Err(refuse(format!("it holds {}, expected {}", theirs.join(", "), ours.join(", "))))
    }

    fn clone_empty(&self) -> Self {
        let mut empty = self.clone();
        empty.reset();
        empty
    }
}

fn refuse(reason: impl Into<String>) -> Error {
    Error::State { what: "metric set".into(), reason: reason.into() }
}
