//! Balancing: how much each task may say in a step.
//!
//! Every method is one of three kinds, by what it looks at:
//!
//! | kind | looks at | gives | folder |
//! |---|---|---|---|
//! | scalarizer | losses | weights of the losses | `scalarizer/` |
//! | weighting | Gramian `[m, m]` of the task gradients | weights of the gradients | `weighting/` |
//! | aggregator | Jacobian `[m, n]` | a direction | `aggregator/` |
//!
//! A method never sees the model: it *declares* what it needs ([`Balancer::needs`]), the step engine
//! ([`crate::step`]) provides it as [`Evidence`], after its policy has dropped absent, zero-gradient and non-finite
//! tasks. So a method may assume at least two tasks, finite losses and a finite Gramian with positive diagonal; with one
//! task left the engine does plain descent without asking.
//!
//! All arithmetic is `f64` on the CPU and needs no libtorch: `m` is small, and pure code can be tested by the thousand.

mod gramian;
pub mod scalarizer;
pub mod solver;
pub mod weighting;

use std::fmt::Debug;

pub use gramian::Gramian;

use crate::{error::Result, state::StateDict};

/// What a method wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// The tasks' mean losses as numbers. Reading them waits for the accelerator once per step.
    pub losses: bool,
    /// The Gramian of the task gradients: one backward pass per task.
    pub gramian: bool,
}

/// What a method sees: one entry (row) per *active* task.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// Indices of the active tasks in the task set, ascending; at least two.
    pub tasks: &'a [usize],
    /// Their mean losses, already multiplied by the user's task weights; empty unless asked for.
    pub losses: &'a [f64],
    /// The Gramian of their gradients with respect to the shared parameters; `None` unless asked for.
    pub gramian: Option<&'a Gramian>,
    /// The optimizer step this is for, counted from 0: the only source of randomness beside a method's own seed.
    pub step: u64,
}

/// How a solver fared.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Outcome {
    /// Iterations spent; 0 for closed forms.
    pub iterations: usize,
    /// Violation of the optimality conditions relative to the problem's scale; 0 for closed forms.
    pub residual: f64,
}

/// A method that decides how much each task says.
pub trait Balancer: Debug + Send {
    /// Its name, as in config files.
    fn name(&self) -> &'static str;

    /// What it wants to see; constant over its life.
    fn needs(&self) -> Needs;

    /// Writes one weight per active task: the update direction is `sum_i weights[i] * gradient_i`.
    ///
    /// # Errors
    /// [`Error::Solver`](crate::Error::Solver) when no weights can be found.
    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome>;

    /// Everything that the next call depends on; empty for stateless methods.
    fn state(&self) -> StateDict {
        StateDict::new()
    }

    /// Takes back what [`Balancer::state`] gave.
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State) when it does not fit.
    fn load_state(&mut self, _state: &StateDict) -> Result<()> {
        Ok(())
    }

    /// Forgets everything, as if freshly made.
    fn reset(&mut self) {}
}
