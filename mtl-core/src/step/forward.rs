//! What one forward pass hands to the step.

use tch::Tensor;

use crate::{context::Tape, loss::TaskLoss, share::AuxiliaryLoss};

/// One forward pass: losses, and what some step modes want to know of the way there.
///
/// `Forward::from(losses)` is enough for the exact mode.
#[derive(Debug, Default)]
pub struct Forward {
    /// One loss per task, in task order.
    pub losses: Vec<TaskLoss>,
    /// Losses of the architecture, added as they are.
    pub auxiliary: Vec<AuxiliaryLoss>,
    /// The tensors between the shared trunk and what belongs to tasks
    /// ([`SharedFeatures::boundary`](crate::share::SharedFeatures)); for [`StepMode`](super::StepMode)s that cut there.
    pub boundary: Vec<Tensor>,
    /// The trainable layers that ran, when [`StepEngine::wants_tape`](super::StepEngine::wants_tape).
    pub tape: Tape,
    /// How many samples it ran on. Asked for where several [ranks](crate::world) step together: what an architecture says of a rank's
    /// part of the batch counts by it. Without it parts count alike.
    pub samples: f64,
}

impl From<Vec<TaskLoss>> for Forward {
    fn from(losses: Vec<TaskLoss>) -> Self {
        Self { losses, ..Self::default() }
    }
}
