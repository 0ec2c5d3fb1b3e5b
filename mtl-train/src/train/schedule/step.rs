//! A drop by a factor at regular intervals.
//!
//! ```text
//! gamma^floor(step / every_steps)
//! ```

use serde::{Deserialize, Serialize};

use super::{Moment, SchedulePart, check, check_at_least_one};

/// Settings of the step schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StepConfig {
    /// Steps of linear warm-up; default 0.
    pub warmup_steps: u64,
    /// Steps between drops, >= 1; default 1000.
    #[schemars(range(min = 1))]
    pub every_steps: u64,
    /// Factor of each drop, in `(0, 1]`; default 0.5.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub gamma: f64,
}

impl Default for StepConfig {
    fn default() -> Self {
        Self { warmup_steps: 0, every_steps: 1000, gamma: 0.5 }
    }
}

impl SchedulePart for StepConfig {
    fn validate(&self) -> mtl_core::Result<()> {
        check_at_least_one("every_steps", self.every_steps)?;
        check("gamma", self.gamma > 0.0 && self.gamma <= 1.0, "in (0, 1]", self.gamma)
    }

    fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }

    #[expect(clippy::cast_precision_loss, reason = "step counts are far below 2^52")]
    fn curve(&self, moment: Moment) -> f64 {
        self.gamma.powf((moment.step / self.every_steps.max(1)) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let config = StepConfig { every_steps: 10, ..StepConfig::default() };
        for (step, expected) in [(0, 1.0), (9, 1.0), (10, 0.5), (25, 0.25)] {
            assert!((config.curve(Moment { step, total: 100 }) - expected).abs() < 1e-15);
        }
    }
}
