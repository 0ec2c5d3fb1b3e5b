//! No change over time (after warm-up).

use serde::{Deserialize, Serialize};

use super::SchedulePart;

/// Settings of the constant schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConstantConfig {
    /// Steps of linear warm-up; default 0.
    pub warmup_steps: u64,
}

impl SchedulePart for ConstantConfig {
    fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }
}
