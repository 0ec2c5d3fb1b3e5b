//! Answers that know the labels: what even they cannot give a value, the labels of a split do not define.
//!
//! | metric | labels that leave it without a value, whatever is answered |
//! |---|---|
//! | AUROC, average precision, KS and their kin | one answer only |
//! | R2, correlations | all the same number |
//! | MAPE | a 0 |
//! | Poisson and gamma deviance, RMSLE | a number outside the metric's domain |
//! | every metric | none known |
//!
//! No list of this kind is kept. Two answers are tried, and a metric that neither of them gives a value counts as undefined:
//! the labels themselves, and, for numbers, a slope from 1 to 2, since the labels may lie where a metric allows no answer (a
//! Poisson rate of 0).

use mtl_core::{
    answer::{CellRule, Constant},
    prediction::{Prediction, Reference},
};
use mtl_data::Batches;
use mtl_metrics::{MetricReport, MetricSet, MetricValue, value::OrReason};
use ndarray::Array2;

use super::evaluate_answers;
use crate::{
    error::Result,
    parts::metrics::{constant_for, registry},
};

/// The metrics of the labels themselves as answers: what a metric refuses to judge it refuses here.
///
/// # Errors
/// As [`report`].
pub(super) fn repeated(split: &dyn Batches, metrics: &MetricSet) -> Result<MetricReport> {
    let known = registry();
    evaluate_answers(split, metrics, &|task_idx, metric, truth| match metrics.answer(task_idx) {
        Some(answer) => answer.repeat_for(truth, constant_for(&known, metric)),
        None => Err("a task that the data does not have".to_owned()),
    })
}

/// The best that any answer can do: the metrics of whichever answer has more of them.
///
/// # Errors
/// Those of reading the labels; [`mtl_core::Error::Label`] for a label that is none.
pub(super) fn report(split: &dyn Batches, metrics: &MetricSet) -> Result<MetricReport> {
    let mut best = repeated(split, metrics)?;
    let mut answers = (0..best.tasks.len()).filter_map(|task_idx| metrics.answer(task_idx));
    if answers.all(|answer| answer.layout().cells != CellRule::Number) {
        return Ok(best);
    }
    let known = registry();
    let other = evaluate_answers(split, metrics, &|_, metric, truth| match constant_for(&known, metric) {
        Constant::Mean | Constant::Median | Constant::Logits => slope(truth),
        Constant::Distribution => Err("numbers on a slope are no distributions".to_owned()),
    })?;
    for (task, theirs) in best.tasks.iter_mut().zip(&other.tasks) {
        for (entry, theirs) in task.metrics.iter_mut().zip(&theirs.metrics) {
            if says_more(&theirs.outcome, &entry.outcome) {
                entry.outcome = theirs.outcome.clone();
            }
        }
    }
    Ok(best)
}

fn says_more(a: &MetricValue, b: &MetricValue) -> bool {
    match (a.value, b.value) {
        (Some(_), Some(_)) => a.left_out < b.left_out,
        (a, b) => a.is_some() && b.is_none(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a slope need not be straight to the last bit")]
fn slope(truth: &Reference) -> OrReason<Prediction> {
    let Reference::Values(values) = truth else { return Err("only numbers lie on a slope".to_owned()) };
    let n = values.nrows().max(1) as f32;
    Ok(Prediction::Values { values: Array2::from_shape_fn(values.dim(), |(row, _)| 1.0 + row as f32 / n) })
}
