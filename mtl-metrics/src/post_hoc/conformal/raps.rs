//! Regularized adaptive sets: as [`aps`](super::aps), but what comes late is made to come later, so that sets of many choices stay small.
//!
//! ```text
//! s(x, k) = s_APS(x, k) + penalty max(0, rank(k) - free)        rank 1 is the most probable choice
//! ```
//!
//! **Reference** A. N. Angelopoulos, S. Bates, J. Malik, M. I. Jordan, *Uncertainty Sets for Image Classifiers using Conformal Prediction*,
//! ICLR 2021, equation 4.
//! **Differs from** it in not drawing a random number for each sample, as [`aps`](super::aps); `penalty` and `free` are set, not tuned on
//! samples that would have to be held out once more.

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{ApsConfig, ClassScore, ScorePart, Scoring};

/// Settings of regularized adaptive sets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RapsConfig {
    /// What each further choice costs, >= 0; default 0.01.
    #[schemars(range(min = 0.0))]
    pub penalty: f64,
    /// How many choices cost nothing; default 5.
    pub free: usize,
}

impl Default for RapsConfig {
    fn default() -> Self {
        Self { penalty: 0.01, free: 5 }
    }
}

impl ScorePart for RapsConfig {
    fn validate(&self) -> Result<()> {
        match self.penalty >= 0.0 && self.penalty.is_finite() {
            true => Ok(()),
            false => Err(Error::InvalidConfig {
                what: "raps",
                field: "penalty",
                expected: ">= 0".into(),
                found: self.penalty.to_string(),
            }),
        }
    }

    fn scoring(&self) -> Scoring<'_> {
        Scoring::Classes(self)
    }
}

impl ClassScore for RapsConfig {
    fn scores(&self, probs: &[f64], order: &[usize], scores: &mut [f64]) {
        ApsConfig {}.scores(probs, order, scores);
        for (at, &choice) in order.iter().enumerate().skip(self.free) {
            scores[choice] += self.penalty * (at + 1 - self.free) as f64;
        }
    }
}
