//! Half a cosine from 1 to a floor over the whole run.
//!
//! ```text
//! floor + (1 - floor) (1 + cos(pi t)) / 2          t = step / total
//! ```
//! Reference: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, without restarts.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::{Moment, SchedulePart, check_floor};

/// Settings of the cosine schedule.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CosineConfig {
    /// Steps of linear warm-up; default 0.
    pub warmup_steps: u64,
    /// Final factor, in `[0, 1]`; default 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub floor: f64,
}

impl SchedulePart for CosineConfig {
    fn validate(&self) -> mtl_core::Result<()> {
        check_floor(self.floor)
    }

    fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }

    fn curve(&self, moment: Moment) -> f64 {
        self.floor + (1.0 - self.floor) * 0.5 * (1.0 + (PI * moment.share()).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let at = |step| CosineConfig { floor: 0.1, ..CosineConfig::default() }.curve(Moment { step, total: 10 });
        for (step, expected) in [(0, 1.0), (5, 0.55), (10, 0.1), (1000, 0.1)] {
            assert!((at(step) - expected).abs() < 1e-12, "{step}: {}", at(step));
        }
    }
}
