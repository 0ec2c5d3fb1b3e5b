//! The training loop.
//!
//! ```text
//! for each epoch:  for each batch: forward -> losses -> step engine -> clip -> optimizer
//!                  validate -> score -> best? patience?
//! ```
//! The loop names no balancer, head, architecture, metric or data set. It is told two splits, and only those: training
//! and **validation**. Models, epochs and settings are chosen on validation; whoever evaluates on a test split does it
//! afterwards, with [`evaluate`], on the weights of the best epoch.
//!
//! A run is a function of its settings: everything random is re-derived from the seed and the step, so a run that goes on
//! from a checkpoint gives the bits of one that was never interrupted (same device, same number of threads).

mod config;
mod evaluate;
mod looks;
mod observer;
mod selection;
mod tally;

use std::time::Instant;

pub use config::TrainConfig;
pub use evaluate::{evaluate, metrics_of};
use mtl_core::{
    balance::{Epoch, Look},
    batch::Batch,
    context::Cx,
    mode::Mode,
    rng::derive,
    shim,
    step::StepEngine,
};
use mtl_data::{Batches, Loader, LoaderPosition};
use mtl_metrics::MetricSet;
pub use observer::{EpochSummary, Flow, Observer, StepSummary};
pub use selection::Selection;
use serde::{Deserialize, Serialize};
use tally::Tally;
use tch::Tensor;

use crate::{
    checkpoint::{Checkpoint, CheckpointStore},
    error::{Error, Result},
    method::MethodConfig,
    model::Model,
    optim::Optimizer,
};

/// Trains one model.
#[derive(Debug)]
pub struct Trainer {
    model: Model,
    engine: StepEngine,
    optimizer: Box<dyn Optimizer>,
    selection: Selection,
    config: TrainConfig,
    counters: Counters,
    best: Vec<(String, Tensor)>,
    held_out: Option<Loader>,
}

/// Where a run stands; saved in every checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Counters {
    epoch: u64,
    next_batch: u64,
    step: u64,
    epochs_since_best: u64,
    best_score: Option<f64>,
    tally: Tally,
    history: Vec<EpochSummary>,
    finished: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All epochs are done, or patience ran out.
    Finished,
    /// An observer asked to stop; a checkpoint holds the rest.
    Stopped,
}

impl Trainer {
    /// A run from the start.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] or [`mtl_core::Error::Parse`] naming the setting.
    pub fn new(model: Model, balancer: &MethodConfig, config: TrainConfig) -> Result<Self> {
        config.validate()?;
        let method = balancer.build(model.tasks())?;
        let engine = StepEngine::new(model.tasks().clone(), model.params(), method, config.policy);
        let mut engine = engine.with_mode(config.step_mode.clone())?;
        engine.watch_blocks(config.statistics_every);
        if config.accumulate > 1 && engine.method().needs().losses_after_step {
            return Err(mtl_core::Error::InvalidConfig {
                what: "train",
                field: "accumulate",
                expected: format!("1 for {}, which compares losses before and after a step", engine.method().name()),
                found: config.accumulate.to_string(),
            }
            .into());
        }
        let selection = Selection::parse(&config.selection, &model)?;
        let counters = Counters {
            epoch: 0,
            next_batch: 0,
            step: 0,
            epochs_since_best: 0,
            best_score: None,
            tally: Tally::new(model.tasks().len()),
            history: Vec::new(),
            finished: false,
        };
        Ok(Self {
            engine,
            optimizer: config.optimizer.build()?,
            selection,
            config,
            counters,
            best: Vec::new(),
            model,
            held_out: None,
        })
    }

    /// Whether the balancer learns from data that the model does not: [`Trainer::hold_out`] must give some.
    #[must_use]
    pub fn wants_held_out(&self) -> bool {
        self.engine.method().needs().looks.contains(&Look::Ahead)
    }

    /// Gives the balancer data of its own: neither training data nor the validation split that chooses the epoch.
    pub fn hold_out(&mut self, held_out: Loader) {
        self.held_out = Some(held_out);
    }

    /// The model, with the weights of the last step; after [`Trainer::fit`] has finished, those of the best epoch.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// What validation is scored by.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// The epochs so far.
    #[must_use]
    pub fn history(&self) -> &[EpochSummary] {
        &self.counters.history
    }

