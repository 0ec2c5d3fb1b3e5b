//! Metrics of a model, or of answers that need none, on a split.

use mtl_core::{
    batch::Batch,
    metric::{MetricName, MetricSpec},
    prediction::{Prediction, Reference},
    world::World,
};
use mtl_data::{BatchIter, Batches, LoaderPosition};
use mtl_metrics::{
    AnyMetric, Joint, MetricBatch, MetricReport, MetricSet, MetricValue,
    report::{MetricEntry, TaskReport},
    value::OrReason,
};

use super::ranks::shard_of;
use crate::{
    error::Result,
    parts::metrics::{SampleFacts, registry},
    train::model::Model,
};

/// Runs the model over all batches of one pass and computes the metrics.
///
/// # Errors
/// [`mtl_core::Error`] naming the task when a prediction and its target do not fit; the data's own errors.
pub fn evaluate(model: &Model, batches: &dyn Batches, metrics: &mut MetricSet) -> Result<MetricReport> {
    evaluate_recorded(model, batches, metrics, &mut ())
}

/// Someone who sees what a model says while it is evaluated, so that the split need not be read again for it. The hooks do
/// nothing unless overridden.
pub trait Recorder {
    /// A batch of samples with these ids comes next.
    fn batch(&mut self, _ids: &[u64]) {}

    /// The samples of that batch have these weights for a task.
    fn weighted(&mut self, _task: usize, _weights: &[f32]) {}

    /// The samples of that batch belong to these groups for a task.
    fn grouped(&mut self, _task: usize, _groups: &[u64]) {}

    /// What was said for a task of that batch, and what is right.
    fn answers(&mut self, _task: usize, _ids: &[u64], _prediction: &Prediction, _reference: &Reference) {}
}

/// Nobody sees it.
impl Recorder for () {}

/// Two see it.
impl<A: Recorder + ?Sized, B: Recorder + ?Sized> Recorder for (&mut A, &mut B) {
    fn batch(&mut self, ids: &[u64]) {
        self.0.batch(ids);
        self.1.batch(ids);
    }

    fn weighted(&mut self, task: usize, weights: &[f32]) {
        self.0.weighted(task, weights);
        self.1.weighted(task, weights);
    }

    fn grouped(&mut self, task: usize, groups: &[u64]) {
        self.0.grouped(task, groups);
        self.1.grouped(task, groups);
    }

    fn answers(&mut self, task: usize, ids: &[u64], prediction: &Prediction, reference: &Reference) {
        self.0.answers(task, ids, prediction, reference);
        self.1.answers(task, ids, prediction, reference);
    }
}

/// As [`evaluate`], with someone who sees every answer.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_recorded(
    model: &Model,
    batches: &dyn Batches,
    metrics: &mut MetricSet,
    recorder: &mut dyn Recorder,
) -> Result<MetricReport> {
    read(model, batches.batches_from(LoaderPosition::default())?, metrics, recorder)?;
    Ok(metrics.compute())
}

/// As [`evaluate`], of batches that are there.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_batches(model: &Model, batches: BatchIter<'_>, metrics: &mut MetricSet) -> Result<MetricReport> {
    read(model, batches, metrics, &mut ())?;
    Ok(metrics.compute())
}

/// As [`evaluate`] on several ranks: each runs whole batches of its own, states are put together in the order of ranks, and all get the
/// metrics of the whole split.
pub(super) fn evaluate_together(
    model: &Model,
    batches: &dyn Batches,
    metrics: &mut MetricSet,
    world: &dyn World,
) -> Result<MetricReport> {
    if world.size() == 1 {
        return evaluate(model, batches, metrics);
    }
    read(model, batches.dealt(shard_of(world))?, metrics, &mut ())?;
    let own = metrics.state()?;
    metrics.reset();
    world.gather(&own)?.iter().try_for_each(|state| metrics.merge_state(state))?;
    Ok(metrics.compute())
}

/// Runs the model over batches.
fn read(model: &Model, batches: BatchIter<'_>, metrics: &mut MetricSet, recorder: &mut dyn Recorder) -> Result<()> {
    for batch in batches {
        let batch = batch?.to_device(model.params().device())?;
        recorder.batch(&batch.ids);
        judged(model, &batch, |task_idx, facts, prediction, reference| {
            metrics.update_batch(task_idx, &facts.judged(&batch.ids, prediction, reference))?;
            if let Some(weights) = facts.weights() {
                recorder.weighted(task_idx, weights);
            }
            if let Some(groups) = facts.groups() {
                recorder.grouped(task_idx, groups);
            }
            recorder.answers(task_idx, &batch.ids, prediction, reference);
            Ok(())
        })?;
    }
    Ok(())
}

/// What a model says to a batch, which is on its device, task by task, beside what is right and what belongs to the samples.
pub(crate) fn judged(
    model: &Model,
    batch: &Batch,
    mut answer: impl FnMut(usize, &SampleFacts, &Prediction, &Reference) -> Result<()>,
) -> Result<()> {
    let has_target = |task: usize| batch.targets.get(task).is_some_and(Option::is_some);
    let predictions = model.predict_wanted(&batch.inputs, has_target)?;
    for (task_idx, (prediction, target)) in predictions.iter().zip(&batch.targets).enumerate() {
        if let (Some(prediction), Some(target)) = (prediction, target) {
            answer(task_idx, &SampleFacts::of(target)?, prediction, &target.reference()?)?;
        }
    }
    Ok(())
}

