//! Learning-rate schedules: what the optimizer's rate is multiplied by over time.
//!
//! ```text
//! rate(step) = lr * warm-up(step) * curve(step - warmup_steps, total - warmup_steps)
//! warm-up    = min(1, (step + 1) / warmup_steps)
//! ```
//! Every schedule has a linear warm-up in front, after which its curve starts; during warm-up the curve stands at its first
//! value. Steps are optimizer steps, not epochs, so that a schedule means the same for every batch size of an epoch.
//! Curves are pure functions of the step and have no state to lose. [`plateau`] alone listens to validation; what it has
//! heard is part of the checkpoint.
//!
//! | schedule | curve |
//! |---|---|
//! | [`constant`] | 1 |
//! | [`step`] | a drop by `gamma` every so many steps |
//! | [`exponential`] | the same, smoothly |
//! | [`cosine`] | half a cosine to a floor |
//! | [`one_cycle`] | up, then down far below the start |
//! | [`polynomial`] | `(1 - t)^power` to a floor |
//! | [`plateau`] | a drop whenever validation stops getting better |
//!
//! Held to `torch.optim.lr_scheduler` by `tests/optimization/schedule_golden.rs`. Differs from PyTorch: pure where it can be (PyTorch's
//! cosine multiplies step by step and drifts), one step counter, and the last step's value for any step after the end.

pub mod constant;
pub mod cosine;
pub mod exponential;
pub mod one_cycle;
pub mod plateau;
pub mod polynomial;
pub mod step;

use std::fmt::Debug;

pub use constant::ConstantConfig;
pub use cosine::CosineConfig;
pub use exponential::ExponentialConfig;
use mtl_core::{Error, metric::Direction, registry, state::StateDict};
pub use one_cycle::{Anneal, OneCycleConfig};
pub use plateau::{PlateauConfig, ThresholdMode};
pub use polynomial::PolynomialConfig;
pub use step::StepConfig;

registry! {
    /// The schedules that a config file can name.
    pub enum ScheduleConfig, what = "schedule", part = SchedulePart {
        Constant(ConstantConfig) = "constant", "the learning rate as given";
        Step(StepConfig) = "step", "a drop by a factor at regular intervals";
        Exponential(ExponentialConfig) = "exponential", "a smooth fall by a factor at regular intervals";
        Cosine(CosineConfig) = "cosine", "half a cosine down to a floor";
        OneCycle(OneCycleConfig) = "one-cycle", "up to the learning rate, then down far below the start";
        Polynomial(PolynomialConfig) = "polynomial", "a power of the remaining time, linear by default";
        Plateau(PlateauConfig) = "plateau", "a drop whenever the validation score stops getting better";
    }
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self::Cosine(CosineConfig::default())
    }
}

/// One point in a run, as a curve sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Steps since the end of warm-up.
    pub step: u64,
    /// How many there will be, at least 1.
    pub total: u64,
}

impl Moment {
    /// How much of the time is over, in `[0, 1]`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "step counts are far below 2^52")]
    pub fn share(self) -> f64 {
        (self.step as f64 / self.total.max(1) as f64).min(1.0)
    }
}

/// What the settings of a schedule say.
pub trait SchedulePart: Debug + Send + Sync {
    /// Checks the settings; all are right, unless overridden.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the setting out of range.
    fn validate(&self) -> mtl_core::Result<()> {
        Ok(())
    }

    /// Steps of warm-up.
    fn warmup_steps(&self) -> u64;

    /// What the learning rate is multiplied by after warm-up; 1, unless overridden.
    fn curve(&self, moment: Moment) -> f64 {
        let _ = moment;
        1.0
    }

    /// What hears of validation in a run; nothing, unless overridden.
    fn listener(&self) -> Option<Box<dyn Listener>> {
        None
    }
}

/// The part of a schedule that hears of validation.
pub trait Listener: Debug + Send {
    /// What the learning rate is multiplied by, after what was heard.
    fn factor(&self) -> f64;

    /// Hears the validation score at the end of an epoch; `None` where it is undefined.
    fn hear(&mut self, score: Option<f64>, direction: Direction);

    /// Everything that later factors depend on.
    fn state(&self) -> StateDict;

    /// Takes back what [`state`](Self::state) gave.
    ///
    /// # Errors
    /// [`Error::State`] when it is of another.
    fn load_state(&mut self, state: &StateDict) -> mtl_core::Result<()>;
}

impl ScheduleConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the setting out of range.
    pub fn validate(&self) -> mtl_core::Result<()> {
        self.part().validate()
    }

    /// Steps of warm-up.
    #[must_use]
    pub fn warmup_steps(&self) -> u64 {
        self.part().warmup_steps()
    }

    /// Whether the rate at a step depends on how many steps there are.
    #[must_use]
    pub fn needs_end(&self) -> bool {
        let start = self.warmup_steps();
        let at = |total: u64| self.factor(start.saturating_add(7), start.saturating_add(total));
        (at(100) - at(1_000_000)).abs() > 0.0
    }

    /// Whether it hears of validation.
    #[must_use]
    pub fn hears(&self) -> bool {
        self.part().listener().is_some()
    }

    /// What the learning rate is multiplied by at `step` (from 0) of `total`, leaving aside what [`plateau`] hears.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "step counts are far below 2^52")]
    pub fn factor(&self, step: u64, total: u64) -> f64 {
        let warmup = self.warmup_steps();
        let moment = Moment { step: step.saturating_sub(warmup), total: total.saturating_sub(warmup).max(1) };
        let curve = self.part().curve(moment);
        if step < warmup { curve * (step + 1) as f64 / warmup as f64 } else { curve }
    }
}

