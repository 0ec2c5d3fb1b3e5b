//! What to do with tasks that cannot take part in a step.
//!
//! Written once here, so that no method has its own accident: in the usual libraries a zero row makes MGDA and CAGrad stop
//! all learning, a NaN row passes through UPGrad silently, a single task crashes MGDA and Nash-MTL.

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
    pub zero_tolerance: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { non_finite: NonFinitePolicy::Stop, zero_gradient: ZeroGradientPolicy::Drop, zero_tolerance: 1e-12 }
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
