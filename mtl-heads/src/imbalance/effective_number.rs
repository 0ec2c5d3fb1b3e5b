//! Weights by the inverse of a class's effective number: what its samples would be worth if each covered a bit of what the others do.
//!
//! ```text
//! E_c = (1 - b^n_c) / (1 - b)          from n_c, for few samples, to 1 / (1 - b), for many
//! w_c = (k / E_c) / sum_j 1 / E_j      k classes that occur: the weights have the mean 1
//! ```
//! `b = 0` weighs all alike, `b -> 1` inversely to their size. A class that does not occur in training weighs 1.
//!
//! **Reference** Y. Cui, M. Jia, T.-Y. Lin, Y. Song, S. Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019:
//! `b` of 0.9, 0.99, 0.999 and 0.9999.

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Classes, WeightPart};

/// Weights by the inverse of a class's effective number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EffectiveNumber {
    /// How much samples of a class cover of each other, `b`, in `[0, 1)`; default 0.999.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta: f64,
}

impl Default for EffectiveNumber {
    fn default() -> Self {
        Self { beta: 0.999 }
    }
}

impl WeightPart for EffectiveNumber {
    fn weights(&self, classes: Classes<'_>) -> Result<Vec<f64>> {
        if !(0.0..1.0).contains(&self.beta) {
            let (what, field, found) = ("effective-number class weights", "beta", self.beta.to_string());
            return Err(Error::InvalidConfig { what, field, expected: "in [0, 1)".into(), found });
        }
        let Some(counts) = classes.counts else { return Ok(vec![1.0; classes.names.len()]) };
        let inverse = |n: u64| (n > 0).then(|| mtl_core::label_stats::effective_number(n, self.beta).recip());
        let inverses: Vec<Option<f64>> = counts.iter().map(|&n| inverse(n)).collect();
        let (k, sum) = (inverses.iter().flatten().count(), inverses.iter().flatten().sum::<f64>());
        #[expect(clippy::cast_precision_loss, reason = "a number of classes")]
        let weight = |inverse: f64| k as f64 * inverse / sum;
        Ok(inverses.into_iter().map(|inverse| inverse.map_or(1.0, weight)).collect())
    }
}
