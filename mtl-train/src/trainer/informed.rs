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

use mtl_core::prediction::{Prediction, Reference, Scores};
use mtl_data::{LabelKind, Source};
use mtl_metrics::{MetricReport, MetricSet, MetricValue, value::OrReason};
use ndarray::Array2;

use super::evaluate_answers;
use crate::error::Result;

/// A logit that leaves no doubt and is a modest number of nats.
const SURE: f32 = 8.0;

/// The best that any answer can do: the metrics of whichever answer has more of them.
///
/// # Errors
/// Those of reading the labels; [`mtl_core::Error::Label`] for a label that is none.
pub(super) fn report(split: &dyn Source, metrics: &MetricSet) -> Result<MetricReport> {
    let classes: Vec<usize> = split
        .info()
        .tasks
        .iter()
        .map(|task| match &task.label {
            LabelKind::Class { classes } => classes.len(),
            _ => 0,
        })
        .collect();
    let labels = |task_idx: usize, _: &str, truth: &Reference| {
        labels_themselves(truth, classes.get(task_idx).copied().unwrap_or(0))
    };
    let mut best = evaluate_answers(split, metrics, &labels)?;
    if split.info().tasks.iter().all(|task| !matches!(task.label, LabelKind::Values { .. })) {
        return Ok(best);
    }
    let other = evaluate_answers(split, metrics, &|_, _, truth| slope(truth))?;
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

fn labels_themselves(truth: &Reference, n_classes: usize) -> OrReason<Prediction> {
    Ok(match truth {
        Reference::Class(labels) => {
            // A missing label is no class, and gets no logit.
            let logit = |(row, class): (usize, usize)| match usize::try_from(labels[row]) {
                Ok(label) if label == class => SURE,
                _ => 0.0,
            };
            Prediction::Class { scores: Array2::from_shape_fn((labels.len(), n_classes), logit), kind: Scores::Logits }
        }
        Reference::MultiLabel(labels) => {
            let scores = labels.mapv(|label| if label > 0.5 { SURE } else { -SURE });
            Prediction::MultiLabel { scores, kind: Scores::Logits }
        }
        Reference::Values(values) => {
            Prediction::Values { values: values.mapv(|value| if value.is_nan() { 0.0 } else { value }) }
        }
        _ => return unheard_of(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a slope need not be straight to the last bit")]
fn slope(truth: &Reference) -> OrReason<Prediction> {
    match truth {
        Reference::Values(values) => {
            let n = values.nrows().max(1) as f32;
            Ok(Prediction::Values { values: Array2::from_shape_fn(values.dim(), |(row, _)| 1.0 + row as f32 / n) })
        }
        _ => Err("only numbers lie on a slope".to_owned()),
    }
}

fn unheard_of() -> OrReason<Prediction> {
    Err("labels of a kind that no answer fits".to_owned())
}
