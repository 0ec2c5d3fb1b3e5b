//! What to do with tasks that cannot take part in a step.
//!
//! Written once here, so that no method has its own accident: in the usual libraries a zero row makes MGDA and CAGrad stop
//! all learning, a NaN row passes through UPGrad silently, a single task crashes MGDA and Nash-MTL.
//!
//! | a task | methods that look at losses | methods that look at gradients | its own parameters |
//! |---|---|---|---|
//! | without a label in the batch | not asked about it | not asked about it | stay |
//! | with a loss of 0 (at most `solved_loss`) | not asked about it: *solved* | as its gradient says | follow its gradient |
//! | with a loss beyond `loud_loss` | brought down to it | its gradient along | along |
//! | with a shared gradient of 0 | as its loss says | not asked about it (`zero_gradient`) | follow its gradient |
//! | with a loss or gradient that is no number | stop, skip or drop (`non_finite`) | stop, skip or drop | stay |
//!
//! *Solved*: a logarithm of 0 and a division by it are no weights, and next to 0 they are so large that the rounding of one solved
//! task outvotes all others. Its own gradient, which is as good as 0, is added with weight 1 where the losses are summed up, and
//! left out where there are rows. It is a rule for the step: a loss that rises again is weighed again. When every task is solved
//! the method is not asked, and all count with weight 1.

use serde::{Deserialize, Serialize};

/// The engine's rules, applied before any solver.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// A loss or a gradient that is NaN or infinite; default `stop`.
    pub non_finite: NonFinitePolicy,
    /// A task whose gradient on the shared parameters vanishes; default `drop`.
    pub zero_gradient: ZeroGradientPolicy,
    /// A gradient counts as zero when its norm is at most this share of the largest norm; in `[0, 1)`, default 1e-12.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub zero_tolerance: f64,
    /// A mean loss of at most this size counts as solved, for methods that look at losses: they are not asked about the task in
    /// this step, and the others go on; >= 0, default 1e-12.
    #[schemars(range(min = 0.0))]
    pub solved_loss: f64,
    /// A mean loss beyond this size is brought down to it, its gradient along: squares of such gradients leave the range of `f32`,
    /// in which optimizers keep them, and so do weights that are quotients of losses; > 0, default 1e12.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub loud_loss: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            non_finite: NonFinitePolicy::Stop,
            zero_gradient: ZeroGradientPolicy::Drop,
            zero_tolerance: 1e-12,
            solved_loss: 1e-12,
            loud_loss: 1e12,
        }
    }
}

impl Policy {
    /// What the objective of a task with that mean loss is multiplied by.
    pub(super) fn damping(&self, mean: f64) -> f64 {
        if mean.is_finite() && mean.abs() > self.loud_loss { self.loud_loss / mean.abs() } else { 1.0 }
    }

    /// Brings weights down, all by one factor, until no weighted loss is beyond the size of a loud one.
    pub(super) fn quieten(&self, losses: &[f64], weights: &mut [f64]) {
        let largest = weights.iter().zip(losses).fold(0.0, |largest: f64, (w, loss)| largest.max((w * loss).abs()));
        if largest.is_finite() && largest > self.loud_loss {
            weights.iter_mut().for_each(|w| *w *= self.loud_loss / largest);
        }
    }
}

/// What to do about NaN and infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NonFinitePolicy {
    /// Give an error that names the task.
    Stop,
    /// Leave all parameters as they are and say so in the report.
    SkipStep,
    /// Go on with the other tasks and say so in the report.
    DropTask,
}

/// What to do about a task that pulls nowhere: converged, or its labels are constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ZeroGradientPolicy {
    /// Leave it out: the others go on. Mathematically the point is Pareto stationary, but freezing all tasks because one
    /// has converged is useless in training.
    Drop,
    /// Hand it to the method, whose own rule then applies (MGDA stops).
    Keep,
}
