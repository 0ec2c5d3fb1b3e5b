//! Permutation importance: what a metric loses when a field's values are dealt to other samples.
//!
//! ```text
//! I_rj = M(answers to x) - M(answers to x with column j in the order of permutation r)      positive: the field was needed
//! I_j  = mean_r I_rj,  with the t interval over R permutations
//! ```
//! The sign is that of the metric's direction, so that a loss is positive for errors too. It is measured on samples that were not learned
//! from, in the metric's own unit, and says what the *model* needs: of two fields that say the same neither is missed, and a field that is
//! read wrongly has a negative importance. Samples keep their labels, weights and groups.
//!
//! **Reference** L. Breiman, "Random Forests", Machine Learning 45, 2001; A. Fisher, C. Rudin, F. Dominici, "All Models are Wrong, but Many
//! are Useful", JMLR 20, 2019 (model reliance, which needs no forest). scikit-learn's `permutation_importance` is the same with the standard
//! deviation in place of the interval.

use mtl_core::{
    TorchContext,
    batch::Batch,
    metric::Direction,
    rng::{Rng, derive},
};
use mtl_data::Source;
use mtl_metrics::{MetricReport, stats::Estimate};
use serde::Serialize;
use tch::Tensor;

use super::{ExplainOptions, Parts, Samples};
use crate::{
    error::Result,
    train::{
        model::Model,
        trainer::{evaluate_batches, metrics_of},
    },
};

/// Of which share of repetitions the interval is to hold the mean.
const LEVEL: f64 = 0.95;

/// How much a task's metric needs a field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importance {
    /// The task.
    pub task: String,
    /// The metric.
    pub metric: String,
    /// The field.
    pub part: String,
    /// What the metric loses, in its own unit; positive where the field is needed.
    pub loss: f64,
    /// From where to where the mean over permutations may be, at 95 %; `None` of a single one.
    pub interval: Option<(f64, f64)>,
}

/// What metrics lose when fields are permuted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Permutation {
    /// Samples that metrics are measured on.
    pub samples: usize,
    /// Permutations of each field.
    pub repeats: usize,
    /// The metrics with all fields in place.
    pub whole: MetricReport,
    /// Of every task and metric, the fields in their order.
    pub importances: Vec<Importance>,
}

impl Permutation {
    /// Of a task by its first metric, the fields that it needs most first.
    #[must_use]
    pub fn of_task(&self, task: &str) -> Vec<&Importance> {
        let own = || self.importances.iter().filter(|own| own.task == task);
        let Some(first) = own().next() else { return Vec::new() };
        let mut fields: Vec<&Importance> = own().filter(|own| own.metric == first.metric).collect();
        fields.sort_by(|a, b| b.loss.total_cmp(&a.loss));
        fields
    }

    /// Permutes every field of a table; `None` where an input has none, as a picture.
    ///
    /// # Errors
    /// As [`evaluate_batches`].
    pub(super) fn of(
        model: &Model,
        source: &dyn Source,
        parts: &Parts,
        options: &ExplainOptions,
    ) -> Result<Option<Self>> {
        let Some(columns) = parts.columns() else { return Ok(None) };
        let device = model.params().device();
        let batch = Samples::Random(options.rows).batch(source, derive(options.seed, "permuted samples", 0))?;
        let batch = batch.to_device(device)?;
        let n = batch.inputs.batch_size();
        let all: Vec<usize> = (0..batch.len()).collect();
        let whole = judge(model, batch.select(&all)?)?;
        let mut importances = Vec::new();
        let mut losses: Vec<Vec<f64>> = Vec::new();
        for (at, (input, column)) in columns.iter().enumerate() {
            losses.clear();
            for repeat in 0..options.permutations {
                let order = order(n, derive(options.seed, "permutation", (at * options.permutations + repeat) as u64));
                let mut permuted = batch.select(&all)?;
                permuted.inputs = permuted.inputs.map(|name, tensor| match name == *input {
                    true => with_column(tensor, *column, &order),
                    false => Ok(tensor.shallow_clone()),
                })?;
                losses.push(lost(&whole, &judge(model, permuted)?));
            }
            let entries = whole.tasks.iter().flat_map(|task| task.metrics.iter().map(move |entry| (task, entry)));
            for (place, (task, entry)) in entries.enumerate() {
                let of_repeats: Vec<f64> = losses.iter().map(|all| all[place]).filter(|x| x.is_finite()).collect();
                // A metric that one permutation leaves undefined has no mean over all of them.
                if of_repeats.len() < options.permutations {
                    continue;
                }
                let estimate = Estimate::new(&of_repeats, LEVEL)?;
                importances.push(Importance {
                    task: task.task.to_string(),
                    metric: entry.metric.clone(),
                    part: parts.names().get(at).cloned().unwrap_or_default(),
                    loss: estimate.mean,
                    interval: estimate.interval.map(|[low, high]| (low, high)),
                });
            }
        }
        let tasks = &whole.tasks;
        // Task by task and metric by metric, for readers.
        let rank = |own: &Importance| {
            let task = tasks.iter().position(|task| task.task.as_str() == own.task).unwrap_or(0);
            let metrics = &tasks[task].metrics;
            (task, metrics.iter().position(|entry| entry.metric == own.metric).unwrap_or(0))
        };
        importances.sort_by_key(rank);
        Ok(Some(Self { samples: batch.len(), repeats: options.permutations, whole, importances }))
    }
}

fn judge(model: &Model, batch: Batch) -> Result<MetricReport> {
    evaluate_batches(model, Box::new(std::iter::once(Ok(batch))), &mut metrics_of(model)?)
}

/// What each metric of each task lost, NaN where it has no value.
fn lost(whole: &MetricReport, permuted: &MetricReport) -> Vec<f64> {
    let pairs = whole.tasks.iter().zip(&permuted.tasks).flat_map(|(a, b)| a.metrics.iter().zip(&b.metrics));
    pairs
        .map(|(a, b)| match (a.outcome.value, b.outcome.value) {
            (Some(whole), Some(permuted)) => match a.direction {
                Direction::Maximize => whole - permuted,
                Direction::Minimize => permuted - whole,
            },
            _ => f64::NAN,
        })
        .collect()
}

fn order(n: i64, seed: u64) -> Tensor {
    let mut order: Vec<i64> = (0..n).collect();
    let mut rng = Rng::new(seed);
    for last in (1..order.len()).rev() {
        order.swap(last, usize::try_from(rng.below(last as u64 + 1)).unwrap_or(last));
    }
    Tensor::from_slice(&order)
}

/// The same rows with one column in another order.
fn with_column(rows: &Tensor, column: i64, order: &Tensor) -> mtl_core::Result<Tensor> {
    let run = || {
        let changed = rows.f_detach_copy()?;
        let order = order.f_to_device(rows.device())?;
        let permuted = rows.f_narrow(1, column, 1)?.f_index_select(0, &order)?;
        changed.f_narrow(1, column, 1)?.f_copy_(&permuted)?;
        Ok::<_, tch::TchError>(changed)
    };
    run().op("permuted field")
}
