//! Classes by their effective numbers: what is dealt of one is what its rows weigh together in the class-balanced loss.
//!
//! ```text
//! share of class c = (n_c / E_c) / sum_j (n_j / E_j),    E_c = (1 - b^n_c) / (1 - b)         b = 0: as the data, b -> 1: all alike
//! ```
//! **Reference** Cui, Jia, Lin, Song, Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019. **Differs from** the
//! paper, which weighs losses (`class_weights` of heads): rows are dealt in that proportion.

use mtl_core::label_stats::effective_number;
use serde::{Deserialize, Serialize};

use super::{
    By, Deal, Rows, SamplerPart,
    quotas::{deal, in_shares},
};
use crate::error::{Error, Result};

/// Rows by the effective numbers of a task's classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EffectiveNumber {
    /// The task whose classes count; default the only one that has classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Which of its yes/no labels; default the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How much rows of a class cover of each other, in `[0, 1)`; default 0.999.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta: f64,
}

impl Default for EffectiveNumber {
    fn default() -> Self {
        Self { task: None, label: None, beta: 0.999 }
    }
}

impl SamplerPart for EffectiveNumber {
    fn validate(&self) -> Result<()> {
        match (0.0..1.0).contains(&self.beta) {
            true => Ok(()),
            false => Err(Error::config("sampler", "beta", "in [0, 1)", self.beta.to_string())),
        }
    }

    fn by(&self) -> By<'_> {
        By::classes_of(self.task.as_deref())
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
    fn plan(&self, rows: &Rows<'_>) -> Result<Option<Box<dyn Deal>>> {
        deal(rows, self.task.as_deref(), self.label.as_deref(), |counts| {
            in_shares(counts, |n| n as f64 / effective_number(n, self.beta))
        })
    }
}
