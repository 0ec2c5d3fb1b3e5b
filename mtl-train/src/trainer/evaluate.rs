//! Metrics of a model, or of answers that need none, on a split.

use mtl_core::{
    batch::Target,
    prediction::{Prediction, Reference},
};
use mtl_data::{Loader, Source};
use mtl_metrics::{
    MetricReport, MetricSet, MetricValue,
    input::MetricBatch,
    metric::AnyMetric,
    report::{MetricEntry, TaskReport},
    value::OrReason,
};

use crate::{error::Result, model::Model};

/// Samples whose labels are judged at once.
const CHUNK: u64 = 4096;

/// Runs the model over all batches of one pass and computes the metrics.
///
/// # Errors
/// [`mtl_core::Error`] naming the task when a prediction and its target do not fit; the data's own errors.
pub fn evaluate(model: &Model, loader: &Loader, metrics: &mut MetricSet) -> Result<MetricReport> {
    evaluate_recorded(model, loader, metrics, &mut ())
}

/// Someone who sees what a model says while it is evaluated, so that the split need not be read again for it. The hooks do
/// nothing unless overridden.
pub trait Recorder {
    /// A batch of samples with these ids comes next.
    fn batch(&mut self, _ids: &[u64]) {}

    /// The samples of that batch have weights for a task.
    fn weighted(&mut self, _task: usize) {}

    /// What was said for a task of that batch, and what is right.
    fn answers(&mut self, _task: usize, _ids: &[u64], _prediction: &Prediction, _reference: &Reference) {}
}

/// Nobody sees it.
impl Recorder for () {}

/// As [`evaluate`], with someone who sees every answer.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_recorded(
    model: &Model,
    loader: &Loader,
    metrics: &mut MetricSet,
    recorder: &mut dyn Recorder,
) -> Result<MetricReport> {
    for batch in loader.epoch(0)? {
        let batch = batch?.to_device(model.params().device())?;
        recorder.batch(&batch.ids);
        let predictions = model.predict(&batch.inputs)?;
        for (task_idx, (prediction, target)) in predictions.iter().zip(&batch.targets).enumerate() {
            if let Some(target) = target {
                let reference = target.reference()?;
                let facts = SampleFacts::of(target)?;
                metrics.update_batch(task_idx, &facts.beside(prediction, &reference).with_ids(&batch.ids))?;
                if facts.weights.is_some() {
                    recorder.weighted(task_idx);
                }
                recorder.answers(task_idx, &batch.ids, prediction, &reference);
            }
        }
    }
    Ok(metrics.compute())
}

/// What belongs to samples and not to labels.
struct SampleFacts {
    weights: Option<Vec<f32>>,
    groups: Option<Vec<u64>>,
}

impl SampleFacts {
    fn of(target: &Target) -> Result<Self> {
        Ok(Self { weights: target.plain_weights()?, groups: target.plain_groups()? })
    }

    fn beside<'a>(&'a self, prediction: &'a Prediction, reference: &'a Reference) -> MetricBatch<'a> {
        let mut batch = MetricBatch::new(prediction, reference);
        if let Some(weights) = &self.weights {
            batch = batch.with_weights(weights);
        }
        if let Some(groups) = &self.groups {
            batch = batch.with_groups(groups);
        }
        batch
    }
}

/// The metrics of answers by a rule: `rule(task, metric, truth)` gives what is answered to a run of samples, or why nothing can
/// be. Labels alone are read. The source has the tasks of `metrics`, in order.
///
/// # Errors
/// [`mtl_core::Error`] naming the task when an answer and its target do not fit; the data's own errors.
pub fn evaluate_answers(
    split: &dyn Source,
    metrics: &MetricSet,
    rule: &dyn Fn(usize, &str, &Reference) -> OrReason<Prediction>,
) -> Result<MetricReport> {
    let fresh = |metric: &dyn AnyMetric| {
        let mut metric = metric.boxed_clone();
        metric.reset();
        (metric, None::<String>)
    };
    let mut judged: Vec<(_, Vec<_>)> = metrics
        .iter()
        .map(|(task, metrics)| (task.clone(), metrics.iter().map(|metric| fresh(metric.as_ref())).collect()))
        .collect();
    let n = split.len();
    let mut start = 0;
    while start < n {
        let ids: Vec<u64> = (start..n.min(start + CHUNK)).collect();
        for (task_idx, target) in split.targets(&ids)?.iter().enumerate() {
            let (Some(target), Some((task, metrics))) = (target, judged.get_mut(task_idx)) else { continue };
            let (truth, facts) = (target.reference()?, SampleFacts::of(target)?);
            for (metric, refusal) in metrics.iter_mut().filter(|(_, refusal)| refusal.is_none()) {
                match rule(task_idx, metric.name(), &truth) {
                    Ok(answer) => {
                        let batch = facts.beside(&answer, &truth).of_task(task.as_str()).with_ids(&ids);
                        metric.update_batch(&batch)?;
                    }
                    Err(reason) => *refusal = Some(reason),
                }
            }
        }
        start += CHUNK;
    }
    let entry = |(metric, refusal): (Box<dyn AnyMetric>, Option<String>)| MetricEntry {
        metric: metric.name().to_owned(),
        direction: metric.direction(),
        outcome: refusal.map_or_else(|| metric.compute(), |reason| MetricValue::undefined(reason, 0)),
    };
    let tasks = judged
        .into_iter()
        .map(|(task, metrics)| TaskReport { task, metrics: metrics.into_iter().map(entry).collect() })
        .collect();
    Ok(MetricReport { tasks })
}

/// The metrics that suit each head, the task's primary one first.
///
/// # Errors
/// [`mtl_core::Error::InvalidConfig`] when a metric cannot be built.
pub fn metrics_of(model: &Model) -> Result<MetricSet> {
    let chosen: Vec<_> = model
        .tasks()
        .iter()
        .zip(model.heads())
        .map(|(task, head)| {
            let mut ids = vec![task.primary];
            ids.extend(head.spec().metrics.iter().copied().filter(|id| *id != task.primary));
            ids
        })
        .collect();
    Ok(MetricSet::new(model.tasks(), &chosen)?)
}
