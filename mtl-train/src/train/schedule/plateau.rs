//! A drop whenever the validation score stops getting better.
//!
//! ```text
//! better   the score beats the best so far by more than threshold (relative: by that share of it)
//! after more than `patience` epochs in a row that are not:  factor <- max(floor, factor * drop), wait `cooldown` epochs
//! ```
//! It hears the score that also chooses the best epoch (`train.selection`), in its direction, at the end of every epoch. An
//! epoch without a score is passed over: it is neither better nor not better, and no epoch of rest.
//!
//! Reference: none; the rule of PyTorch's `ReduceLROnPlateau`. Differs from it: the relative threshold is a share of the
//! best score's size, so that it also works for negative scores (PyTorch's then calls worse ones better); `patience` is
//! at least 1; no `eps` below which a drop is not worth it.

use mtl_core::{
    Error,
    metric::Direction,
    state::{StateDict, StateValue},
};
use serde::{Deserialize, Serialize};

use super::{Listener, SchedulePart, check, check_at_least_one, check_floor};

/// Settings of the plateau schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlateauConfig {
    /// Steps of linear warm-up; default 0.
    pub warmup_steps: u64,
    /// What a drop multiplies the rate by, in `(0, 1)`; default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub factor: f64,
    /// Epochs without a better score that are borne before a drop, >= 1; default 10.
    #[schemars(range(min = 1))]
    pub patience: u64,
    /// By how much a score must beat the best to count, >= 0; default 1e-4.
    #[schemars(range(min = 0.0))]
    pub threshold: f64,
    /// What the threshold is a number of; default relative.
    pub threshold_mode: ThresholdMode,
    /// Epochs after a drop in which none is counted; default 0.
    pub cooldown: u64,
    /// Smallest factor, in `[0, 1]`; default 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub floor: f64,
}

impl Default for PlateauConfig {
    fn default() -> Self {
        Self {
            warmup_steps: 0,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            threshold_mode: ThresholdMode::Relative,
            cooldown: 0,
            floor: 0.0,
        }
    }
}

/// What a threshold is a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ThresholdMode {
    /// A share of the best score.
    Relative,
    /// The score's own unit.
    Absolute,
}

impl SchedulePart for PlateauConfig {
    fn validate(&self) -> mtl_core::Result<()> {
        check("factor", self.factor > 0.0 && self.factor < 1.0, "in (0, 1)", self.factor)?;
        check_at_least_one("patience", self.patience)?;
        check("threshold", self.threshold >= 0.0 && self.threshold.is_finite(), ">= 0", self.threshold)?;
        check_floor(self.floor)
    }

    fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }

    fn listener(&self) -> Option<Box<dyn Listener>> {
        Some(Box::new(Plateau::new(*self)))
    }
}

/// What has been heard so far.
#[derive(Debug)]
struct Plateau {
    config: PlateauConfig,
    factor: f64,
    best: Option<f64>,
    bad_epochs: u64,
    cooldown_left: u64,
}

impl Plateau {
    fn new(config: PlateauConfig) -> Self {
        Self { config, factor: 1.0, best: None, bad_epochs: 0, cooldown_left: 0 }
    }

    fn is_better(&self, score: f64, direction: Direction) -> bool {
        let Some(best) = self.best else { return score.is_finite() };
        let margin = match self.config.threshold_mode {
            ThresholdMode::Relative => self.config.threshold * best.abs(),
            ThresholdMode::Absolute => self.config.threshold,
        };
        match direction {
            Direction::Maximize => score > best + margin,
            Direction::Minimize => score < best - margin,
        }
    }
}

impl Listener for Plateau {
    fn factor(&self) -> f64 {
        self.factor
    }

    fn hear(&mut self, score: Option<f64>, direction: Direction) {
        let PlateauConfig { factor, patience, cooldown, floor, .. } = self.config;
        let Some(score) = score else { return };
        if self.is_better(score, direction) {
            self.best = Some(score);
            self.bad_epochs = 0;
        } else {
            self.bad_epochs += 1;
        }
        if self.cooldown_left > 0 {
            self.cooldown_left -= 1;
            self.bad_epochs = 0;
        }
        if self.bad_epochs > patience {
            self.factor = (self.factor * factor).max(floor);
            self.cooldown_left = cooldown;
            self.bad_epochs = 0;
        }
    }

    fn state(&self) -> StateDict {
        let best = self.best.into_iter().collect();
        StateDict::new()
            .with("factor", StateValue::Numbers(vec![self.factor]))
            .with("best", StateValue::Numbers(best))
            .with("bad_epochs", StateValue::Count(self.bad_epochs))
            .with("cooldown_left", StateValue::Count(self.cooldown_left))
    }

    fn load_state(&mut self, state: &StateDict) -> mtl_core::Result<()> {
        const WHAT: &str = "plateau";
        let factor = *state.numbers(WHAT, "factor", 1)?.first().unwrap_or(&1.0);
        if !(0.0..=1.0).contains(&factor) {
            let reason = format!("factor must be in [0, 1], found {factor}");
            return Err(Error::State { what: WHAT.into(), reason });
        }
        let best = match state.numbers(WHAT, "best", 1) {
            Ok(best) => best.first().copied(),
            Err(_) => state.numbers(WHAT, "best", 0).map(|_| None)?,
        };
        let bad_epochs = state.count(WHAT, "bad_epochs")?;
        let cooldown_left = state.count(WHAT, "cooldown_left")?;
        *self = Self { config: self.config, factor, best, bad_epochs, cooldown_left };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(plateau: &mut Plateau, scores: &[f64]) -> Vec<f64> {
        let mut factors = Vec::new();
        for &score in scores {
            plateau.hear((!score.is_nan()).then_some(score), Direction::Maximize);
            factors.push(plateau.factor());
        }
        factors
    }

    #[test]
    fn by_hand() {
        let config = PlateauConfig { factor: 0.5, patience: 1, cooldown: 1, floor: 0.2, ..PlateauConfig::default() };
        let mut plateau = Plateau::new(config);
        // Better, as good, as good: drop; one epoch of rest; two more: drop; without a score nothing happens; rest and two: floor.
        const NONE: f64 = f64::NAN;
        let scores = [0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, NONE, NONE, NONE, 0.6, 0.6, 0.6];
        let factors = hear(&mut plateau, &scores);
        assert_eq!(factors, [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.2]);
    }

    #[test]
    fn a_negative_score_gets_better_upwards() {
        let mut plateau = Plateau::new(PlateauConfig { patience: 1, threshold: 0.1, ..PlateauConfig::default() });
        assert_eq!(hear(&mut plateau, &[-1.0, -0.8, -0.6, -0.5]), [1.0; 4]);
        // Within a tenth of the best is no better.
        assert!(hear(&mut plateau, &[-0.48, -0.46])[1] < 0.11);
    }

    #[test]
    fn state_goes_on() {
        let config = PlateauConfig { factor: 0.5, patience: 2, cooldown: 1, ..PlateauConfig::default() };
        let scores = [0.3, 0.2, 0.1, 0.2, 0.2, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1];
        for cut in 0..scores.len() {
            let (mut whole, mut resumed) = (Plateau::new(config), Plateau::new(config));
            hear(&mut whole, &scores[..cut]);
            resumed.load_state(&whole.state()).unwrap();
            assert_eq!(hear(&mut whole, &scores[cut..]), hear(&mut resumed, &scores[cut..]), "cut at {cut}");
        }
        let e = Plateau::new(config).load_state(&StateDict::new()).unwrap_err().to_string();
        assert!(e.starts_with("plateau: saved state does not fit: factor"), "{e}");
    }
}
