//! Scores as probabilities, in `f64`: softmax and sigmoid of logits, probabilities checked.
//!
//! ```text
//! class   logits  p_k = exp(z_k - log sum_j exp(z_j))        probs   p_k as given, summing to 1 within 1e-2
//! yes/no  logits  p = 1 / (1 + exp(-z))                      probs   p as given
//! ```
//!
//! The slack of the sum is what a softmax in half precision keeps.

use mtl_core::{Result, prediction::Scores};

use crate::{
    fold::{Entry, Sample},
    input::MetricBatch,
};

/// How far the probabilities of a sample may be from summing to 1.
pub(crate) const SUM_SLACK: f64 = 1e-2;

/// `log sum_k exp(z_k)` in `f64`; infinite when a logit is `inf` or all are `-inf`.
pub(crate) fn log_sum_exp(logits: &[f32]) -> f64 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if !top.is_finite() {
        return f64::from(top);
    }
    let top = f64::from(top);
    top + logits.iter().map(|&z| (f64::from(z) - top).exp()).sum::<f64>().ln()
}

/// The probabilities of one sample's classes.
#[derive(Debug, Clone, Copy)]
pub struct ClassProbs<'a> {
    scores: &'a [f32],
    /// The logarithm that normalizes logits; `None` for probabilities.
    log_total: Option<f64>,
}

impl<'a> ClassProbs<'a> {
    /// Checks the scores of a sample.
    ///
    /// # Errors
    /// [`mtl_core::Error::Label`] for NaN, a probability outside `[0, 1]` or a sum that is not 1, infinite logits.
    pub fn of(batch: &MetricBatch<'_>, sample: &Sample<'a>) -> Result<Self> {
        for &score in sample.scores {
            batch.score(score, sample.kind, sample.row)?;
        }
        let log_total = match sample.kind {
            Scores::Probs => {
                let sum: f64 = sample.scores.iter().map(|&p| f64::from(p)).sum();
                if (sum - 1.0).abs() > SUM_SLACK {
                    return Err(batch.refuse("sum of probabilities", "1", &sum, sample.row));
                }
                None
            }
            Scores::Logits => {
                let total = log_sum_exp(sample.scores);
                if !total.is_finite() {
                    return Err(batch.refuse("logit", "finite", &total, sample.row));
                }
                Some(total)
            }
        };
        Ok(Self { scores: sample.scores, log_total })
    }

    /// The probabilities, in the order of the classes.
    pub fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        self.scores.iter().map(|&score| match self.log_total {
            None => f64::from(score).clamp(0.0, 1.0),
            Some(total) => (f64::from(score) - total).exp(),
        })
    }

    /// The class with the highest score, the first among equals, and its probability.
    #[must_use]
    pub fn top(&self) -> (usize, f64) {
        let higher = |best: (usize, f32), (class, &score): (usize, &f32)| {
            if score > best.1 { (class, score) } else { best }
        };
        let (class, _) = self.scores.iter().enumerate().fold((0, f32::NEG_INFINITY), higher);
        (class, self.iter().nth(class).unwrap_or(0.0))
    }
}

/// The probability of "yes".
///
/// # Errors
/// As [`MetricBatch::score`].
pub fn yes_prob(batch: &MetricBatch<'_>, entry: &Entry) -> Result<f64> {
    let score = f64::from(batch.score(entry.score, entry.kind, entry.row)?);
    Ok(match entry.kind {
        Scores::Probs => score.clamp(0.0, 1.0),
        // Either form keeps the digits of a small probability.
        Scores::Logits if score >= 0.0 => 1.0 / (1.0 + (-score).exp()),
        Scores::Logits => score.exp() / (1.0 + score.exp()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::array;

    #[test]
    fn by_hand() {
        let prediction = Prediction::Class { scores: array![[0.0, 0.0]], kind: Scores::Logits };
        let reference = Reference::Class(vec![0]);
        let batch = MetricBatch::new(&prediction, &reference);
        let sample = |scores: &'static [f32], kind| Sample { scores, kind, class: 0, weight: 1.0, row: 0 };
        let probs = ClassProbs::of(&batch, &sample(&[0.0, 0.0], Scores::Logits)).unwrap();
        assert_eq!((probs.iter().collect::<Vec<_>>(), probs.top()), (vec![0.5, 0.5], (0, 0.5)));
        assert!(ClassProbs::of(&batch, &sample(&[0.5, 0.6], Scores::Probs)).is_err());
        assert!(ClassProbs::of(&batch, &sample(&[f32::INFINITY, 0.0], Scores::Logits)).is_err());
        let entry = |score, kind| Entry { column: 0, score, kind, yes: true, weight: 1.0, row: 0 };
        assert!((yes_prob(&batch, &entry(-100.0, Scores::Logits)).unwrap() - (-100f64).exp()).abs() < 1e-57);
        assert!(yes_prob(&batch, &entry(1.5, Scores::Probs)).is_err());
    }
}
