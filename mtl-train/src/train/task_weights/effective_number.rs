//! In proportion to the effective number of a task's labels, which grows slower than their number and has an end.
//!
//! **Reference** Cui, Jia, Lin, Song, Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019, of classes; here of
//! tasks.

use mtl_core::{Error, Result, label_stats::effective_number};
use serde::{Deserialize, Serialize};

use super::SizePart;

/// In proportion to the effective number of a task's labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EffectiveNumber {
    /// How much labels cover of each other, in `[0, 1)`; default 0.9999.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta: f64,
}

impl Default for EffectiveNumber {
    fn default() -> Self {
        Self { beta: 0.9999 }
    }
}

impl SizePart for EffectiveNumber {
    fn validate(&self) -> Result<()> {
        match (0.0..1.0).contains(&self.beta) {
            true => Ok(()),
            false => Err(Error::InvalidConfig {
                what: "task weights",
                field: "beta",
                expected: "in [0, 1)".into(),
                found: self.beta.to_string(),
            }),
        }
    }

    fn worth(&self, n: u64) -> f64 {
        effective_number(n, self.beta)
    }
}