/// The metrics of answers by a rule: `rule(task, metric, truth)` gives what is answered to a run of samples, or why nothing can
/// be. Labels alone are read. Batches have the tasks of `metrics`, in order.
///
/// # Errors
/// [`mtl_core::Error`] naming the task when an answer and its target do not fit; the data's own errors.
pub fn evaluate_answers(
    split: &dyn Batches,
    metrics: &MetricSet,
    rule: &dyn Fn(usize, &str, &Reference) -> OrReason<Prediction>,
) -> Result<MetricReport> {
    let fresh = |metric: &dyn AnyMetric| {
        let mut metric = metric.boxed_clone();
        metric.reset();
        (metric, None::<String>)
    };
    let mut states: Vec<(_, Vec<_>)> = metrics
        .iter()
        .map(|(task, metrics)| (task.clone(), metrics.iter().map(|metric| fresh(metric.as_ref())).collect()))
        .collect();
    let mut joint: Vec<(Joint, Option<String>)> = metrics.joint().iter().map(|joint| (joint.clone(), None)).collect();
    joint.iter_mut().for_each(|(joint, _)| joint.reset());
    let mut start = 0;
    for targets in split.targets_from(LoaderPosition::default())? {
        let targets = targets?;
        // Which samples they are is not said without the inputs: a refusal names the place in the split.
        let n = targets.iter().flatten().map(|target| target.batch_size().unsigned_abs()).max().unwrap_or(0);
        let ids: Vec<u64> = (start..start + n).collect();
        for (task_idx, target) in targets.iter().enumerate() {
            let (Some(target), Some((task, own))) = (target, states.get_mut(task_idx)) else { continue };
            let (truth, facts) = (target.reference()?, SampleFacts::of(target)?);
            for (metric, refusal) in own.iter_mut().filter(|(_, refusal)| refusal.is_none()) {
                match rule(task_idx, metric.name(), &truth) {
                    Ok(answer) => {
                        let batch = facts.judged(&ids, &answer, &truth).of_task(task.as_str());
                        metric.update_batch(&knowing(batch, metrics, task_idx))?;
                    }
                    Err(reason) => *refusal = Some(reason),
                }
            }
            for (joint, refusal) in joint.iter_mut().filter(|(joint, _)| joint.config().tasks.contains(task)) {
                match rule(task_idx, joint.name(), &truth) {
                    Ok(answer) if refusal.is_none() => {
                        let batch = facts.judged(&ids, &answer, &truth).of_task(task.as_str());
                        joint.update(task_idx, &knowing(batch, metrics, task_idx))?;
                    }
                    Ok(_) => {}
                    Err(reason) => *refusal = Some(format!("{task}: {reason}")),
                }
            }
        }
        start += n;
    }
    let entry = |(metric, refusal): (Box<dyn AnyMetric>, Option<String>)| MetricEntry {
        metric: metric.name().to_owned(),
        direction: metric.direction(),
        outcome: refusal.map_or_else(|| metric.compute(), |reason| MetricValue::undefined(reason, 0)),
    };
    let tasks = states
        .into_iter()
        .map(|(task, metrics)| TaskReport { task, metrics: metrics.into_iter().map(entry).collect() })
        .collect();
    let joint = joint.into_iter().map(|(joint, refusal)| {
        let mut entry = joint.compute();
        if let Some(reason) = refusal {
            entry.outcome = MetricValue::undefined(reason, 0);
        }
        entry
    });
    Ok(MetricReport { tasks, joint: joint.collect() })
}

/// A batch that knows what the task answers, where the metrics do.
fn knowing<'a>(batch: MetricBatch<'a>, metrics: &'a MetricSet, task_idx: usize) -> MetricBatch<'a> {
    metrics.answer(task_idx).map_or(batch, |answer| batch.of_answer(answer))
}

/// The metrics of each task: the primary one, those that suit its head, those that are asked for beside them; and those over several
/// tasks.
///
/// # Errors
/// [`mtl_core::Error::InvalidConfig`] when a metric cannot be built.
pub fn metrics_of(model: &Model) -> Result<MetricSet> {
    let chosen: Vec<Vec<MetricName>> = model
        .tasks()
        .iter()
        .zip(model.heads())
        .map(|(task, head)| {
            let mut names: Vec<MetricName> = task.primary.iter().map(|metric| metric.name().clone()).collect();
            let suited: Vec<MetricSpec> =
                head.spec().metrics.iter().map(|name| registry().find(name)).collect::<mtl_core::Result<_>>()?;
            for metric in suited.iter().chain(&task.also) {
                if !names.contains(metric.name()) {
                    names.push(metric.name().clone());
                }
            }
            Ok(names)
        })
        .collect::<Result<_>>()?;
    Ok(judging(model, &chosen)?.jointly(model.joint())?)
}

/// Those metrics of each task, which know what the model answers.
///
/// # Errors
/// As [`MetricSet::of`] and [`MetricSet::answering`].
pub(super) fn judging(model: &Model, chosen: &[Vec<MetricName>]) -> Result<MetricSet> {
    Ok(MetricSet::of(&registry(), model.tasks(), chosen)?.answering(&model.answers())?)
}

/// The primary metric of each task.
///
/// # Errors
/// As [`MetricSet::primary_of`] and [`MetricSet::answering`].
pub(super) fn primary(model: &Model) -> Result<MetricSet> {
    Ok(MetricSet::primary_of(&registry(), model.tasks())?.answering(&model.answers())?)
}
