//! Learning-rate schedules: pure functions of the step, so that they have no state to lose.
//!
//! ```text
//! constant   1
//! cosine     floor + (1 - floor) (1 + cos(pi t)) / 2          t = (step - warmup) / (total - warmup)
//! step       gamma^floor(step / every)
//! ```
//! Each is multiplied by `min(1, (step + 1) / warmup)` during warm-up. Reference for cosine: Loshchilov and Hutter,
//! "SGDR", ICLR 2017, without restarts.

use mtl_core::registry;
use serde::{Deserialize, Serialize};

/// No change over time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConstantConfig {
    /// Steps of linear warm-up; default 0.
    pub warmup_steps: u64,
}

/// Half a cosine from 1 to `floor` over the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CosineConfig {
    /// Steps of linear warm-up; default 0.
    pub warmup_steps: u64,
    /// Final factor, in `[0, 1]`; default 0.
    pub floor: f64,
}

/// A drop by a factor at regular intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StepConfig {
    /// Steps of linear warm-up; default 0.
    pub warmup_steps: u64,
    /// Steps between drops, >= 1; default 1000.
    pub every_steps: u64,
    /// Factor of each drop, in `(0, 1]`; default 0.5.
    pub gamma: f64,
}

impl Default for StepConfig {
    fn default() -> Self {
        Self { warmup_steps: 0, every_steps: 1000, gamma: 0.5 }
    }
}

registry! {
    /// The schedules that a config file can name.
    pub enum ScheduleConfig, what = "schedule" {
        Constant(ConstantConfig) = "constant", "the learning rate as given";
        Cosine(CosineConfig) = "cosine", "half a cosine down to a floor";
        Step(StepConfig) = "step", "a drop by a factor at regular intervals";
    }
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self::Cosine(CosineConfig::default())
    }
}

impl ScheduleConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the setting out of range.
    pub fn validate(&self) -> mtl_core::Result<()> {
        let (field, valid, expected, found) = match *self {
            Self::Constant(_) => return Ok(()),
            Self::Cosine(c) => ("floor", (0.0..=1.0).contains(&c.floor), "in [0, 1]", c.floor.to_string()),
            Self::Step(c) if c.every_steps == 0 => ("every_steps", false, ">= 1", "0".to_owned()),
            Self::Step(c) => ("gamma", c.gamma > 0.0 && c.gamma <= 1.0, "in (0, 1]", c.gamma.to_string()),
        };
        if valid {
            return Ok(());
        }
        Err(mtl_core::Error::InvalidConfig { what: "schedule", field, expected: expected.into(), found })
    }

    /// What the learning rate is multiplied by at `step` (from 0) of `total`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "step counts are far below 2^52")]
    pub fn factor(&self, step: u64, total: u64) -> f64 {
        let (warmup, factor) = match *self {
            Self::Constant(c) => (c.warmup_steps, 1.0),
            Self::Cosine(c) => {
                let span = total.saturating_sub(c.warmup_steps).max(1) as f64;
                let t = (step.saturating_sub(c.warmup_steps) as f64 / span).min(1.0);
                (c.warmup_steps, c.floor + (1.0 - c.floor) * 0.5 * (1.0 + (std::f64::consts::PI * t).cos()))
            }
            Self::Step(c) => (c.warmup_steps, c.gamma.powf((step / c.every_steps.max(1)) as f64)),
        };
        if step < warmup { factor * (step + 1) as f64 / warmup as f64 } else { factor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_by_hand() {
        let cosine = ScheduleConfig::Cosine(CosineConfig { warmup_steps: 2, floor: 0.1 });
        let at = |step| cosine.factor(step, 12);
        assert!((at(0) - 0.5).abs() < 1e-12 && (at(1) - 1.0).abs() < 1e-12);
        assert!((at(7) - 0.55).abs() < 1e-12, "{}", at(7));
        assert!((at(12) - 0.1).abs() < 1e-12 && (at(1000) - 0.1).abs() < 1e-12);
        let step = ScheduleConfig::Step(StepConfig { warmup_steps: 0, every_steps: 10, gamma: 0.5 });
        let halves = [0, 9, 10, 25].map(|s| step.factor(s, 100));
        assert!(halves.iter().zip([1.0, 1.0, 0.5, 0.25]).all(|(f, e)| (f - e).abs() < 1e-15), "{halves:?}");
    }

    #[test]
    fn bad_settings_are_refused_by_name() {
        let bad = ScheduleConfig::Cosine(CosineConfig { warmup_steps: 0, floor: 1.5 });
        assert_eq!(bad.validate().unwrap_err().to_string(), "schedule: floor must be in [0, 1], found 1.5");
        for bad in
            [StepConfig { every_steps: 0, ..Default::default() }, StepConfig { gamma: 0.0, ..Default::default() }]
        {
            assert!(ScheduleConfig::Step(bad).validate().is_err());
        }
        for (name, _) in ScheduleConfig::ALL {
            ScheduleConfig::by_name(name).unwrap().validate().unwrap();
        }
    }
}
