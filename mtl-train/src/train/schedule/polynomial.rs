//! A power of the remaining time, down to a floor.
//!
//! ```text
//! floor + (1 - floor) (1 - t)^power          t = step / total
//! ```
//! `power = 1` is the straight line that transformers are fine-tuned with, 0.9 is usual in segmentation. Reference: the
//! "poly" policy of Chen et al., "DeepLab", TPAMI 2017.

use serde::{Deserialize, Serialize};

use super::{Moment, SchedulePart, check, check_floor};

/// Settings of the polynomial schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolynomialConfig {
    /// Steps of linear warm-up; default 0.
    pub warmup_steps: u64,
    /// The exponent, > 0; default 1: linear.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub power: f64,
    /// Final factor, in `[0, 1]`; default 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub floor: f64,
}

impl Default for PolynomialConfig {
    fn default() -> Self {
        Self { warmup_steps: 0, power: 1.0, floor: 0.0 }
    }
}

impl SchedulePart for PolynomialConfig {
    fn validate(&self) -> mtl_core::Result<()> {
        check("power", self.power > 0.0 && self.power.is_finite(), "positive", self.power)?;
        check_floor(self.floor)
    }

    fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }

    fn curve(&self, moment: Moment) -> f64 {
        self.floor + (1.0 - self.floor) * (1.0 - moment.share()).powf(self.power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let config = PolynomialConfig { power: 2.0, floor: 0.2, ..PolynomialConfig::default() };
        for (step, expected) in [(0, 1.0), (5, 0.4), (10, 0.2), (99, 0.2)] {
            assert!((config.curve(Moment { step, total: 10 }) - expected).abs() < 1e-15);
        }
    }
}
