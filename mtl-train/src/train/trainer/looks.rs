//! Further batches for balancers that ask for them: fresh ones from the same epoch, held-out ones from their own loader.
//!
//! A step with two fresh looks uses three batches of the epoch; one that looks at held-out data takes the next held-out
//! batch, chosen by the step's number alone, so that a resumed run sees the same ones.

use mtl_core::{
    balance::Look,
    batch::Batch,
    context::Cx,
    mode::Mode,
    step::{Forward, Gradients, StepReport},
};
use mtl_data::{Batches, Loader, LoaderPosition};

use super::Trainer;
use crate::error::{Error, Result};

/// Optimizer steps in an epoch of so many batches.
pub(super) fn steps(n_batches: u64, per_step: u64, accumulate: u64) -> u64 {
    if per_step > 1 { n_batches / per_step } else { n_batches.div_ceil(accumulate) }
}

impl Trainer {
    /// The step's own batch and the fresh ones.
    pub(super) fn batches_per_step(&self) -> u64 {
        let fresh = self.engine.method().needs().looks.iter().filter(|l| **l == Look::Fresh).count();
        1 + fresh as u64
    }

    /// Whether the epoch has enough batches left for a step.
    pub(super) fn enough_batches(&self, train: &dyn Batches) -> bool {
        let needed = self.batches_per_step();
        needed == 1 || self.counters.next_batch + needed <= train.n_batches()
    }

    pub(super) fn check_looks(&self, train: &dyn Batches) -> Result<()> {
        let (per_step, name) = (self.batches_per_step(), self.engine.method().name());
        let refuse = |field, expected: String, found: String| {
            Err(mtl_core::Error::InvalidConfig { what: "train", field, expected, found }.into())
        };
        if train.n_batches() < per_step {
            let expected = format!("small enough for {per_step} batches, which a step of {name} takes");
            return refuse("batch_size", expected, format!("{} batches", train.n_batches()));
        }
        let looks = !self.engine.method().needs().looks.is_empty();
        if looks && self.config.accumulate > 1 {
            return refuse("accumulate", format!("1 for {name}"), self.config.accumulate.to_string());
        }
        if self.wants_held_out() && self.held_out.is_none() {
            return refuse("held_out", format!("above 0 (or `Trainer::hold_out` called) for {name}"), "no data".into());
        }
        Ok(())
    }

    /// The gradients of a step on one batch, with the looks that the balancer asks for.
    pub(super) fn backward(
        &mut self,
        batch: &Batch,
        forward: &Forward,
        batches: &mut dyn Iterator<Item = mtl_data::Result<Batch>>,
        step: u64,
    ) -> Result<(Option<Gradients>, StepReport)> {
        let Self { model, engine, held_out, counters, config, .. } = self;
        if engine.method().needs().looks.is_empty() {
            return Ok(engine.backward(model.params(), forward, step)?);
        }
        let mut failed = None;
        let run = |batch: &Batch| model.losses(batch, &Cx::new(Mode::Train).with_precision(config.precision));
        let mut looker = |look: Look| {
            let other = match look {
                Look::Again => None,
                Look::Fresh => {
                    counters.next_batch += 1;
                    Some(batches.next().ok_or_else(|| nothing("the epoch ended inside a step")).and_then(|b| Ok(b?)))
                }
                Look::Ahead | Look::HeldOut => Some(held_out_batch(held_out.as_ref(), step)),
            };
            let seen = match other {
                None => run(batch),
                Some(other) => other.and_then(|other| run(&other.to_device(model.params().device())?)),
            };
            seen.map_err(|e| {
                let reason = e.to_string();
                failed = Some(e);
                mtl_core::Error::State { what: "further look".into(), reason }
            })
        };
        let found = engine.backward_looking(model.params(), forward, step, &mut looker);
        match failed {
            Some(e) => Err(e),
            None => Ok(found?),
        }
    }
}

fn held_out_batch(loader: Option<&Loader>, step: u64) -> Result<Batch> {
    let loader = loader.ok_or_else(|| nothing("there is no held-out data"))?;
    let n = loader.n_batches().max(1);
    let position = LoaderPosition { epoch: step / n, next_batch: step % n };
    let batch = loader.epoch_from(position)?.next().ok_or_else(|| nothing("the held-out data is empty"))?;
    Ok(batch?)
}

fn nothing(reason: &str) -> Error {
    mtl_core::Error::State { what: "further look".into(), reason: reason.into() }.into()
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn fresh_looks_use_up_batches_and_a_rest_is_no_step() {
        assert_eq!((steps(10, 1, 1), steps(10, 3, 1), steps(10, 1, 4)), (10, 3, 3));
    }
}
