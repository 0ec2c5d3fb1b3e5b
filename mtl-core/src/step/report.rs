//! What happened in a step: for logs, progress bars and conflict statistics.

use crate::balance::{Gramian, Outcome};

/// Why a task did not take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// No known label in the batch.
    Absent,
    /// None of the parameters that it reaches is trained.
    NothingTrained,
    /// Its gradient on the shared parameters vanishes.
    ZeroGradient,
    /// Its loss is 0 or next to it ([`Policy::solved_loss`](super::Policy::solved_loss)), in a step whose method looks at losses.
    Solved,
    /// Its loss is NaN or infinite.
    NonFiniteLoss,
    /// Its gradient on the shared parameters is NaN or infinite.
    NonFiniteGradient,
}

/// One task's part in a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskStep {
    /// Mean loss over the known items, before the user's weight; `None` when absent.
    pub loss: Option<f64>,
    /// How many items were known.
    pub count: f64,
    /// The method's weight; 0 for a task whose shared gradient was dropped, 1 where the method gives a direction instead, and for
    /// a solved task of a method that looks at losses alone.
    pub weight: f64,
    /// What its gradient was multiplied by before the method saw it ([`StepEngine::clip_tasks`](super::StepEngine::clip_tasks),
    /// [`Policy::loud_loss`](super::Policy::loud_loss)); 1 where it was short enough, or nothing is clipped.
    pub clip: f64,
    /// Why it was left out, if it was.
    pub dropped: Option<Dropped>,
}

/// One step.
#[derive(Debug, Default)]
pub struct StepReport {
    /// Per task, in task order.
    pub tasks: Vec<TaskStep>,
    /// Indices of the tasks behind the rows of `gramian`.
    pub active: Vec<usize>,
    /// Indices of the tasks that the method was asked about; empty where it was not asked: with one task nothing is to be
    /// weighed. They are the ones to tell it of after the step ([`Balancer::after_step`](crate::balance::Balancer::after_step)).
    pub weighed: Vec<usize>,
    /// The Gramian of the active tasks' gradients, when the balancer wanted one and at least two tasks were active.
    pub gramian: Option<Gramian>,
    /// The Gramian of every parameter block ([`StepEngine::block_names`](super::StepEngine::block_names)), in steps that
    /// watch them and for methods that look at them; else empty.
    pub blocks: Vec<Gramian>,
    /// The estimated relative error of `gramian` (Frobenius norm), where the step mode estimates it: 0 when it fell back
    /// to the exact form.
    pub gramian_error: Option<f64>,
    /// How the solver fared.
    pub outcome: Outcome,
    /// Whether the policy asked to leave the parameters as they are.
    pub skipped: bool,
}
