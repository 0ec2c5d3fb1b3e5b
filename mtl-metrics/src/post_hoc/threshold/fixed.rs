//! A threshold that somebody has chosen.

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::ThresholdPart;
use crate::{post_hoc::evidence::single, samples::Column, value::OrReason};

/// Settings of a threshold that is set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FixedConfig {
    /// The probability from which on yes is said, in [0, 1]; default 0.5.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub at: f64,
}

impl Default for FixedConfig {
    fn default() -> Self {
        Self { at: 0.5 }
    }
}

impl ThresholdPart for FixedConfig {
    fn validate(&self) -> Result<()> {
        match (0.0..=1.0).contains(&self.at) {
            true => Ok(()),
            false => Err(Error::InvalidConfig {
                what: "threshold",
                field: "at",
                expected: "in [0, 1]".into(),
                found: self.at.to_string(),
            }),
        }
    }

    fn threshold(&self, _column: &Column) -> OrReason<f32> {
        Ok(single(self.at))
    }
}
