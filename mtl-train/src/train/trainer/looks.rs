//! Further batches for balancers that ask for them: fresh ones from the same epoch, held-out ones from their own data.

use mtl_core::{
    balance::Look,
    context::Cx,
    mode::Mode,
    step::{Forward, Gradients, StepReport},
};
use mtl_data::{Batches, Part};

use super::{
    Trainer,
    ranks::Division,
    walk::{self, HeldOut, Walk, nothing},
};
use crate::error::{Error, Result};

/// Optimizer steps in an epoch of so many batches.
pub(super) fn steps(n_batches: u64, per_step: u64, accumulate: u64) -> u64 {
    if per_step > 1 { n_batches / per_step } else { n_batches.div_ceil(accumulate) }
}

impl Trainer {
    /// The step's own batches and the fresh ones.
    pub(super) fn batches_per_step(&self, train: &dyn Batches) -> u64 {
        let fresh = self.engine.method().needs().looks.iter().filter(|l| **l == Look::Fresh).count();
        train.per_step() * (1 + fresh as u64)
    }

    pub(super) fn check_looks(&self, train: &dyn Batches) -> Result<()> {
        let (per_step, name) = (self.batches_per_step(train), self.engine.method().name());
        self.check_together(train)?;
        let refuse = |field, expected: String, found: String| {
            Err(mtl_core::Error::InvalidConfig { what: "train", field, expected, found }.into())
        };
        if let Some(n) = train.n_batches().filter(|n| *n < per_step) {
            return refuse("batch_size", small_enough(per_step, name), format!("{n} batches"));
        }
        if self.total_steps(train).is_none() && self.config.time.is_none() {
            let expected = "given in place of epochs, as nobody knows how many batches an epoch has";
            return refuse("steps", expected.into(), self.config.budget().to_string());
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

    /// The refusal of an epoch that has not a single step.
    pub(super) fn refuse_empty(&self, train: &dyn Batches, epoch: u64) -> mtl_core::Error {
        let (per_step, name) = (self.batches_per_step(train), self.engine.method().name());
        mtl_core::Error::InvalidConfig {
            what: "train",
            field: "batch_size",
            expected: small_enough(per_step, name),
            found: format!("fewer in epoch {}", epoch + 1),
        }
    }

    /// The gradients of a step on one batch, with the looks that the balancer asks for; beside the step the share of dropout in it.
    pub(super) fn backward(
        &mut self,
        part: &Part,
        forward: &Forward,
        walk: &mut Walk<'_>,
        held_out: &mut HeldOut<'_>,
        (step, dropout): (u64, f64),
    ) -> Result<(Option<Gradients>, StepReport)> {
        let Self { model, engine, counters, config, .. } = self;
        if engine.method().needs().looks.is_empty() {
            return Ok(engine.backward(model.params(), forward, step)?);
        }
        let mut failed = None;
        let world = engine.world().clone();
        let run = |part: &Part| {
            let cx = Cx::new(Mode::Train).with_precision(config.precision).with_dropout(dropout);
            Division::of(part.whole, world.as_ref()).losses(model, &part.batch, cx, &world)
        };
        let mut looker = |look: Look| {
            let seen = match look {
                Look::Again => run(part),
                Look::Fresh => {
                    counters.next_batch += 1;
                    let fresh = walk.next().map_err(Error::from);
                    let fresh = fresh.and_then(|fresh| fresh.ok_or_else(|| nothing("the epoch ended inside a step")));
                    fresh.and_then(|fresh| run(&walk::on(model.params().device(), fresh)?))
                }
                Look::Ahead | Look::HeldOut => held_out.part(step).and_then(run),
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

fn small_enough(per_step: u64, method: &str) -> String {
    match per_step {
        1 => "small enough for an epoch to have a batch".to_owned(),
        _ => format!("small enough for {per_step} batches, which a step of {method} takes"),
    }
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn fresh_looks_use_up_batches_and_a_rest_is_no_step() {
        assert_eq!((steps(10, 1, 1), steps(10, 3, 1), steps(10, 1, 4)), (10, 3, 3));
    }
}
