//! Between proportional and uniform.
//!
//! ```text
//! p_i = min(n_i, K)^(1/T) / sum_j min(n_j, K)^(1/T)         n_i: batches of source i, T: temperature, K: the limit
//! ```
//! `T = 1` draws in proportion to size (with repetition), `T -> infinity` draws uniformly.
//!
//! **Reference** N. Arivazhagan et al., "Massively Multilingual Neural Machine Translation in the Wild", 2019, arXiv:1907.05019 (they use
//! T = 5); Raffel et al. 2020, who add the limit.

use serde::{Deserialize, Serialize};

use super::{MixPart, Moment, check_limit, proportional_to};
use crate::error::{Error, Result};

/// A source of `n` batches with probability proportional to `n^(1/T)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Temperature {
    /// `T`: >= 1 and finite; default 5, as in the paper.
    #[schemars(range(min = 1.0))]
    pub temperature: f64,
    /// Batches beyond which a source is no larger, `K`, >= 1; default none.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl Default for Temperature {
    fn default() -> Self {
        Self { temperature: 5.0, limit: None }
    }
}

impl MixPart for Temperature {
    fn validate(&self) -> Result<()> {
        let t = self.temperature;
        if !(t >= 1.0 && t.is_finite()) {
            return Err(Error::config("mixer", "temperature", ">= 1 and finite", t.to_string()));
        }
        check_limit(self.limit)
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of batches are far below 2^52")]
    fn shares(&self, n: &[u64], _moment: Moment) -> Result<Vec<f64>> {
        self.validate()?;
        let (t, limit) = (self.temperature, self.limit.unwrap_or(u64::MAX));
        Ok(proportional_to(n.iter().map(|&n| (n.min(limit) as f64).powf(1.0 / t))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperatures_below_one_are_refused() {
        for temperature in [0.5, 0.0, -1.0, f64::NAN, f64::INFINITY] {
            let mix = Temperature { temperature, limit: None };
            let e = mix.shares(&[1, 2], Moment { epoch: 0, epochs: 1 }).unwrap_err().to_string();
            assert!(e.starts_with("mixer: temperature must be >= 1 and finite, found "), "{e}");
        }
    }
}
