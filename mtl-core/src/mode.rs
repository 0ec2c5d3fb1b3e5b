//! Whether a forward pass trains or evaluates.

/// The two ways to run a network; stochastic parts (dropout, sampling) are silent in [`Mode::Eval`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Training: dropout acts.
    Train,
    /// Evaluation: the same input gives the same output.
    Eval,
}
