//! Of large classes a part, so that the smallest is at least a share of each; no row twice.
//!
//! ```text
//! rows of class c = min(n_c, min_j n_j / r)         over classes that occur
//! ```
//! Each epoch has another part, so that in the end all rows are seen. An epoch is shorter than without it.

use serde::{Deserialize, Serialize};

use super::{By, Deal, Rows, SamplerPart, over::check_ratio, quotas::deal};
use crate::error::Result;

/// Parts of a task's large classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Under {
    /// The task whose classes count; default the only one that has classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Which of its yes/no labels; default the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How large the smallest class is at least, as a share of any other, in `(0, 1]`; default 1.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    pub ratio: f64,
}

impl Default for Under {
    fn default() -> Self {
        Self { task: None, label: None, ratio: 1.0 }
    }
}

impl SamplerPart for Under {
    fn validate(&self) -> Result<()> {
        check_ratio(self.ratio)
    }

    fn by(&self) -> By<'_> {
        By::classes_of(self.task.as_deref())
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a multiple of a number of rows")]
    fn plan(&self, rows: &Rows<'_>) -> Result<Option<Box<dyn Deal>>> {
        deal(rows, self.task.as_deref(), self.label.as_deref(), |counts| {
            let smallest = counts.iter().filter(|&&n| n > 0).min().copied().unwrap_or(0);
            let most = (smallest as f64 / self.ratio).round() as u64;
            counts.iter().map(|&n| n.min(most)).collect()
        })
    }
}
