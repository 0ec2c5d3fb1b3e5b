//! A learning-rate range test: which rates make the losses fall, and from which on they blow up.
//!
//! ```text
//! lr_i   = min (max / min)^(i / (steps - 1))                     one training step each
//! L_t,i  <- beta L_t,i-1 + (1 - beta) loss_t,i                   per task, divided by 1 - beta^i
//! L_i    = sum_t weight_t L_t,i                                  the user's objective
//! suggestion = lr_i where dL / d log lr is lowest                central differences, up to the lowest L
//! ends early when L_i > diverge min_j L_j, or is not finite
//! ```
//! The same sweep gives a suggestion per task: tasks that want very different rates are a reason for parameter groups
//! ([`GroupConfig`](crate::train::optim::GroupConfig)). The sweep uses the run's own balancer, optimizer, clipping and precision;
//! groups keep their factors. Afterwards model, optimizer, balancer, schedule, running mean and counters are what they were,
//! to the last bit: the trainer goes back to a checkpoint in memory.
//!
//! Reference: Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017; the steepest-descent rule is
//! fastai's. Differs from Lightning's tuner: losses are smoothed per task, so that tasks absent from some batches do not
//! shake the sum; nothing is suggested where no loss falls.

use std::time::Instant;

use mtl_data::Batches;
use serde::{Deserialize, Serialize};

use super::{
    Observer, StepSummary, Trainer,
    walk::{HeldOut, Walk},
};
use crate::error::{Error, Result};

/// Settings of the range test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LrFinderConfig {
    /// First rate, > 0; default 1e-7.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub min_lr: f64,
    /// Last rate, above the first; default 10.
    pub max_lr: f64,
    /// Optimizer steps, >= 10; default 100.
    #[schemars(range(min = 10))]
    pub steps: u64,
    /// How much of the smoothed losses stays at each step, in `[0, 1)`; default 0.9.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta: f64,
    /// How many times the lowest loss so far ends the sweep, > 1; default 4.
    #[schemars(extend("exclusiveMinimum" = 1.0))]
    pub diverge: f64,
}

impl Default for LrFinderConfig {
    fn default() -> Self {
        Self { min_lr: 1e-7, max_lr: 10.0, steps: 100, beta: 0.9, diverge: 4.0 }
    }
}

impl LrFinderConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the first out of range.
    pub fn validate(&self) -> Result<()> {
        let check = |field, valid: bool, expected: &str, found: String| match valid {
            true => Ok(()),
            false => Err(mtl_core::Error::InvalidConfig {
                what: "learning-rate finder",
                field,
                expected: expected.into(),
                found,
            }),
        };
        check("min_lr", self.min_lr > 0.0 && self.min_lr.is_finite(), "positive", self.min_lr.to_string())?;
        let above = self.max_lr > self.min_lr && self.max_lr.is_finite();
        check("max_lr", above, "above min_lr", self.max_lr.to_string())?;
        check("steps", self.steps >= 10, ">= 10", self.steps.to_string())?;
        check("beta", (0.0..1.0).contains(&self.beta), "in [0, 1)", self.beta.to_string())?;
        check("diverge", self.diverge > 1.0, "above 1", self.diverge.to_string())?;
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    fn lr(&self, step: u64) -> f64 {
        let share = step as f64 / (self.steps.max(2) - 1) as f64;
        self.min_lr * (self.max_lr / self.min_lr).powf(share)
    }
}

/// One step of the sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LrPoint {
    /// The rate of the step.
    pub lr: f64,
    /// The weighted sum of the smoothed losses, before the step.
    pub loss: f64,
    /// The smoothed loss per task, before its weight; `None` for a task not seen so far.
    pub tasks: Vec<Option<f64>>,
}

