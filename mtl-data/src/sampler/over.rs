//! Rows of small classes several times, so that each class has at least a share of the largest; every row at least once.
//!
//! ```text
//! rows of class c = max(n_c, r max_j n_j)
//! ```
//! An epoch is longer than without it.

use serde::{Deserialize, Serialize};

use super::{By, Deal, Rows, SamplerPart, quotas::deal};
use crate::error::{Error, Result};

/// Rows of a task's small classes repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Over {
    /// The task whose classes count; default the only one that has classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Which of its yes/no labels; default the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How large a class becomes at least, as a share of the largest, in `(0, 1]`; default 1.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    pub ratio: f64,
}

impl Default for Over {
    fn default() -> Self {
        Self { task: None, label: None, ratio: 1.0 }
    }
}

impl SamplerPart for Over {
    fn validate(&self) -> Result<()> {
        check_ratio(self.ratio)
    }

    fn by(&self) -> By<'_> {
        By::classes_of(self.task.as_deref())
    }

    fn plan(&self, rows: &Rows<'_>) -> Result<Option<Box<dyn Deal>>> {
        deal(rows, self.task.as_deref(), self.label.as_deref(), |counts| grown(counts, self.ratio))
    }
}

/// Refuses what is no share of another class.
pub(super) fn check_ratio(ratio: f64) -> Result<()> {
    match ratio > 0.0 && ratio <= 1.0 {
        true => Ok(()),
        false => Err(Error::config("sampler", "ratio", "in (0, 1]", ratio.to_string())),
    }
}

/// How many rows classes have when each has at least a share of the largest; one without a row has none.
#[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a number of rows")]
pub(super) fn grown(counts: &[u64], ratio: f64) -> Vec<u64> {
    let largest = counts.iter().max().copied().unwrap_or(0);
    let least = (largest as f64 * ratio).round() as u64;
    counts.iter().map(|&n| if n == 0 { 0 } else { n.max(least) }).collect()
}
