//! Metrics of a model on a split.

use mtl_core::prediction::{Prediction, Reference};
use mtl_data::Loader;
use mtl_metrics::{MetricReport, MetricSet};

use crate::{error::Result, model::Model};

/// Runs the model over all batches of one pass and computes the metrics.
///
/// # Errors
/// [`mtl_core::Error`] naming the task when a prediction and its target do not fit; the data's own errors.
pub fn evaluate(model: &Model, loader: &Loader, metrics: &mut MetricSet) -> Result<MetricReport> {
    evaluate_recorded(model, loader, metrics, &mut ())
}

/// Someone who sees what a model says while it is evaluated, so that the split need not be read again for it. Both hooks do
/// nothing unless overridden.
pub trait Recorder {
    /// A batch of samples with these ids comes next.
    fn batch(&mut self, _ids: &[u64]) {}

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
                metrics.update(task_idx, prediction, &reference)?;
                recorder.answers(task_idx, &batch.ids, prediction, &reference);
            }
        }
    }
    Ok(metrics.compute())
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