/// What a sweep found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LrSweep {
    /// The steps, by rising rate.
    pub points: Vec<LrPoint>,
    /// The rate of the steepest descent of the sum; `None` where it never falls.
    pub suggestion: Option<f64>,
    /// The same for every task.
    pub task_suggestions: Vec<Option<f64>>,
    /// Whether the losses blew up before the last rate.
    pub diverged: bool,
}

/// Hears the losses of a step.
#[derive(Debug, Default)]
struct Ear(Vec<Option<f64>>);

impl Observer for Ear {
    fn step(&mut self, step: &StepSummary<'_>) {
        self.0 = step.report.tasks.iter().map(|t| t.loss).collect();
    }
}

impl Trainer {
    /// Sweeps the learning rate over some training steps, and takes the steps back.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a setting out of range; whatever training steps give, but for losses and
    /// gradients that are not finite, which end the sweep.
    pub fn find_lr(&mut self, train: &dyn Batches, config: &LrFinderConfig) -> Result<LrSweep> {
        config.validate()?;
        self.check_looks(train)?;
        let before = self.checkpoint()?;
        let swept = self.sweep(train, config);
        self.fixed_lr = None;
        // A micro-batch of a step that failed half way must not be part of the next one.
        drop(self.engine.finish(self.counters.step));
        self.resume(before)?;
        swept
    }

    fn sweep(&mut self, train: &dyn Batches, config: &LrFinderConfig) -> Result<LrSweep> {
        let n_tasks = self.model.tasks().len();
        let mut smoothed = vec![Smoothed::default(); n_tasks];
        let (mut points, mut lowest, mut diverged) = (Vec::new(), f64::INFINITY, false);
        let held_out = self.held_out.clone();
        let mut held_out = HeldOut::new(held_out.as_deref(), self.model.params().device(), self.shard());
        let mut walk = Walk::new(train, self.position(), self.shard())?;
        for step in 0..config.steps {
            let lr = config.lr(step);
            self.fixed_lr = Some(lr);
            let losses = match self.next_step(train, &mut walk, &mut held_out) {
                Ok(losses) => losses,
                Err(Error::Core(mtl_core::Error::NonFinite { .. })) => {
                    diverged = true;
                    break;
                }
                Err(e) => return Err(e),
            };
            for (mean, loss) in smoothed.iter_mut().zip(losses) {
                if let Some(loss) = loss {
                    mean.add(loss, config.beta);
                }
            }
            let tasks: Vec<Option<f64>> = smoothed.iter().map(Smoothed::value).collect();
            let loss = self.model.tasks().iter().zip(&tasks).map(|(task, l)| task.weight * l.unwrap_or(0.0)).sum();
            // Losses below zero (a likelihood's) blow up as well: the distance is to the best, in units of its size.
            if !f64::is_finite(loss) || (step > 0 && loss > lowest + (config.diverge - 1.0) * lowest.abs()) {
                diverged = true;
                break;
            }
            lowest = lowest.min(loss);
            points.push(LrPoint { lr, loss, tasks });
        }
        let sums: Vec<(f64, f64)> = points.iter().map(|p| (p.lr, p.loss)).collect();
        let of_task =
            |t: usize| -> Vec<(f64, f64)> { points.iter().filter_map(|p| Some((p.lr, (*p.tasks.get(t)?)?))).collect() };
        let task_suggestions = (0..n_tasks).map(|t| steepest(&of_task(t))).collect();
        Ok(LrSweep { suggestion: steepest(&sums), task_suggestions, diverged, points })
    }

    /// One optimizer step on the next batches, going on into the next epoch at the end of one; the losses per task.
    fn next_step<'a>(
        &mut self,
        train: &'a dyn Batches,
        walk: &mut Walk<'a>,
        held_out: &mut HeldOut<'_>,
    ) -> Result<Vec<Option<f64>>> {
        let (mut ear, mut clock) = (Ear::default(), Instant::now());
        loop {
            let Some(part) = self.next_batch(walk)? else {
                self.next_epoch()?;
                *walk = Walk::new(train, self.position(), self.shard())?;
                continue;
            };
            if self.learn(part, walk, held_out, train, &mut clock, &mut ear)? {
                return Ok(ear.0);
            }
        }
    }
}

