//! Weights by the inverse of a class's size.
//!
//! ```text
//! w_c = (n / (k n_c))^p          n_c of n training labels, k classes that occur; p = 1: every class has the mass n / k
//! ```
//! A class that does not occur in training weighs 1: there is nothing to weigh.
//!
//! **Reference** G. King, L. Zeng, "Logistic Regression in Rare Events Data", Political Analysis 9(2), 2001; `class_weight="balanced"` of
//! scikit-learn is `p = 1`. `p = 1/2` is the square root of Mahajan et al., ECCV 2018.

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Classes, WeightPart};

/// Weights by the inverse of a class's size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Balanced {
    /// How far: 1 evens classes out, 0 leaves them as they are, in `[0, 1]`; default 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub power: f64,
}

impl Default for Balanced {
    fn default() -> Self {
        Self { power: 1.0 }
    }
}

impl WeightPart for Balanced {
    #[expect(clippy::cast_precision_loss, reason = "numbers of samples are far below 2^52")]
    fn weights(&self, classes: Classes<'_>) -> Result<Vec<f64>> {
        if !(0.0..=1.0).contains(&self.power) {
            let (what, field, found) = ("balanced class weights", "power", self.power.to_string());
            return Err(Error::InvalidConfig { what, field, expected: "in [0, 1]".into(), found });
        }
        let Some(counts) = classes.counts else { return Ok(vec![1.0; classes.names.len()]) };
        let n: u64 = counts.iter().sum();
        let k = counts.iter().filter(|&&n| n > 0).count();
        let weight = |&own: &u64| if own == 0 { 1.0 } else { n as f64 / (k as f64 * own as f64) };
        Ok(counts.iter().map(|own| weight(own).powf(self.power)).collect())
    }
}
