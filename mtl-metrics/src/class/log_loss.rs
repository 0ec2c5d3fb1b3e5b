//! Log-loss: the mean negative log-likelihood of the labels, in nats.
//!
//! ```text
//! class   logits  loss = log sum_k exp(z_k) - z_y                                   (log-softmax, max subtracted)
//!         probs   loss = -log clip(p_y)
//! yes/no  logits  loss = softplus(-z) for yes, softplus(z) for no,   softplus(z) = max(z, 0) + log(1 + exp(-|z|))
//!         probs   loss = -log clip(p) for yes, -log clip(1 - p) for no
//! clip(p) = min(max(p, eps), 1 - eps),   eps = 2^-52
//! ```
//!
//! Several yes/no labels: the mean over all known entries, as a binary cross-entropy loss has it.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** 552 bytes. **Weights** yes.
//!
//! **Reference** scikit-learn `log_loss` on probabilities held in `f64`, hence its `eps` of that type: a probability of
//! exactly 0 for the label costs 36.04 nats. From logits nothing is clipped.
//! **Differs from** scikit-learn in refusing class probabilities that do not sum to 1 within 1e-2 (it warns), a limit that
//! half-precision softmax keeps; from torch's losses in computing in `f64`. A label whose logit is `-inf` is refused:
//! its loss has no number.

use mtl_core::{Result, metric::Direction, prediction::Scores};

use crate::{
    fold::{self, Entry, Sample},
    input::MetricBatch,
    mean::ExactMean,
    metric::Metric,
    probability::{SUM_SLACK, log_sum_exp},
    value::MetricValue,
};

/// Mean negative log-likelihood of the labels, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogLoss;

impl Metric for LogLoss {
    type Batch<'a> = MetricBatch<'a>;
    type State = ExactMean;
    const STATE_VERSION: u16 = 2;

    fn name(&self) -> &'static str {
        "log-loss"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, batch: &MetricBatch<'_>) -> Result<()> {
        fold::scores(
            self.name(),
            batch,
            state,
            |_| ExactMean::default(),
            |losses, sample| {
                losses.add_weighted(class_loss(sample, batch)?, sample.weight);
                Ok(())
            },
            |losses, entry| {
                losses.add_weighted(yes_no_loss(entry, batch)?, entry.weight);
                Ok(())
            },
        )
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}

fn class_loss(sample: &Sample<'_>, batch: &MetricBatch<'_>) -> Result<f64> {
    let row = sample.row;
    for &score in sample.scores {
        batch.score(score, sample.kind, row)?;
    }
    let label_score = f64::from(sample.scores[sample.class]);
    match sample.kind {
        Scores::Probs => {
            let sum: f64 = sample.scores.iter().map(|&p| f64::from(p)).sum();
            if (sum - 1.0).abs() > SUM_SLACK {
                return Err(batch.refuse("sum of probabilities", "1", &sum, row));
            }
            Ok(-clip(label_score).ln())
        }
        Scores::Logits => {
            let total = log_sum_exp(sample.scores);
            if !total.is_finite() || !label_score.is_finite() {
                return Err(batch.refuse("logit", "finite", &label_score.min(total), row));
            }
            Ok(total - label_score)
        }
    }
}

fn yes_no_loss(entry: &Entry, batch: &MetricBatch<'_>) -> Result<f64> {
    let score = f64::from(batch.score(entry.score, entry.kind, entry.row)?);
    match entry.kind {
        Scores::Probs => Ok(-clip(if entry.yes { score } else { 1.0 - score }).ln()),
        Scores::Logits if score.is_finite() => {
            let wrong = if entry.yes { -score } else { score };
            Ok(wrong.max(0.0) + (-wrong.abs()).exp().ln_1p())
        }
        Scores::Logits => Err(batch.refuse("logit", "finite", &score, entry.row)),
    }
}

fn clip(p: f64) -> f64 {
    p.clamp(f64::EPSILON, 1.0 - f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate;
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::{Array2, array};

    fn class(scores: Array2<f32>, kind: Scores, labels: Vec<i64>) -> Result<MetricValue> {
        evaluate("log-loss", &Prediction::Class { scores, kind }, &Reference::Class(labels))
    }

    fn close(found: &MetricValue, want: f64) {
        assert!((found.value.unwrap() - want).abs() <= 1e-14 * want.abs(), "{found} is not {want}");
    }

    #[test]
    fn by_hand() {
        close(&class(array![[0.25, 0.75], [0.5, 0.5]], Scores::Probs, vec![1, 0]).unwrap(), (-0.375_f64.ln()) / 2.0);
        close(
            &class(array![[0.0, 3.0_f32.ln()]], Scores::Logits, vec![0]).unwrap(),
            (1.0 + f64::from(3.0_f32.ln()).exp()).ln(),
        );
        close(&class(array![[0.0, 1.0]], Scores::Probs, vec![0]).unwrap(), -f64::EPSILON.ln());
        let prediction = Prediction::MultiLabel { scores: array![[0.0, -200.0]], kind: Scores::Logits };
        let value = evaluate("log-loss", &prediction, &Reference::MultiLabel(array![[1.0, 1.0]])).unwrap();
        close(&value, (2f64.ln() + 200.0) / 2.0);
    }

    #[test]
    fn huge_logits_neither_overflow_nor_vanish() {
        close(&class(array![[3e38, -3e38]], Scores::Logits, vec![1]).unwrap(), 2.0 * f64::from(3e38_f32));
        close(&class(array![[-3e38, f32::NEG_INFINITY]], Scores::Logits, vec![0]).unwrap(), 0.0);
    }

    #[test]
    fn what_has_no_number_is_refused() {
        let e = class(array![[0.5, 0.9]], Scores::Probs, vec![0]).unwrap_err().to_string();
        assert!(e.contains("sum of probabilities must be 1, found 1.39"), "{e}");
        assert!(class(array![[0.0, f32::NEG_INFINITY]], Scores::Logits, vec![1]).is_err());
        assert!(class(array![[0.0, f32::INFINITY]], Scores::Logits, vec![1]).is_err());
        assert!(class(array![[0.0, f32::NAN]], Scores::Logits, vec![0]).is_err());
    }
}