/// An exponential mean without the bias of its start.
#[derive(Debug, Clone, Copy, Default)]
struct Smoothed {
    sum: f64,
    weight: f64,
}

impl Smoothed {
    fn add(&mut self, x: f64, beta: f64) {
        self.sum = beta * self.sum + (1.0 - beta) * x;
        self.weight = beta * self.weight + (1.0 - beta);
    }

    fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

/// The rate at which the loss falls fastest over the logarithm of the rate, on its way down to the lowest. The first tenth is
/// left out, where the mean is over few losses; behind the lowest point, losses jump up and down.
fn steepest(points: &[(f64, f64)]) -> Option<f64> {
    let lowest = points.iter().enumerate().min_by(|(_, a), (_, b)| a.1.total_cmp(&b.1)).map_or(0, |(i, _)| i);
    let (begin, end) = (points.len() / 10, lowest + 1);
    let mut best: Option<(f64, f64)> = None;
    for window in points.get(begin..end)?.windows(3) {
        let [(lr0, loss0), (lr, _), (lr2, loss2)] = *window else { continue };
        let slope = (loss2 - loss0) / (lr2 / lr0).ln();
        if slope < best.map_or(0.0, |(s, _)| s) {
            best = Some((slope, lr));
        }
    }
    best.map(|(_, lr)| lr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steepest_descent_by_hand() {
        // Flat, then a fall centered at 1e-2, then an explosion.
        let loss = |lr: f64| 1.0 / (1.0 + (lr / 1e-2).powi(2)) + (lr / 1.0).powi(2);
        let points: Vec<(f64, f64)> =
            (0..80).map(|i| 10f64.powf(-6.0 + 0.1 * f64::from(i))).map(|lr| (lr, loss(lr))).collect();
        let found = steepest(&points).unwrap();
        assert!((found / 1e-2).ln().abs() < 0.3, "{found}");
        assert_eq!(steepest(&[(1e-3, 1.0), (1e-2, 2.0), (1e-1, 3.0), (1.0, 4.0), (10.0, 5.0)]), None);
        assert_eq!(steepest(&[]), None);
        // The smoothed value of a constant is that constant, from the first on.
        let mut mean = Smoothed::default();
        assert_eq!(mean.value(), None);
        for _ in 0..3 {
            mean.add(2.5, 0.9);
            assert!((mean.value().unwrap() - 2.5).abs() < 1e-12);
        }
    }

    #[test]
    fn rates_rise_from_first_to_last() {
        let config = LrFinderConfig { min_lr: 1e-4, max_lr: 1.0, steps: 5, ..LrFinderConfig::default() };
        let rates: Vec<f64> = (0..5).map(|i| config.lr(i)).collect();
        assert!(rates.iter().zip([1e-4, 1e-3, 1e-2, 1e-1, 1.0]).all(|(a, b)| (a / b - 1.0).abs() < 1e-12), "{rates:?}");
        for (config, says) in [
            (LrFinderConfig { min_lr: 0.0, ..LrFinderConfig::default() }, "min_lr must be positive, found 0"),
            (
                LrFinderConfig { max_lr: 1e-9, ..LrFinderConfig::default() },
                "max_lr must be above min_lr, found 0.000000001",
            ),
            (LrFinderConfig { steps: 3, ..LrFinderConfig::default() }, "steps must be >= 10, found 3"),
            (LrFinderConfig { beta: 1.0, ..LrFinderConfig::default() }, "beta must be in [0, 1), found 1"),
            (LrFinderConfig { diverge: 1.0, ..LrFinderConfig::default() }, "diverge must be above 1, found 1"),
        ] {
            assert_eq!(config.validate().unwrap_err().to_string(), format!("learning-rate finder: {says}"));
        }
    }
}
