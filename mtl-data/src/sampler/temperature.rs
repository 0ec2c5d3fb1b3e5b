//! Between proportional and uniform.
//!
//! ```text
//! p_i = n_i^(1/T) / sum_j n_j^(1/T)         n_i: batches of data set i, T: temperature
//! ```
//!
//! `T = 1` draws in proportion to size (with repetition), `T -> infinity` draws uniformly.
//!
//! **Reference**: N. Arivazhagan et al., "Massively Multilingual Neural Machine Translation in the Wild", 2019,
//! arXiv:1907.05019 (they use T = 5).

use serde::{Deserialize, Serialize};

use super::ChooseTask;
use crate::{
    error::{Error, Result},
    rng::Rng,
};

/// A data set of `n` batches with probability proportional to `n^(1/T)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Temperature {
    /// `T`: >= 1 and finite; default 5, as in the paper.
    #[schemars(range(min = 1.0))]
    pub temperature: f64,
}

impl Default for Temperature {
    fn default() -> Self {
        Self { temperature: 5.0 }
    }
}

impl ChooseTask for Temperature {
    #[expect(clippy::cast_precision_loss, reason = "numbers of batches are far below 2^52")]
    fn choices(&self, n_batches: &[u64], n_steps: u64, rng: &mut Rng) -> Result<Vec<usize>> {
        let t = self.temperature;
        if !(t >= 1.0 && t.is_finite()) {
            return Err(Error::config("task sampler", "temperature", ">= 1 and finite", t.to_string()));
        }
        let mut end = 0.0;
        let ends = n_batches.iter().map(|&n| {
            end += (n as f64).powf(1.0 / t);
            end
        });
        let ends: Vec<f64> = ends.collect();
        let last = n_batches.len().saturating_sub(1);
        let choice = |rng: &mut Rng| {
            let at = rng.uniform() * ends[last];
            ends.partition_point(|&end| end <= at).min(last)
        };
        Ok(if ends.is_empty() { Vec::new() } else { (0..n_steps).map(|_| choice(rng)).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn temperatures_below_one_are_refused() {
        for temperature in [0.5, 0.0, -1.0, f64::NAN, f64::INFINITY] {
            let choices = Temperature { temperature }.choices(&[1, 2], 3, &mut Rng::new(0, Stream::Task, 0));
            let e = choices.unwrap_err().to_string();
            assert!(e.starts_with("task sampler: temperature must be >= 1 and finite, found "), "{e}");
        }
    }
}
