//! A smooth fall by the same factor over equal times.
//!
//! ```text
//! max(floor, gamma^(step / every_steps))
//! ```
//! With `every_steps = 1` this is PyTorch's `ExponentialLR`, stepped once per optimizer step; with the steps of an epoch it
//! passes through the same points at the epochs' ends.

use serde::{Deserialize, Serialize};

use super::{Moment, SchedulePart, check, check_at_least_one, check_floor};

/// Settings of the exponential schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExponentialConfig {
    /// Steps of linear warm-up; default 0.
    pub warmup_steps: u64,
    /// Steps over which the rate falls by `gamma`, >= 1; default 1000.
    #[schemars(range(min = 1))]
    pub every_steps: u64,
    /// The factor, in `(0, 1]`; default 0.5.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub gamma: f64,
    /// Smallest factor, in `[0, 1]`; default 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub floor: f64,
}

impl Default for ExponentialConfig {
    fn default() -> Self {
        Self { warmup_steps: 0, every_steps: 1000, gamma: 0.5, floor: 0.0 }
    }
}

impl SchedulePart for ExponentialConfig {
    fn validate(&self) -> mtl_core::Result<()> {
        check_at_least_one("every_steps", self.every_steps)?;
        check("gamma", self.gamma > 0.0 && self.gamma <= 1.0, "in (0, 1]", self.gamma)?;
        check_floor(self.floor)
    }

    fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }

    #[expect(clippy::cast_precision_loss, reason = "step counts are far below 2^52")]
    fn curve(&self, moment: Moment) -> f64 {
        self.gamma.powf(moment.step as f64 / self.every_steps.max(1) as f64).max(self.floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let config = ExponentialConfig { every_steps: 10, floor: 0.2, ..ExponentialConfig::default() };
        for (step, expected) in [(0, 1.0), (5, 0.5f64.sqrt()), (10, 0.5), (20, 0.25), (40, 0.2)] {
            assert!((config.curve(Moment { step, total: 100 }) - expected).abs() < 1e-15);
        }
    }
}
