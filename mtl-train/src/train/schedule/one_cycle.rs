//! One cycle: up to the learning rate, then down far below where it began.
//!
//! ```text
//! up      1 / div_factor -> 1                                      over the first pct_start of the run
//! down    1 -> 1 / (div_factor final_div_factor)                   over the rest
//! cosine  from a to b:  b + (a - b) (1 + cos(pi t)) / 2            linear:  a + (b - a) t
//! ```
//! The optimizer's `lr` is the largest rate; `mtl train --find-lr` helps to find how large it may be. Phases end at
//! `pct_start total - 1` and `total - 1`, counted from 0, so that the last step has the lowest rate.
//!
//! Reference: Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", 2018,
//! in fastai's and PyTorch's two-phase form. Differs from PyTorch: momentum is not cycled against the rate.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::{Moment, SchedulePart, check};

/// Settings of the one-cycle schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OneCycleConfig {
    /// Steps of linear warm-up before the cycle, which has its own; default 0.
    pub warmup_steps: u64,
    /// Share of the run in which the rate rises, in `(0, 1)`; default 0.3.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub pct_start: f64,
    /// Largest rate over the first, >= 1; default 25.
    #[schemars(range(min = 1.0))]
    pub div_factor: f64,
    /// First rate over the last, >= 1; default 1e4.
    #[schemars(range(min = 1.0))]
    pub final_div_factor: f64,
    /// The form of both slopes; default cosine.
    pub anneal: Anneal,
}

impl Default for OneCycleConfig {
    fn default() -> Self {
        Self { warmup_steps: 0, pct_start: 0.3, div_factor: 25.0, final_div_factor: 1e4, anneal: Anneal::Cosine }
    }
}

/// How a rate gets from one value to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Anneal {
    /// Half a cosine.
    Cosine,
    /// A straight line.
    Linear,
}

impl Anneal {
    fn between(self, from: f64, to: f64, share: f64) -> f64 {
        match self {
            Self::Cosine => to + (from - to) / 2.0 * (1.0 + (PI * share).cos()),
            Self::Linear => from + (to - from) * share,
        }
    }
}

impl SchedulePart for OneCycleConfig {
    fn validate(&self) -> mtl_core::Result<()> {
        check("pct_start", self.pct_start > 0.0 && self.pct_start < 1.0, "in (0, 1)", self.pct_start)?;
        let at_least_one = |field, value: f64| check(field, value >= 1.0 && value.is_finite(), ">= 1", value);
        at_least_one("div_factor", self.div_factor)?;
        at_least_one("final_div_factor", self.final_div_factor)
    }

    fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }

    #[expect(clippy::cast_precision_loss, reason = "step counts are far below 2^52")]
    fn curve(&self, moment: Moment) -> f64 {
        let (total, step) = (moment.total as f64, moment.step as f64);
        let (peak, end) = ((self.pct_start * total - 1.0).max(0.0), total - 1.0);
        let (first, last) = (1.0 / self.div_factor, 1.0 / (self.div_factor * self.final_div_factor));
        if step < peak {
            return self.anneal.between(first, 1.0, step / peak);
        }
        let share = if end > peak { ((step - peak) / (end - peak)).min(1.0) } else { 1.0 };
        self.anneal.between(1.0, last, share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let config = OneCycleConfig {
            pct_start: 0.5,
            div_factor: 10.0,
            final_div_factor: 100.0,
            anneal: Anneal::Linear,
            warmup_steps: 0,
        };
        let at = |step| config.curve(Moment { step, total: 10 });
        for (step, expected) in [(0, 0.1), (2, 0.55), (4, 1.0), (9, 0.001), (50, 0.001)] {
            assert!((at(step) - expected).abs() < 1e-12, "{step}: {}", at(step));
        }
        // A run of one step has neither slope.
        assert!(config.curve(Moment { step: 0, total: 1 }).is_finite());
    }
}