    /// Optimizer steps so far.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.counters.step
    }

    /// How many optimizer steps the whole run will take.
    #[must_use]
    pub fn total_steps(&self, train: &dyn Batches) -> u64 {
        self.config.epochs * looks::steps(train.n_batches(), self.batches_per_step(), self.config.accumulate)
    }

    /// Trains until the end, choosing the best epoch on `validation`, and leaves its weights in the model. `train` is a
    /// [`Loader`], or a [`MultiLoader`](mtl_data::MultiLoader) when tasks have data sets of their own.
    ///
    /// With a store, checkpoints are written at the end of every epoch and as often as the settings say.
    ///
    /// # Errors
    /// [`Error::Step`] naming the place and the task or file that failed; the checkpoints written so far remain.
    pub fn fit(
        &mut self,
        train: &dyn Batches,
        validation: &Loader,
        observer: &mut dyn Observer,
        store: Option<&CheckpointStore>,
    ) -> Result<Ending> {
        let ending = self.run(train, validation, observer, store);
        observer.finished();
        if ending.as_ref().is_ok_and(|e| *e == Ending::Finished) && !self.best.is_empty() {
            self.model.params().load_tensors(&self.best)?;
        }
        ending
    }

    fn run(
        &mut self,
        train: &dyn Batches,
        validation: &Loader,
        observer: &mut dyn Observer,
        store: Option<&CheckpointStore>,
    ) -> Result<Ending> {
        self.check_looks(train)?;
        while !self.counters.finished {
            let position = LoaderPosition { epoch: self.counters.epoch, next_batch: self.counters.next_batch };
            let mut clock = Instant::now();
            let mut batches = train.epoch_from(position)?;
            while self.enough_batches(train) {
                let Some(batch) = batches.next() else { break };
                let (epoch, step) = (self.counters.epoch, self.counters.step);
                let batch = batch.map_err(|e| Error::from(e).at_step(epoch, step))?;
                let stepped =
                    self.learn(batch, &mut batches, train, &mut clock, observer).map_err(|e| e.at_step(epoch, step))?;
                if !stepped {
                    continue;
                }
                let stop = observer.flow() == Flow::Stop;
                let due = self.config.checkpoint_every.is_some_and(|n| self.counters.step.is_multiple_of(n));
                if let Some(store) = store.filter(|_| due || stop) {
                    store.save(self.counters.step, &self.checkpoint()?)?;
                    clock = Instant::now(); // writing is not training
                }
                if stop {
                    return Ok(Ending::Stopped);
                }
            }
            self.end_epoch(validation, observer)?;
            if let Some(store) = store {
                store.save(self.counters.step, &self.checkpoint()?)?;
            }
            if !self.counters.finished && observer.flow() == Flow::Stop {
                return Ok(Ending::Stopped);
            }
        }
        Ok(Ending::Finished)
    }

    /// One batch: an optimizer step, or a part of one (then false) where gradients are accumulated.
    fn learn(
        &mut self,
        batch: Batch,
        batches: &mut dyn Iterator<Item = mtl_data::Result<Batch>>,
        train: &dyn Batches,
        clock: &mut Instant,
        observer: &mut dyn Observer,
    ) -> Result<bool> {
        let step = self.counters.step;
        let batch = batch.to_device(self.model.params().device())?;
        let n_batches = train.n_batches();
        let batches_before = self.counters.epoch * n_batches + self.counters.next_batch;
        shim::manual_seed(derive(self.config.seed, "step", batches_before))?;
        let cx = Cx::new(Mode::Train);
        let cx = if self.engine.wants_tape() { cx.with_tape() } else { cx };
        let forward = self.model.losses(&batch, &cx)?;
        self.counters.next_batch += 1;
        let next = self.counters.next_batch;
        let (gradients, report) = match self.config.accumulate {
            1 => self.backward(&forward, batches, step)?,
            n => {
                self.engine.accumulate(self.model.params(), &forward, step)?;
                if !next.is_multiple_of(n) && next < n_batches {
                    self.counters.tally.samples += batch.len() as u64;
                    return Ok(false);
                }
                self.engine.finish(step)?
            }
        };
        let total_steps = self.total_steps(train);
        let lr = self.config.optimizer.lr() * self.config.schedule.factor(step, total_steps);
        let mut gradient_norm = None;
        if let Some(mut gradients) = gradients {
            if let Some(max) = self.config.clip_norm {
                let norm = gradients.clip_norm(max)?;
                if !norm.is_finite() {
                    return Err(self.engine.not_finite(&report, norm).into());
                }
                gradient_norm = Some(norm);
            }
            self.optimizer.step(self.model.params(), &gradients, lr)?;
            if self.engine.method().needs().losses_after_step {
                self.tell_losses_after(&batch, &report.active)?;
            }
        }
        self.counters.step += 1;
        let tally = &mut self.counters.tally;
        tally.add(&report, self.engine.block_names(), batch.len());
        tally.seconds += clock.elapsed().as_secs_f64();
        *clock = Instant::now();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let samples_per_second = tally.samples as f64 / tally.seconds.max(1e-9);
        let epoch = self.counters.epoch;
        observer.step(&StepSummary {
            epoch,
            step,
            total_steps,
            lr,
            gradient_norm,
            report: &report,
            samples_per_second,
        });
        Ok(true)
    }

    /// The losses of the same batch after the step, for balancers that learn from the difference.
    fn tell_losses_after(&mut self, batch: &Batch, active: &[usize]) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let losses = self.model.losses(batch, &Cx::new(Mode::Eval))?.losses;
        let tasks = self.model.tasks();
        let mut after = Vec::with_capacity(active.len());
        for &t in active {
            let weight = tasks.get(t).map_or(1.0, |task| task.weight);
            after.push(weight * f64::try_from(&losses[t].mean()?).map_err(mtl_core::Error::from)?);
        }
        Ok(self.engine.method_mut().after_step(&after, active)?)
    }

    fn end_epoch(&mut self, validation: &Loader, observer: &mut dyn Observer) -> Result<()> {
        let report = evaluate(&self.model, validation, &mut self.metrics()?)?;
        let score = self.selection.score(&report)?;
        let is_best = match (score, self.counters.best_score) {
            (Some(new), Some(old)) => self.selection.direction().better(new, old),
            (Some(_), None) => true,
            (None, _) => false,
        };
        let counters = &mut self.counters;
        let tally = std::mem::replace(&mut counters.tally, Tally::new(self.model.tasks().len()));
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let summary = EpochSummary {
            epoch: counters.epoch,
            epochs: self.config.epochs,
            step: counters.step,
            train_loss: tally.train_loss(),
            mean_weight: tally.mean_weight(),
            conflict: tally.conflict.whole(),
            blocks: tally.conflict.blocks(),
            validation: report,
            score,
            is_best,
            seconds: tally.seconds,
            samples_per_second: tally.samples as f64 / tally.seconds.max(1e-9),
        };
        let kpis: Vec<f64> = self
            .model
            .tasks()
            .iter()
            .enumerate()
            .map(|(idx, task)| summary.validation.value(idx, task.primary).unwrap_or(f64::NAN))
            .collect();
        self.engine.method_mut().epoch_end(&Epoch { index: counters.epoch, kpis: &kpis })?;
        counters.epoch += 1;
        counters.next_batch = 0;
        counters.epochs_since_best = if is_best { 0 } else { counters.epochs_since_best + 1 };
        if is_best {
            counters.best_score = score;
            self.best = copies(&self.model);
        }
        let out_of_patience = self.config.patience.is_some_and(|p| counters.epochs_since_best >= p);
        counters.finished = counters.epoch >= self.config.epochs || out_of_patience;
        observer.epoch(&summary);
        counters.history.push(summary);
        Ok(())
    }

    /// Every head's metrics; the task's primary one first.
    fn metrics(&self) -> Result<MetricSet> {
        evaluate::metrics_of(&self.model)
    }

    /// Everything that the next step depends on.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when the counters cannot be written.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        let counters = serde_json::to_string(&self.counters)
            .map_err(|e| Error::Checkpoint { path: "counters".into(), reason: e.to_string() })?;
        Ok(Checkpoint {
            counters,
            params: copies(&self.model),
            best: self.best.iter().map(|(n, t)| (n.clone(), t.shallow_clone())).collect(),
            optimizer: self.optimizer.state(self.model.params()),
            balancer: self.engine.method().state(),
        })
    }

    /// Goes back to where a checkpoint was made.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] or [`mtl_core::Error::State`] when it is of another model or another set-up.
    pub fn resume(&mut self, checkpoint: Checkpoint) -> Result<()> {
        let counters: Counters = serde_json::from_str(&checkpoint.counters)
            .map_err(|e| Error::Checkpoint { path: "counters".into(), reason: e.to_string() })?;
        self.model.params().load_tensors(&checkpoint.params)?;
        self.optimizer.load_state(self.model.params(), &checkpoint.optimizer)?;
        self.engine.method_mut().load_state(&checkpoint.balancer)?;
        self.best = checkpoint.best;
        self.counters = counters;
        Ok(())
    }
}

fn copies(model: &Model) -> Vec<(String, Tensor)> {
    model.params().tensors().map(|(name, t)| (name.to_owned(), t.detach().copy())).collect()
}