/// A schedule in a run: the curve, and what was heard of validation.
#[derive(Debug)]
pub struct Schedule {
    config: ScheduleConfig,
    listener: Option<Box<dyn Listener>>,
}

impl Schedule {
    /// A schedule at the start of a run.
    ///
    /// # Errors
    /// As [`ScheduleConfig::validate`].
    pub fn new(config: ScheduleConfig) -> mtl_core::Result<Self> {
        config.validate()?;
        let listener = config.part().listener();
        Ok(Self { config, listener })
    }

    /// What the learning rate is multiplied by at `step` (from 0) of `total`.
    #[must_use]
    pub fn factor(&self, step: u64, total: u64) -> f64 {
        self.config.factor(step, total) * self.listener.as_ref().map_or(1.0, |listener| listener.factor())
    }

    /// Tells the validation score at the end of an epoch; `None` where it is undefined.
    pub fn hear(&mut self, score: Option<f64>, direction: Direction) {
        if let Some(listener) = &mut self.listener {
            listener.hear(score, direction);
        }
    }

    /// Everything that later factors depend on; empty for pure curves.
    #[must_use]
    pub fn state(&self) -> StateDict {
        self.listener.as_ref().map(|listener| listener.state()).unwrap_or_default()
    }

    /// Takes back what [`Schedule::state`] gave.
    ///
    /// # Errors
    /// [`Error::State`] when it is of another schedule.
    pub fn load_state(&mut self, state: &StateDict) -> mtl_core::Result<()> {
        self.listener.as_mut().map_or(Ok(()), |listener| listener.load_state(state))
    }
}

fn check(field: &'static str, valid: bool, expected: &str, found: f64) -> mtl_core::Result<()> {
    if valid {
        return Ok(());
    }
    Err(Error::InvalidConfig { what: "schedule", field, expected: expected.into(), found: found.to_string() })
}

fn check_at_least_one(field: &'static str, value: u64) -> mtl_core::Result<()> {
    if value >= 1 {
        return Ok(());
    }
    Err(Error::InvalidConfig { what: "schedule", field, expected: ">= 1".into(), found: value.to_string() })
}

/// A factor that ends a curve.
fn check_floor(floor: f64) -> mtl_core::Result<()> {
    check("floor", (0.0..=1.0).contains(&floor), "in [0, 1]", floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_up_comes_before_every_curve() {
        for (name, _) in ScheduleConfig::ALL {
            let with = |warmup: u64| -> ScheduleConfig {
                toml::from_str(&format!("kind = {name:?}\nwarmup_steps = {warmup}")).unwrap()
            };
            let (plain, warm) = (with(0), with(4));
            plain.validate().unwrap();
            let first = plain.factor(0, 20);
            for step in 0..4 {
                let expected = first * (step + 1) as f64 / 4.0;
                assert!((warm.factor(step, 24) - expected).abs() < 1e-15, "{name} at {step}");
            }
            for step in 0..30 {
                assert_eq!(warm.factor(step + 4, 24).to_bits(), plain.factor(step, 20).to_bits(), "{name} at {step}");
            }
            assert!((0..30).all(|s| (0.0..=1.0).contains(&plain.factor(s, 20))), "{name}");
        }
    }

    #[test]
    fn bad_settings_are_refused_by_name() {
        let says = |text: &str| {
            let config: ScheduleConfig = toml::from_str(text).unwrap();
            config.validate().unwrap_err().to_string()
        };
        for (text, expected) in [
            ("kind = 'cosine'\nfloor = 1.5", "floor must be in [0, 1], found 1.5"),
            ("kind = 'polynomial'\nfloor = -1", "floor must be in [0, 1], found -1"),
            ("kind = 'polynomial'\npower = 0", "power must be positive, found 0"),
            ("kind = 'step'\nevery_steps = 0", "every_steps must be >= 1, found 0"),
            ("kind = 'step'\ngamma = 0", "gamma must be in (0, 1], found 0"),
            ("kind = 'exponential'\nevery_steps = 0", "every_steps must be >= 1, found 0"),
            ("kind = 'exponential'\ngamma = 1.1", "gamma must be in (0, 1], found 1.1"),
            ("kind = 'one-cycle'\npct_start = 1", "pct_start must be in (0, 1), found 1"),
            ("kind = 'one-cycle'\ndiv_factor = 0.5", "div_factor must be >= 1, found 0.5"),
            ("kind = 'one-cycle'\nfinal_div_factor = nan", "final_div_factor must be >= 1, found NaN"),
            ("kind = 'plateau'\nfactor = 1", "factor must be in (0, 1), found 1"),
            ("kind = 'plateau'\npatience = 0", "patience must be >= 1, found 0"),
            ("kind = 'plateau'\nthreshold = -1", "threshold must be >= 0, found -1"),
            ("kind = 'plateau'\nfloor = 2", "floor must be in [0, 1], found 2"),
        ] {
            assert_eq!(says(text), format!("schedule: {expected}"));
        }
    }
}
