//! One batch of decisions about members of groups.

use mtl_core::{Error, Result};

use crate::{
    fold::{Entry, Sample},
    input::{MetricBatch, ScoreBatch},
    judged::{FromJudged, Shelf},
    probability::{ClassProbs, yes_prob},
};

/// Scores or decisions of yes/no questions, their truth, and the group of each sample.
///
/// ```
/// use mtl_metrics::fairness::GroupedScores;
/// assert!(GroupedScores::new(&[0.9, 0.2], &[true, false], &[0, 1]).is_ok());
/// assert!(GroupedScores::new(&[1.5], &[true], &[0]).is_err());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct GroupedScores<'a> {
    pub(super) scores: &'a [f32],
    pub(super) truth: &'a [bool],
    pub(super) groups: &'a [u64],
    weights: Option<&'a [f32]>,
}

impl<'a> GroupedScores<'a> {
    /// Probabilities of yes (or decisions, 0 and 1), the truth, and any number that names the group.
    ///
    /// # Errors
    /// [`Error::Shape`] when lengths disagree; [`Error::Label`] for a score outside `[0, 1]`.
    pub fn new(scores: &'a [f32], truth: &'a [bool], groups: &'a [u64]) -> Result<Self> {
        same_len("truth", truth.len(), scores.len())?;
        same_len("groups", groups.len(), scores.len())?;
        if let Some(at) = scores.iter().position(|score| !(0.0..=1.0).contains(score)) {
            return Err(label("score", "a probability", scores[at], at));
        }
        Ok(Self { scores, truth, groups, weights: None })
    }

    /// The same samples, weighted.
    ///
    /// # Errors
    /// [`Error::Shape`] when there is not one weight per sample; [`Error::Label`] for a negative or infinite one.
    pub fn weighted(mut self, weights: &'a [f32]) -> Result<Self> {
        same_len("weights", weights.len(), self.scores.len())?;
        if let Some(at) = weights.iter().position(|&w| !(w >= 0.0 && w.is_finite())) {
            return Err(label("weight", "finite and not negative", weights[at], at));
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// Samples in a range as `(score, truth, group, weight)`.
    pub(super) fn samples(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = (f32, bool, u64, f32)> {
        range.filter_map(|idx| {
            let weight = self.weights.map_or(Some(1.0), |weights| weights.get(idx).copied());
            Some((*self.scores.get(idx)?, *self.truth.get(idx)?, *self.groups.get(idx)?, weight?))
        })
    }
}

fn same_len(tensor: &'static str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let expected = format!("as the scores, [{expected}]");
    Err(Error::Shape { op: "fairness".into(), tensor, expected, found: vec![found as i64] })
}

fn label(what: &'static str, expected: &str, found: f32, at: usize) -> Error {
    let (expected, found) = (expected.into(), found.to_string());
    Error::Label { task: "(unnamed)".into(), what, expected, found, sample: at as u64 }
}

/// Answers of a yes/no question or of two classes, the second of which is yes; the protected attribute is the sample's group.
impl<'a> FromJudged<'a> for GroupedScores<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let groups = judged.groups(metric)?;
        let mut known: Vec<(usize, f64, bool)> = Vec::with_capacity(groups.len());
        match judged.weighted_scores(metric)? {
            ScoreBatch::Class { scores, kind, labels } if scores.n_cols() == 2 => {
                for (row, (scores, &label)) in scores.rows(0..scores.n_rows()).zip(labels).enumerate() {
                    let Some(class) = judged.class(label, 2, row)? else { continue };
                    let probs = ClassProbs::of(judged, &Sample { scores, kind, class, weight: 1.0, row })?;
                    known.push((row, probs.iter().nth(1).unwrap_or(0.0), class == 1));
                }
            }
            ScoreBatch::MultiLabel { scores, kind, labels } if scores.n_cols() == 1 => {
                for (row, (&score, &label)) in scores.flat().iter().zip(labels.flat()).enumerate() {
                    let Some(yes) = judged.yes_no(label, row)? else { continue };
                    let entry = Entry { column: 0, score, kind, yes, weight: 1.0, row };
                    known.push((row, yes_prob(judged, &entry)?, yes));
                }
            }
            _ => return Err(judged.unfit(metric, "one yes/no answer, or two classes,")),
        }
        let (mut of, mut weights) = (Vec::with_capacity(known.len()), Vec::new());
        for &(row, ..) in &known {
            let group = groups.get(row).copied().unwrap_or_default();
            of.push(group);
            if judged.is_weighted() {
                weights.push(judged.weight(row)?);
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "scores are f32")]
        let scores = shelf.keep(known.iter().map(|&(_, p, _)| (p as f32).clamp(0.0, 1.0)).collect());
        let batch = Self::new(scores, shelf.keep(known.iter().map(|&(.., yes)| yes).collect()), shelf.keep(of))?;
        if judged.is_weighted() { batch.weighted(shelf.keep(weights)) } else { Ok(batch) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_samples_are_refused() {
        let e = GroupedScores::new(&[0.5], &[true, false], &[0]).unwrap_err().to_string();
        assert_eq!(e, "fairness: truth must be as the scores, [1], found [2]");
        assert!(GroupedScores::new(&[f32::NAN], &[true], &[0]).is_err());
        let one = GroupedScores::new(&[0.5], &[true], &[0]).unwrap();
        assert!(one.weighted(&[]).is_err() && one.weighted(&[-1.0]).is_err());
    }
}
