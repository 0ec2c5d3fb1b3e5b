//! In proportion to a task's labels, or a power of their number: 1 lets every label of every task count alike, 1/2 is its square root.

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::SizePart;

/// In proportion to a task's labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BySize {
    /// The power of the number of labels, in `[0, 1]`; default 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub power: f64,
}

impl Default for BySize {
    fn default() -> Self {
        Self { power: 1.0 }
    }
}

impl SizePart for BySize {
    fn validate(&self) -> Result<()> {
        match (0.0..=1.0).contains(&self.power) {
            true => Ok(()),
            false => Err(Error::InvalidConfig {
                what: "task weights",
                field: "power",
                expected: "in [0, 1]".into(),
                found: self.power.to_string(),
            }),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of labels are far below 2^52")]
    fn worth(&self, n: u64) -> f64 {
        (n as f64).powf(self.power)
    }
}
