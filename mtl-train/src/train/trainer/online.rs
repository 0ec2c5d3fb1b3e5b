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

use std::{path::PathBuf, time::Instant};

use mtl_core::{balance::Epoch, batch::Batch};
use mtl_data::Batches;

use super::{
    Budget, Ending, Every, Guarded, Observer, Tally, TrainConfig, Trainer,
    together::StepBatches,
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

    /// A step was made: batches before `learned` are learned. Gives the number of every round that has ended since the step before, and
    /// the values of its primary metrics, NaN where there are none.
    ///
    /// # Errors
    /// What ends the run.
    fn stepped(&mut self, learned: u64) -> Result<Vec<(u64, Vec<f64>)>>;

    /// Whether a checkpoint is due after that step.
    fn is_due(&self, learned: u64) -> bool;

    /// Keeps the trainer as it is, in a file.
    ///
    /// # Errors
    /// What ends the run.
    fn save(&mut self, trainer: &Trainer) -> Result<PathBuf>;
}

impl Trainer {
    /// Learns from a stream until it ends, `train.steps` are made, or the observer asks to stop; the weights of the last step stay in
    /// the model. `online` sees every batch before it is learned from, and is asked to save at the end in any case. A rest that makes
    /// no step (of a balancer that takes several batches) is neither judged nor learned, and left to whoever goes on.
    ///
    /// # Errors
    /// As [`Trainer::check_online`]; [`crate::Error::Step`] naming the place.
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
        let mut held_out = HeldOut::new(None, self.model.params().device(), self.shard());
        let mut walk = Walk::new(stream, self.position(), self.shard())?;
        let needed = usize::try_from(self.batches_per_step(stream)).unwrap_or(usize::MAX);
        let mut judged = online.judged();
        let ending = loop {
            if self.is_spent() {
                break Ending::Finished;
            }
            let (epoch, step, device) = (self.counters.epoch, self.counters.step, self.model.params().device());
            let at = |e: crate::Error| e.at_step(epoch, step);
            let is_full = walk.has(needed.saturating_add(online.delay())).map_err(|e| at(e.into()))?;
            // A stream that is asked to end looks like one that ends: what it would still give may not change what is learned.
            if !is_full && self.stops(observer)? {
                break Ending::Stopped;
            }
            if walk.n_ahead() < needed {
                break Ending::Finished;
            }
            while let Some(ahead) = offset(judged, self.counters.next_batch) {
                let Some(part) = walk.peek(ahead, device).map_err(at)? else { break };
                online.judge(&self.model, &part.batch).map_err(at)?;
                judged += 1;
            }
            let mut clock = Instant::now(); // judging is not training
            let step = StepBatches::take(&mut walk, stream.per_step(), device).map_err(at)?;
            let Some(batches) = step else { break Ending::Finished };
            self.learn(&batches, &mut walk, &mut held_out, stream, &mut clock, observer).map_err(at)?;
            let learned = self.counters.next_batch;
            for (index, kpis) in online.stepped(learned)? {
                self.counters.tally = Tally::new(self.model.tasks().len());
                self.engine.method_mut().epoch_end(&Epoch { index, kpis: &kpis })?;
            }
            if self.stops(observer)? {
                break Ending::Stopped;
            }
            if online.is_due(learned) {
                observer.saved(&online.save(self)?);
            }
        };
        observer.saved(&online.save(self)?);
        Ok(ending)
    }

    fn is_spent(&self) -> bool {
        match self.config.budget() {
            Budget::Steps(n) => self.counters.step >= n,
            Budget::Epochs(_) | Budget::Time => false,
        }
    }

    /// Refuses what a stream cannot have.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for several ranks, and for settings that go by validation or by the end.
    pub fn check_online(&self) -> Result<()> {
        if self.world().size() > 1 {
            let (expected, found) = ("1 for a stream, which is read once".into(), self.world().size().to_string());
            return Err(mtl_core::Error::InvalidConfig { what: "device", field: "ranks", expected, found }.into());
        }
        let refuse = |field, expected: &str, found: String| {
            let e = mtl_core::Error::InvalidConfig { what: "stream", field, expected: expected.into(), found };
            Err(crate::Error::from(e).in_section("train"))
        };
        if self.wants_held_out() {
            let found = format!("{}, which wants held-out data", self.engine.method().name());
            return refuse("balancer", "one that learns from the stream alone", found);
        }
        if let Some(&(field, why)) = self.config.beyond_streams().first() {
            return refuse(field, &format!("left out: {why}"), "a setting".into());
        }
        if self.config.schedule.hears() {
            return refuse("schedule", "one that does not wait for validation", self.config.schedule.name().into());
        }
        // Without an end, a schedule that goes by it would be at its end from the first step on.
        let ends = matches!(self.config.budget(), Budget::Steps(_));
        if !ends && self.config.schedule.needs_end() {
            let expected = "constant, or train.steps given: nobody knows where the stream ends";
            return refuse("schedule", expected, self.config.schedule.name().into());
        }
        Ok(())
    }
}

impl TrainConfig {
    /// Settings that are given and that a stream cannot have, each with the reason.
    #[must_use]
    pub fn beyond_streams(&self) -> Vec<(&'static str, &'static str)> {
        let plain = Self::default();
        let unvalidated = "a stream is not validated";
        [
            ("accumulate", self.accumulate > 1, "in a stream a larger batch_size does the same"),
            ("ema", self.ema.is_some(), "a stream is judged by the weights that learn"),
            ("dropout_schedule", self.dropout_schedule.is_some(), "nobody knows where a stream ends"),
            ("sampler", self.sampler.is_some(), "a stream is read as it comes"),
            ("task_weights", self.task_weights.is_some(), "nobody knows how many labels will come"),
            ("time", self.time.is_some(), "a stream ends where it ends, or after train.steps"),
            ("patience", self.patience.is_some(), unvalidated),
            ("freeze", self.freeze.is_some(), unvalidated),
            ("validate_every", self.validate_every != Every::default(), unvalidated),
            ("selection", self.selection != plain.selection, unvalidated),
            ("calibration_share", self.calibration_share > 0.0, unvalidated),
            ("overfit_batches", self.overfit_batches.is_some(), "a stream is read once"),
            ("checkpoint_every", self.checkpoint_every.is_some(), "whoever judges a stream says when to save"),
        ]
        .into_iter()
        .filter_map(|(field, is_given, why)| is_given.then_some((field, why)))
        .collect()
    }
}

fn offset(judged: u64, next: u64) -> Option<usize> {
    usize::try_from(judged.checked_sub(next)?).ok()
}
