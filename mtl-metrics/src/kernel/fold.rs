//! The loops over what is known in a batch: samples with a label, known yes/no entries, rows of them.
//!
//! A metric says what one known item adds to its state; here items are found, checked for their label and weight, and
//! walked in parallel by `by_chunks`, so that every metric treats missing labels and bad input alike.

use std::ops::Range;

use mtl_core::{Result, prediction::Scores};

use crate::{
    chunks::by_chunks,
    input::{MetricBatch, ScoreBatch},
    metric::{MetricState, refused},
    value::OrReason,
};

/// A sample with a known class.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Its scores, `[c]`, not yet checked.
    pub scores: &'a [f32],
    /// What the scores are.
    pub kind: Scores,
    /// Its class, below `c`.
    pub class: usize,
    /// Its weight.
    pub weight: f32,
    /// Its position in the batch, for errors.
    pub row: usize,
}

/// A known yes/no label.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Which label.
    pub column: usize,
    /// Its score, not yet checked.
    pub score: f32,
    /// What the score is.
    pub kind: Scores,
    /// The truth.
    pub yes: bool,
    /// The weight of its sample.
    pub weight: f32,
    /// Its row in the batch, for errors.
    pub row: usize,
}

/// What the columns of a batch of scores are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// One of so many classes.
    Classes(usize),
    /// So many yes/no labels.
    Labels(usize),
}

/// Folds known samples, or known entries, into `state`, which is unchanged on an error.
///
/// `fresh` makes an empty state of that width (or says why there cannot be one); a chunk has at least `min_rows` rows.
///
/// # Errors
/// As [`crate::Metric::update`]; the `Shape` error of `batch` for a width that `fresh` refuses.
pub(crate) fn scores<S: MetricState>(
    metric: &str,
    batch: &MetricBatch<'_>,
    state: &mut S,
    fresh: impl Fn(Width) -> S + Sync,
    sample: impl Fn(&mut S, &Sample<'_>) -> Result<()> + Sync,
    entry: impl Fn(&mut S, &Entry) -> Result<()> + Sync,
) -> Result<()> {
    let part: S = match batch.weighted_scores(metric)? {
        ScoreBatch::Class { scores, kind, labels } => {
            let c = scores.n_cols();
            by_chunks(scores.n_rows(), 4 * c, |range| {
                let mut part = fresh(Width::Classes(c));
                for (row, scores) in range.clone().zip(scores.rows(range)) {
                    if let Some(class) = batch.class(labels[row], c, row)? {
                        let weight = batch.weight(row)?;
                        sample(&mut part, &Sample { scores, kind, class, weight, row })?;
                    }
                }
                Ok(part)
            })
        }
        ScoreBatch::MultiLabel { scores, kind, labels } => by_chunks(scores.n_rows(), 0, |range| {
            let mut part = fresh(Width::Labels(scores.n_cols()));
            for ((row, said), truth) in range.clone().zip(scores.rows(range.clone())).zip(labels.rows(range)) {
                for (column, (&score, &label)) in said.iter().zip(truth).enumerate() {
                    if let Some(yes) = batch.yes_no(label, row)? {
                        let weight = batch.weight(row)?;
                        entry(&mut part, &Entry { column, score, kind, yes, weight, row })?;
                    }
                }
            }
            Ok(part)
        }),
    }?;
    state.merge(&part).map_err(|reason| refused(metric, reason))
}

/// Folds samples with a known class into `state`, for a metric that has no meaning for yes/no labels.
///
/// # Errors
/// As [`scores`]; yes/no labels are refused.
pub(crate) fn samples<S: MetricState>(
    metric: &str,
    batch: &MetricBatch<'_>,
    state: &mut S,
    fresh: impl Fn(usize) -> S + Sync,
    sample: impl Fn(&mut S, &Sample<'_>) -> Result<()> + Sync,
) -> Result<()> {
    let unfit = || batch.unfit(metric, "class scores with class labels");
    if let ScoreBatch::MultiLabel { .. } = batch.weighted_scores(metric)? {
        return Err(unfit());
    }
    let of_width = |width| fresh(if let Width::Classes(c) = width { c } else { 0 });
    scores(metric, batch, state, of_width, sample, |_, _| Err(unfit()))
}

/// Folds the known labels of each row into `state`: `add(state, [(checked score, truth)], weight)`, rows without any skipped.
///
/// # Errors
/// As [`crate::Metric::update`]; class scores are refused.
pub(crate) fn label_rows<S: MetricState>(
    metric: &str,
    batch: &MetricBatch<'_>,
    state: &mut S,
    add: impl Fn(&mut S, &[(f32, bool)], &LabelRow) -> Result<()> + Sync,
) -> Result<()> {
    let (scores, kind, labels) = batch.weighted_label_scores(metric)?;
    let part: S = by_chunks(scores.n_rows(), 0, |range: Range<usize>| {
        let (mut part, mut known) = (S::default(), Vec::with_capacity(scores.n_cols()));
        for ((row, said), truth) in range.clone().zip(scores.rows(range.clone())).zip(labels.rows(range)) {
            known.clear();
            for (&score, &label) in said.iter().zip(truth) {
                if let Some(yes) = batch.yes_no(label, row)? {
                    known.push((batch.score(score, kind, row)?, yes));
                }
            }
            if !known.is_empty() {
                let row = LabelRow { weight: batch.weight(row)?, complete: known.len() == truth.len(), kind };
                add(&mut part, &known, &row)?;
            }
        }
        Ok(part)
    })?;
    state.merge(&part).map_err(|reason| refused(metric, reason))
}

/// What a row of yes/no labels has beside them.
#[derive(Debug, Clone, Copy)]
pub struct LabelRow {
    /// The sample's weight.
    pub weight: f32,
    /// Whether no label of it is missing.
    pub complete: bool,
    /// What its scores are.
    pub kind: Scores,
}

impl LabelRow {
    /// Whether a score says yes: probability above 0.5, logit above 0.
    #[must_use]
    pub fn says_yes(&self, score: f32) -> bool {
        score > if self.kind == Scores::Logits { 0.0 } else { 0.5 }
    }
}

/// The mean over what is defined, in order, each with its weight: `(value, weight)`.
pub(crate) fn weighted_mean(parts: &[(OrReason<f64>, f64)]) -> Option<f64> {
    let defined = || parts.iter().filter_map(|(value, weight)| value.as_ref().ok().map(|value| (*value, *weight)));
    let total: f64 = defined().map(|(_, weight)| weight).sum();
    if total > 0.0 { Some(defined().map(|(value, weight)| value * weight).sum::<f64>() / total) } else { None }
}
