//! What one forward pass hands to the step.

use tch::Tensor;

use crate::{
    context::Tape,
    error::{Error, Result, TorchContext},
    loss::TaskLoss,
    share::AuxiliaryLoss,
};

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

impl Forward {
    /// Passes over several batches as one, which a step then learns from together: each has labels of tasks that the others have not.
    /// What the architecture says of each counts by its samples. Step modes that cut at the boundary see a cut in each batch, so tasks of
    /// different batches have nothing in common there.
    ///
    /// # Errors
    /// [`Error::Shape`] without a pass, for other numbers of losses, or for a task that two of them have; [`Error::Torch`].
    pub fn together(passes: Vec<Self>) -> Result<Self> {
        let refuse = |expected: &str, found: Vec<i64>| {
            Err(Error::Shape { op: "passes together".into(), tensor: "losses", expected: expected.into(), found })
        };
        let samples: f64 = passes.iter().map(|pass| pass.samples).sum();
        let is_alone = passes.len() == 1;
        let mut passes = passes.into_iter();
        let Some(mut all) = passes.next() else { return refuse("of at least one pass", vec![0]) };
        if !is_alone {
            all.weigh(samples)?;
        }
        for mut pass in passes {
            pass.weigh(samples)?;
            if pass.losses.len() != all.losses.len() {
                return refuse("as many in each pass", vec![all.losses.len() as i64, pass.losses.len() as i64]);
            }
            for (idx, (known, loss)) in all.losses.iter_mut().zip(pass.losses).enumerate() {
                match (known.is_present(), loss.is_present()) {
                    (true, true) => return refuse("of a task in one pass alone", vec![idx as i64]),
                    (true, false) => {}
                    (false, true) => *known = loss,
                    // Of a rank without labels of a task the loss has a graph all the same, see `step`.
                    (false, false) if known.sum.requires_grad() => {}
                    (false, false) => *known = loss,
                }
            }
            all.auxiliary.extend(pass.auxiliary);
            all.boundary.extend(pass.boundary);
            all.tape.0.extend(pass.tape.0);
        }
        all.samples = samples;
        Ok(all)
    }

    /// Multiplies what the architecture says by this pass' share of so many samples.
    fn weigh(&mut self, samples: f64) -> Result<()> {
        let share = if samples > 0.0 { self.samples / samples } else { 0.0 };
        for auxiliary in &mut self.auxiliary {
            auxiliary.loss = auxiliary.loss.f_mul_scalar(share).op("passes together")?;
        }
        Ok(())
    }
}
