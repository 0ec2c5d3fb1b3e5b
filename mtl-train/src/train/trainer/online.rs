//! Learning from a stream: every batch is judged before it is learned from, in the same steps as in [`Trainer::fit`].
//!
//! ```text
//! test    b_0 b_1 .. b_d    b_d+1     b_d+2        by the weights of that moment
//! learn                b_0        b_1       b_2    d batches later: labels may come late
//! ```
//! There is no validation: what a model is worth is what it said before it knew. So there is no best epoch either, and the
//! last weights are those that count. What hangs on validation, and what a stream without an end cannot have, is refused by name.
//!
//! A round is what lies between two points of the curve that an [`Online`] draws: balancers that change once an epoch do so there.

use std::time::Instant;

use mtl_core::{balance::Epoch, batch::Batch};
use mtl_data::Batches;

use super::{
    Budget, Ending, Flow, Guarded, Observer, Trainer,
    walk::{HeldOut, Walk},
};
use crate::{error::Result, train::model::Model};

/// Who judges a stream, and says when to save.
pub trait Online {
    /// Batches that are judged before the oldest of them is learned from, beside that one.
    fn delay(&self) -> usize;

    /// Batches of the stream that were judged before this run of the loop began.
    fn judged(&self) -> u64;

    /// Judges what the model says to a batch that it has not learned from; the batch is on the model's device.
    ///
    /// # Errors
    /// What ends the run.
    fn judge(&mut self, model: &Model, batch: &Batch) -> Result<()>;

    /// A step was made: batches before `learned` are learned. What ends a round gives its number and the values of the primary
    /// metrics, NaN where there are none.
    ///
    /// # Errors
    /// What ends the run.
    fn stepped(&mut self, learned: u64) -> Result<Option<(u64, Vec<f64>)>>;

    /// Whether a checkpoint is due after that step.
    fn is_due(&self, learned: u64) -> bool;

    /// Keeps the trainer as it is.
    ///
    /// # Errors
    /// What ends the run.
    fn save(&mut self, trainer: &Trainer) -> Result<()>;
}

impl Trainer {
    /// Learns from a stream until it ends, `train.steps` are made, or the observer asks to stop; the weights of the last step stay in
    /// the model. `online` sees every batch before it is learned from, and is asked to save at the end in any case.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for settings that go by validation or by the end; [`crate::Error::Step`] naming the
    /// place.
    pub fn fit_online(
        &mut self,
        stream: &dyn Batches,
        online: &mut dyn Online,
        observer: &mut dyn Observer,
    ) -> Result<Ending> {
        self.check_online()?;
        let mut observer = Guarded::new(observer);
        observer.started(self.counters.step);
        let ending = self.run_online(stream, online, &mut observer);
        observer.finished();
        self.observer_failure = observer.failure().map(str::to_owned);
        ending
    }

    fn run_online(
        &mut self,
        stream: &dyn Batches,
        online: &mut dyn Online,
        observer: &mut dyn Observer,
    ) -> Result<Ending> {
        let mut held_out = HeldOut::new(None, self.model.params().device());
        let mut walk = Walk::new(stream, self.position())?;
        let needed = usize::try_from(self.batches_per_step()).unwrap_or(usize::MAX);
        let mut judged = online.judged();
        loop {
            if self.is_spent() {
                online.save(self)?;
                return Ok(Ending::Finished);
            }
            let (epoch, step, device) = (self.counters.epoch, self.counters.step, self.model.params().device());
            let at = |e: crate::Error| e.at_step(epoch, step);
            let is_full = walk.has(needed.saturating_add(online.delay())).map_err(|e| at(e.into()))?;
            // A stream that is asked to end looks like one that ends: what it would still give may not change what is learned.
            if !is_full && observer.flow() == Flow::Stop {
                online.save(self)?;
                return Ok(Ending::Stopped);
            }
            while let Some(ahead) = offset(judged, self.counters.next_batch) {
                let Some(batch) = walk.peek(ahead, device).map_err(at)? else { break };
                online.judge(&self.model, batch).map_err(at)?;
                judged += 1;
            }
            let mut clock = Instant::now(); // judging is not training
            if walk.n_ahead() < needed {
                online.save(self)?;
                return Ok(Ending::Finished);
            }
            let Some(batch) = walk.next().map_err(|e| at(e.into()))? else { continue };
            self.learn(batch, &mut walk, &mut held_out, stream, &mut clock, observer).map_err(at)?;
            let learned = self.counters.next_batch;
            if let Some((index, kpis)) = online.stepped(learned)? {
                self.counters.tally = super::Tally::new(self.model.tasks().len());
                self.engine.method_mut().epoch_end(&Epoch { index, kpis: &kpis })?;
            }
            let stop = observer.flow() == Flow::Stop;
            if stop || online.is_due(learned) {
                online.save(self)?;
            }
            if stop {
                return Ok(Ending::Stopped);
            }
        }
    }

    fn is_spent(&self) -> bool {
        match self.config.budget() {
            Budget::Steps(n) => self.counters.step >= n,
            Budget::Epochs(_) => false,
        }
    }

    /// Refuses what a stream cannot have.
    fn check_online(&self) -> Result<()> {
        let refuse = |field, expected: &str, found: String| {
            let e = mtl_core::Error::InvalidConfig { what: "stream", field, expected: expected.into(), found };
            Err(crate::Error::from(e).in_section("train"))
        };
        let config = &self.config;
        let name = self.engine.method().name();
        if self.wants_held_out() {
            return refuse(
                "balancer",
                "one that learns from the stream alone",
                format!("{name}, which wants held-out data"),
            );
        }
        if config.ema.is_some() {
            return refuse("ema", "left out: a stream is judged by the weights that learn", "one".into());
        }
        for (field, is_there) in [("patience", config.patience.is_some()), ("freeze", config.freeze.is_some())] {
            if is_there {
                return refuse(field, "left out: a stream is not validated", "one".into());
            }
        }
        if config.overfit_batches.is_some() {
            return refuse("overfit_batches", "left out for a stream", "a number".into());
        }
        if self.schedule.hears() {
            return refuse("schedule", "one that does not wait for validation", "plateau".into());
        }
        // Without an end, a schedule that goes by it would be at its end from the first step on.
        let ends = matches!(config.budget(), Budget::Steps(_));
        if !ends && config.schedule.needs_end() {
            let expected = "constant, or train.steps given: nobody knows where the stream ends";
            return refuse("schedule", expected, config.schedule.name().into());
        }
        if config.accumulate > 1 {
            let expected = "1 for a stream, in which a larger batch_size does the same";
            return refuse("accumulate", expected, config.accumulate.to_string());
        }
        Ok(())
    }
}

fn offset(judged: u64, next: u64) -> Option<usize> {
    usize::try_from(judged.checked_sub(next)?).ok()
}
