//! Perplexity: how many words a model hesitates between.
//!
//! ```text
//! perplexity = exp(-mean_i ln p(token_i | what came before))      natural logarithms; over known tokens of all texts
//! ```
//!
//! **Reference** torchmetrics `Perplexity` (which takes logits; here the log-probability of each true token is given).
//! **Differs from** it: sums are exact, so batches and ranks do not matter; a token of probability 0 is an error and not
//! an infinity. **State** 552 bytes.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    chunks::fold_chunks,
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    value::MetricValue,
};

const CHUNK: usize = 8192;

/// Perplexity, 1 and above. A batch is the log-probabilities of true tokens, NaN where a token is not counted (padding).
///
/// ```
/// use mtl_metrics::{Metric, text::Perplexity};
/// let mut state = Default::default();
/// Perplexity.update(&mut state, &[0.5_f64.ln(), 0.125_f64.ln(), f64::NAN].as_slice())?;
/// assert_eq!(Perplexity.compute(&state).value, Some(4.0));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Perplexity;

impl Metric for Perplexity {
    type Batch<'a> = &'a [f64];
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "perplexity"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (1.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, log_probs: &&[f64]) -> Result<()> {
        let part: ExactMean = fold_chunks(log_probs.len(), CHUNK, |range| {
            let mut mean = ExactMean::default();
            for idx in range {
                match log_probs.get(idx) {
                    Some(&log_prob) if (f64::MIN..=0.0).contains(&log_prob) => mean.add(log_prob),
                    Some(log_prob) if log_prob.is_nan() => {}
                    found => {
                        return Err(Error::Shape {
                            op: format!("perplexity, token {idx} is {}", found.copied().unwrap_or(f64::NAN)),
                            tensor: "log-probability",
                            expected: "at most 0, finite, or NaN for tokens that do not count".into(),
                            found: vec![],
                        });
                    }
                }
            }
            Ok(mean)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        let mean = state.value();
        match mean.value {
            Some(mean) => MetricValue::defined((-mean).exp(), state.n()),
            None => mean,
        }
    }
}

crate::judged::answers_to_come! {
    &'a [f64] => "likelihoods of tokens";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_numbers_change_nothing() {
        let mut state = ExactMean::default();
        for bad in [0.1, f64::NEG_INFINITY, f64::INFINITY] {
            assert!(Perplexity.update(&mut state, &[-1.0, bad].as_slice()).is_err());
        }
        assert_eq!(state, ExactMean::default());
        assert!(Perplexity.compute(&state).get().is_err());
        Perplexity.update(&mut state, &[-1e300].as_slice()).unwrap();
        assert!(Perplexity.compute(&state).get().is_err(), "an infinity is no value");
    }
}
