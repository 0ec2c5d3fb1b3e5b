//! The training loop.
//!
//! ```text
//! for each epoch:  for each batch: forward -> losses -> step engine -> clip -> optimizer -> running mean of the weights
//!                                  every so many steps, or after the epoch: validate -> score -> best? patience?
//! ```
//! How long and how often is said in [`Budget`] and [`Every`]; what lies between two validations is a round, by default an epoch.
//! A round without a score (no metric in it has a value, see [`Scoring`]) is not the best, and does not count as one that is not
//! better: patience, the plateau schedule and freezing pass over it. A run in which no epoch had a score ends with the weights of its
//! last one, and everything that tells of it says so ([`Choice`]).
//!
//! The loop names no balancer, head, architecture, metric or data set. It is told two splits, and only those: training
//! and **validation**. Models, epochs and settings are chosen on validation; whoever evaluates on a test split does it
//! afterwards, with [`evaluate`], on the weights of the best epoch.
//!
//! A run is a function of its settings: everything random is re-derived from the seed and the step, so a run that goes on
//! from a checkpoint gives the bits of one that was never interrupted (same device, same number of threads and ranks).
//!
//! On several ranks ([`Trainer::join`]) each has a trainer, and all say the same of the same run: `ranks.rs`.

mod budget;
mod carry;
mod choice;
mod config;
mod evaluate;
mod freeze;
mod incident;
mod informed;
mod left_out;
mod looks;
mod lr_finder;
mod observer;
mod online;
mod ranks;
mod scoring;
mod selection;
mod tally;
mod time;
mod together;
mod walk;

use std::{sync::Arc, time::Instant};

pub use crate::train::incident::{Action, Incident, Suspect};
pub use budget::{Budget, Every};
pub use choice::Choice;
pub use config::{SourceConfig, TrainConfig};
use evaluate::evaluate_together;
pub(crate) use evaluate::judged;
pub use evaluate::{Recorder, evaluate, evaluate_answers, evaluate_batches, evaluate_recorded, metrics_of};
use freeze::Plateaus;
pub use freeze::{FreezeConfig, Frozen};
pub use left_out::{Cause, LeftOut};
pub use lr_finder::{LrFinderConfig, LrPoint, LrSweep};
use mtl_core::{
    balance::{Epoch, Look, Needs},
    context::Cx,
    label_stats::LabelStats,
    mode::Mode,
    rng::derive,
    shim,
    state::StateDict,
    step::{StepEngine, StepReport},
};
use mtl_data::{Batches, LoaderPosition};
use mtl_metrics::{MetricReport, MetricSet};
pub use observer::{EpochSummary, Flow, Guarded, Observer, StepSummary};
pub use online::Online;
use ranks::Division;
pub use scoring::{Scored, Scoring};
pub use selection::Selection;
use serde::{Deserialize, Serialize};
use tally::Tally;
use tch::Tensor;
use time::Pace;
pub use time::TimeLimit;
use together::StepBatches;
use walk::{HeldOut, Walk};

use crate::{
    analysis::inspect,
    error::{Error, Result},
    parts::method::MethodConfig,
    train::{
        checkpoint::{Checkpoint, CheckpointStore},
        ema::Ema,
        model::Model,
        optim::{Optimizer, ParamGroups},
        schedule::Schedule,
    },
};
use mtl_core::metric::MetricSpec;

/// Trains one model.
#[derive(Debug)]
pub struct Trainer {
    model: Model,
    engine: StepEngine,
    optimizer: Box<dyn Optimizer>,
    schedule: Schedule,
    ema: Option<Ema>,
    /// In place of the schedule's rate, while one is searched.
    fixed_lr: Option<f64>,
    selection: Selection,
    /// The selection on the validation labels, once these are known.
    scoring: Option<Scoring>,
    /// Statistics of the training labels, whose constant answer `skill` measures by.
    training_labels: Option<Vec<LabelStats>>,
    config: TrainConfig,
    counters: Counters,
    best: Vec<(String, Tensor)>,
    held_out: Option<Arc<dyn Batches>>,
    observer_failure: Option<String>,
}

/// Where a run stands; saved in every checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Counters {
    /// Whole passes so far.
    epoch: u64,
    next_batch: u64,
    step: u64,
    epochs_since_best: u64,
    best_score: Option<f64>,
    tally: Tally,
    history: Vec<EpochSummary>,
    plateaus: Plateaus,
    incidents: u64,
    finished: bool,
    /// Of a run whose budget is a time.
    #[serde(default)]
    pace: Pace,
}

/// So many incidents are looked into; the others are only counted.
const DIAGNOSED: u64 = 20;

impl Counters {
    /// Whether the budget is spent and its last round judged, patience has run out, or no task is left to learn.
    fn is_over(&self, config: &TrainConfig, budget: Budget) -> bool {
        let nothing_left = config.freeze.is_some_and(|f| f.what == Frozen::Task) && self.plateaus.all_frozen();
        let is_spent = budget.is_spent(self.epoch, self.step) && self.tally.is_empty();
        let is_spent = is_spent || config.time.is_some() && self.pace.is_over;
        is_spent || config.patience.is_some_and(|p| self.epochs_since_best >= p) || nothing_left
    }

    /// Whether what has been learned since the last validation is to be judged before the next batch.
    fn is_due(&self, config: &TrainConfig, budget: Budget) -> bool {
        let by_steps = match config.validate_every {
            Every::Steps(n) => self.step.is_multiple_of(n),
            Every::Epochs(_) => false,
        };
        let is_end = match budget {
            Budget::Steps(n) => self.step >= n,
            Budget::Epochs(_) | Budget::Time => false,
        };
        (by_steps || is_end) && !self.tally.is_empty()
    }

    /// The same at the end of a pass, which the counters count already.
    fn is_due_after_pass(&self, config: &TrainConfig, budget: Budget) -> bool {
        let by_passes = match config.validate_every {
            Every::Epochs(n) => self.epoch.is_multiple_of(n),
            Every::Steps(_) => false,
        };
        (by_passes || budget.is_spent(self.epoch, self.step)) && !self.tally.is_empty()
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The budget is spent, or patience ran out.
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
        config.validate().map_err(|e| e.in_section("train"))?;
        let method = balancer.build(model.tasks()).map_err(|e| Error::from(e).in_section("balancer"))?;
        let groups = ParamGroups::resolve(&config.groups, model.params(), model.tasks());
        let groups = groups.map_err(|e| e.in_section("train"))?;
        // What never moves needs no gradient; the engine asks once which parameters are trained.
        model.params().train(&groups.frozen(model.params()), false)?;
        let engine = StepEngine::new(model.tasks().clone(), model.params(), method, config.policy);
        let mode = engine.with_mode(config.step_mode.clone());
        let mut engine = mode.map_err(|e| Error::from(e).in_section("train.step_mode"))?;
        engine.watch_blocks(config.statistics_every);
        if let Some(max) = config.clip_task_norm {
            engine.clip_tasks(max).map_err(|e| Error::from(e).in_section("train.clip_task_norm"))?;
        }
        let ema = config.ema.map(|ema| Ema::new(ema, model.params())).transpose();
        let ema = ema.map_err(|e| e.in_section("train.ema"))?;
        if config.accumulate > 1 && engine.method().needs().losses_after_step {
            let e = mtl_core::Error::InvalidConfig {
                what: "train",
                field: "accumulate",
                expected: format!("1 for {}, which compares losses before and after a step", engine.method().name()),
                found: config.accumulate.to_string(),
            };
            return Err(Error::from(e).in_section("train"));
        }
        let selection = Selection::parse(&config.selection, &model).map_err(|e| e.in_section("train.selection"))?;
        let counters = Counters {
            epoch: 0,
            next_batch: 0,
            step: 0,
            epochs_since_best: 0,
            best_score: None,
            tally: Tally::new(model.tasks().len()),
            history: Vec::new(),
            plateaus: Plateaus::new(model.tasks().len()),
            incidents: 0,
            finished: false,
            pace: Pace::default(),
        };
        Ok(Self {
            engine,
            optimizer: config.optimizer.build_with(groups)?,
            schedule: Schedule::new(config.schedule.clone())?,
            ema,
            fixed_lr: None,
            selection,
            scoring: None,
            training_labels: None,
            config,
            counters,
            best: Vec::new(),
            model,
            held_out: None,
            observer_failure: None,
        })
    }

    /// Whether the balancer learns from data that the model does not: [`Trainer::hold_out`] must give some.
    #[must_use]
    pub fn wants_held_out(&self) -> bool {
        self.engine.method().needs().looks.iter().any(|look| matches!(look, Look::Ahead | Look::HeldOut))
    }

    /// Gives the balancer data of its own: neither training data nor the validation split that chooses the epoch. They say how many
    /// batches they have.
    pub fn hold_out(&mut self, held_out: impl Batches + 'static) {
        self.held_out = Some(Arc::new(held_out));
    }

    /// Tells the statistics of the training labels, in task order: the default selection measures every metric by the answer that
    /// they give without looking at inputs. Without them, those of the validation labels take their place.
    pub fn know_labels(&mut self, training: Vec<LabelStats>) {
        self.training_labels = Some(training);
    }

    /// The model, with the weights of the last step; after [`Trainer::fit`] has finished, those of the best epoch.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model alone, when there is nothing more to train.
    #[must_use]
    pub fn into_model(self) -> Model {
        self.model
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

    /// The selection fitted to the labels of the validation split; `None` before [`Trainer::fit`].
    #[must_use]
    pub fn scoring(&self) -> Option<&Scoring> {
        self.scoring.as_ref()
    }

    /// Fits the selection to the labels of a validation split, as [`Trainer::fit`] does before the first epoch.
    ///
    /// # Errors
    /// As [`Selection::on`]; what any metric of the run refuses to judge: samples with weights that it does not know, say.
    pub fn score_on(&self, validation: &dyn Batches) -> Result<Scoring> {
        let scoring = self.selection.on(&self.model, validation, self.training_labels.as_deref());
        let scoring = scoring.map_err(|e| e.in_section("train.selection"))?;
        // Metrics beside those of the selection judge every epoch too: what they refuse is not to be found out after one.
        informed::repeated(validation, &self.metrics()?)?;
        Ok(scoring)
    }

    /// Which epoch counts, and on what grounds; `None` before the first.
    #[must_use]
    pub fn choice(&self) -> Option<Choice> {
        Choice::of(&self.selection, &self.counters.history)
    }

    /// The rounds so far: epochs, unless validation comes more or less often.
    #[must_use]
    pub fn history(&self) -> &[EpochSummary] {
        &self.counters.history
    }

    /// What an observer said when it panicked and was switched off; the run itself is not concerned.
    #[must_use]
    pub fn observer_failure(&self) -> Option<&str> {
        self.observer_failure.as_deref()
    }

    /// Optimizer steps so far.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.counters.step
    }

    /// What is left of the budget after what the clock says.
    fn budget(&self, train: &dyn Batches) -> Budget {
        self.counters.pace.budget(self.config.budget(), self.steps_per_epoch(train))
    }

    /// How many optimizer steps the whole run will take; `None` where the budget is in epochs of which nobody knows the length, and
    /// where it is a time, before the first step.
    #[must_use]
    pub fn total_steps(&self, train: &dyn Batches) -> Option<u64> {
        self.budget(train).steps(self.steps_per_epoch(train))
    }

    /// How many rounds the whole run has at most; `None` where that depends on an epoch's length, which nobody knows.
    #[must_use]
    pub fn total_rounds(&self, train: &dyn Batches) -> Option<u64> {
        self.config.validate_every.rounds(self.budget(train), self.steps_per_epoch(train))
    }

    /// How often the training data has been seen so far, parts of an epoch included; `None` where nobody knows how long one is.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "steps stay far below 2^52")]
    pub fn passes(&self, train: &dyn Batches) -> Option<f64> {
        Some(self.counters.step as f64 / self.steps_per_epoch(train)? as f64)
    }

    /// Optimizer steps in an epoch; `None` where nobody knows how long one is.
    pub(crate) fn steps_per_epoch(&self, train: &dyn Batches) -> Option<u64> {
        Some(looks::steps(train.n_batches()?, self.batches_per_step(train), self.config.accumulate))
    }

    /// What the balancer needs.
    pub(crate) fn needs(&self) -> Needs {
        self.engine.method().needs()
    }

    /// The name of the balancing method.
    pub(crate) fn method_name(&self) -> &'static str {
        self.engine.method().name()
    }

    /// Trains until the end, choosing the best epoch on `validation`, and leaves its weights in the model. `train` is a
    /// [`Loader`](mtl_data::Loader) or anything else that gives batches; what does not say how many there are is trained by `train.steps`.
    ///
    /// With a store, checkpoints are written at the end of every epoch, after every validation and as often as the settings say.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a budget in epochs of unknown length; as [`Trainer::score_on`], before the first step; [`Error::Step`] naming the place and the task or file that failed; the
    /// checkpoints written so far remain.
    pub fn fit(
        &mut self,
        train: &dyn Batches,
        validation: &dyn Batches,
        observer: &mut dyn Observer,
        store: Option<&CheckpointStore>,
    ) -> Result<Ending> {
        let mut observer = Guarded::new(observer);
        if !self.counters.finished {
            self.scoring = Some(self.score_on(validation)?);
        }
        observer.started(self.counters.step);
        if let Some(finding) = self.scoring.as_ref().and_then(Scoring::finding) {
            observer.noticed(&finding);
        }
        let ending = self.run(train, validation, &mut observer, store);
        observer.finished();
        self.observer_failure = observer.failure().map(str::to_owned);
        if ending.as_ref().is_ok_and(|e| *e == Ending::Finished) {
            match self.best.is_empty() {
                false => self.model.params().load_tensors(&self.best)?,
                // No epoch had a score: the last one counts, with the weights that were judged.
                true => self.swap_ema()?,
            }
        }
        ending
    }

    fn run(
        &mut self,
        train: &dyn Batches,
        validation: &dyn Batches,
        observer: &mut dyn Observer,
        store: Option<&CheckpointStore>,
    ) -> Result<Ending> {
        self.check_looks(train)?;
        let held_out = self.held_out.clone();
        let mut held_out = HeldOut::new(held_out.as_deref(), self.model.params().device(), self.shard());
        while !self.counters.finished {
            let mut clock = Instant::now();
            let mut walk = Walk::new(train, self.position(), self.shard())?;
            loop {
                if self.counters.is_due(&self.config, self.budget(train)) {
                    self.end_round(train, validation, observer)?;
                    self.save(store, observer)?;
                    if self.counters.finished {
                        return Ok(Ending::Finished);
                    }
                    if self.stops(observer)? {
                        return Ok(Ending::Stopped);
                    }
                    clock = Instant::now(); // judging is not training
                }
                let (epoch, step) = (self.counters.epoch, self.counters.step);
                let next = self.next_batches(&mut walk, train).map_err(|e| e.at_step(epoch, step))?;
                let Some(batches) = next else { break };
                let stepped = self.learn(&batches, &mut walk, &mut held_out, train, &mut clock, observer);
                if !stepped.map_err(|e| e.at_step(epoch, step))? {
                    continue;
                }
                let stop = self.stops(observer)?;
                let due = self.config.checkpoint_every.is_some_and(|n| self.counters.step.is_multiple_of(n));
                if due || stop {
                    self.save(store, observer)?;
                    clock = Instant::now(); // nor is writing
                }
                if stop {
                    return Ok(Ending::Stopped);
                }
            }
            drop(walk);
            self.next_epoch(train)?;
            if self.counters.is_due_after_pass(&self.config, self.budget(train)) {
                self.end_round(train, validation, observer)?;
            }
            self.counters.finished = self.counters.is_over(&self.config, self.budget(train));
            self.save(store, observer)?;
            if !self.counters.finished && self.stops(observer)? {
                return Ok(Ending::Stopped);
            }
        }
        Ok(Ending::Finished)
    }

    /// The batches of the next step, if the epoch has enough for one: a rest is no step.
    fn next_batches(&self, walk: &mut Walk<'_>, train: &dyn Batches) -> Result<Option<StepBatches>> {
        let needed = usize::try_from(self.batches_per_step(train)).unwrap_or(usize::MAX);
        // Only a step of several batches looks ahead: a stream is not to be waited for before it is learned from.
        if needed > 1 && !walk.has(needed)? {
            return Ok(None);
        }
        StepBatches::take(walk, train.per_step(), self.model.params().device())
    }

    /// Goes on to the next epoch, at the end of one that had a step at least.
    fn next_epoch(&mut self, train: &dyn Batches) -> Result<()> {
        if self.counters.next_batch == 0 {
            return Err(self.refuse_empty(train, self.counters.epoch).into());
        }
        self.counters.epoch += 1;
        self.counters.next_batch = 0;
        Ok(())
    }

    fn save(&self, store: Option<&CheckpointStore>, observer: &mut dyn Observer) -> Result<()> {
        if let Some(store) = store {
            observer.saved(&store.save(self.counters.step, &self.checkpoint()?)?);
        }
        Ok(())
    }

    /// The batch that comes next.
    pub(crate) fn position(&self) -> LoaderPosition {
        LoaderPosition { epoch: self.counters.epoch, next_batch: self.counters.next_batch }
    }

    /// One batch, or one of each source: an optimizer step, or a part of one (then false) where gradients are accumulated.
    fn learn(
        &mut self,
        batches: &StepBatches,
        walk: &mut Walk<'_>,
        held_out: &mut HeldOut<'_>,
        train: &dyn Batches,
        clock: &mut Instant,
        observer: &mut dyn Observer,
    ) -> Result<bool> {
        let step = self.counters.step;
        let world = self.world().clone();
        let LoaderPosition { epoch, next_batch } = self.position();
        // One number a batch, which a resumed run finds again.
        let batches_before = match train.n_batches() {
            Some(n) => epoch * n + next_batch,
            None => (epoch << 32).wrapping_add(next_batch),
        };
        // Of a time nobody knows yet how many steps it holds: the first one stands at the beginning.
        let unknown = if self.config.time.is_some() { u64::MAX } else { 0 };
        let total_steps = self.total_steps(train).unwrap_or(unknown);
        let scheduled = self.config.optimizer.lr() * self.schedule.factor(step, total_steps);
        let lr = self.fixed_lr.unwrap_or(scheduled);
        let dropout = self.config.dropout_share(step, total_steps);
        let (wants_tape, run_seed, precision) = (self.engine.wants_tape(), self.config.seed, self.config.precision);
        let cx = |place: u64, division: Division| {
            let seed = derive(run_seed, "step", batches_before + place);
            shim::manual_seed(division.seed(seed, world.as_ref()))?;
            let cx = Cx::new(Mode::Train).with_precision(precision).with_dropout(dropout);
            Ok(if wants_tape { cx.with_tape() } else { cx })
        };
        let mut forward = batches.losses(&self.model, &world, cx)?;
        if let Some(freeze) = &self.config.freeze {
            self.counters.plateaus.silence(freeze.what, &mut forward.losses);
        }
        self.counters.next_batch += batches.len();
        let next = self.counters.next_batch;
        let stepped = match self.config.accumulate {
            1 => self.backward(batches.first(), &forward, walk, held_out, (step, dropout)),
            n => {
                let added = self.engine.accumulate(self.model.params(), &forward, step).map_err(Error::from);
                added.map_err(|e| self.explain(e, batches, lr))?;
                if !next.is_multiple_of(n) && walk.has(1)? {
                    self.counters.tally.samples += batches.samples() as u64;
                    return Ok(false);
                }
                self.engine.finish(step).map_err(Error::from)
            }
        };
        drop(forward);
        let (gradients, report) = stepped.map_err(|e| self.explain(e, batches, lr))?;
        self.tell_incidents(&report, batches, lr, observer)?;
        let mut gradient_norm = None;
        if let Some(mut gradients) = gradients {
            if self.config.freeze.is_some_and(|freeze| freeze.what == Frozen::Head) {
                self.counters.plateaus.hold(&self.model, &mut gradients);
            }
            if let Some(max) = self.config.clip_norm {
                let norm = gradients.clip_norm(max)?;
                if !norm.is_finite() {
                    let e = self.engine.not_finite(&report, norm).into();
                    return Err(self.explain(e, batches, lr));
                }
                gradient_norm = Some(norm);
            }
            self.optimizer.step(self.model.params(), &gradients, lr)?;
            if let Some(ema) = &mut self.ema {
                ema.update(self.model.params())?;
            }
            if self.engine.method().needs().losses_after_step && !report.weighed.is_empty() {
                self.tell_losses_after(batches, &report.weighed)?;
            }
        }
        self.counters.step += 1;
        let tally = &mut self.counters.tally;
        tally.add(&report, self.engine.block_names(), batches.samples());
        let took = clock.elapsed().as_secs_f64();
        tally.seconds += took;
        self.counters.pace.seconds += took;
        *clock = Instant::now();
        self.look_at_clock(train, false, observer)?;
        let tally = &self.counters.tally;
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let samples_per_second = tally.samples as f64 / tally.seconds.max(1e-9);
        let epoch = self.counters.epoch;
        observer.step(&StepSummary {
            epoch,
            step,
            total_steps: self.total_steps(train).unwrap_or(0),
            lr,
            gradient_norm,
            report: &report,
            samples_per_second,
        });
        if step == 0
            && let Some(finding) = inspect::losses(self.model.tasks(), &report.tasks)
        {
            observer.noticed(&finding);
        }
        Ok(true)
    }

    /// Adds to an error about a value that is not finite which samples bring it.
    fn explain(&self, e: Error, batches: &StepBatches, lr: f64) -> Error {
        let Error::Core(mtl_core::Error::NonFinite { what, tasks, .. }) = &e else { return e };
        let incident = Incident::stopped(what, tasks).at(self.counters.epoch, self.counters.step, lr);
        let world = self.world().as_ref();
        // The model may not even run on parts of the batch: then this rank found nothing, and the plain error says enough.
        let own = incident.clone().diagnosed(&self.model, batches.of(tasks.indices()), tasks.indices()).ok();
        let found_any = own.is_some();
        match own.unwrap_or(incident).of_all(world) {
            Ok(incident) if found_any => Error::NonFinite(Box::new(incident)),
            _ => e,
        }
    }

    /// What a step dropped for not being finite goes to the observer, with the samples to blame.
    fn tell_incidents(
        &mut self,
        report: &StepReport,
        batches: &StepBatches,
        lr: f64,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let (epoch, step) = (self.counters.epoch, self.counters.step);
        for (idx, task) in report.tasks.iter().enumerate() {
            let Some(incident) = Incident::of_task(&self.model, idx, task.dropped, report.skipped) else { continue };
            let incident = incident.at(epoch, step, lr);
            self.counters.incidents += 1;
            match self.counters.incidents <= DIAGNOSED {
                true => {
                    let found = incident.diagnosed(&self.model, batches.of(&[idx]), &[idx])?;
                    observer.incident(&found.of_all(self.world().as_ref())?);
                }
                false => observer.incident(&incident),
            }
        }
        Ok(())
    }

    /// The losses of the same batches after the step, for balancers that learn from the difference.
    fn tell_losses_after(&mut self, batches: &StepBatches, weighed: &[usize]) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let precision = self.config.precision;
        let cx = |_, _| Ok(Cx::new(Mode::Eval).with_precision(precision));
        let means = self.engine.mean_losses(&batches.losses(&self.model, self.world(), cx)?)?;
        let tasks = self.model.tasks();
        let mut after = Vec::with_capacity(weighed.len());
        for &t in weighed {
            let weight = tasks.get(t).map_or(1.0, |task| task.weight);
            after.push(weight * means.get(t).copied().flatten().unwrap_or(0.0));
        }
        Ok(self.engine.method_mut().after_step(&after, weighed).map_err(|e| self.model.tasks().named(e))?)
    }

    /// Judges what was learned since the last validation.
    fn end_round(&mut self, train: &dyn Batches, validation: &dyn Batches, observer: &mut dyn Observer) -> Result<()> {
        let clock = Instant::now();
        self.agree_on_weights()?;
        // Judged and kept are the mean weights, where there are any; training goes on with its own.
        self.swap_ema()?;
        let judged = self.judge(validation);
        self.swap_ema()?;
        let Judged { report, scored: Scored { score, left_out }, is_best } = judged?;
        let newly_frozen = match &self.config.freeze {
            Some(freeze) => self.counters.plateaus.hear(freeze, self.model.tasks(), &report),
            None => Vec::new(),
        };
        self.counters.pace.seconds += clock.elapsed().as_secs_f64();
        self.look_at_clock(train, true, observer)?;
        let (rounds, per_epoch) = (self.total_rounds(train).unwrap_or(0), self.steps_per_epoch(train));
        let counters = &mut self.counters;
        let index = counters.history.len() as u64;
        let tally = std::mem::replace(&mut counters.tally, Tally::new(self.model.tasks().len()));
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let summary = EpochSummary {
            epoch: index,
            epochs: rounds,
            every: self.config.validate_every,
            step: counters.step,
            train_loss: tally.train_loss(),
            mean_weight: tally.mean_weight(),
            conflict: tally.conflict.whole(),
            blocks: tally.conflict.blocks(),
            validation: report,
            score,
            terms: self.scoring.as_ref().map_or(0, Scoring::n_terms),
            left_out,
            is_best,
            incidents: counters.incidents,
            frozen: counters.plateaus.frozen().to_vec(),
            seconds: tally.seconds,
            samples_per_second: tally.samples as f64 / tally.seconds.max(1e-9),
        };
        let kpis: Vec<f64> = self
            .model
            .tasks()
            .iter()
            .enumerate()
            .map(|(idx, task)| {
                let value = |metric: &MetricSpec| summary.validation.value(idx, metric.name().as_str());
                task.primary.as_ref().and_then(value).unwrap_or(f64::NAN)
            })
            .collect();
        self.engine.method_mut().epoch_end(&Epoch { index, kpis: &kpis })?;
        counters.epochs_since_best = match (is_best, score) {
            (true, _) => 0,
            (false, Some(_)) => counters.epochs_since_best + 1,
            (false, None) => counters.epochs_since_best,
        };
        self.schedule.hear(score, self.selection.direction());
        let budget = self.counters.pace.budget(self.config.budget(), per_epoch);
        self.counters.finished = self.counters.is_over(&self.config, budget);
        observer.epoch(&summary);
        observer.model(&summary, &self.model);
        for task in newly_frozen.iter().filter_map(|&t| self.model.tasks().get(t)) {
            observer.frozen(&task.name, summary.epoch);
        }
        self.counters.history.push(summary);
        Ok(())
    }

    /// All metrics of the weights in the model, their score, and whether it is the best so far: then they are kept.
    fn judge(&mut self, validation: &dyn Batches) -> Result<Judged> {
        let report = evaluate_together(&self.model, validation, &mut self.metrics()?, self.world().as_ref())?;
        let scored = match &self.scoring {
            Some(scoring) => scoring.score(&report)?,
            None => self.score_on(validation)?.score(&report)?,
        };
        let is_best = match (scored.score, self.counters.best_score) {
            (Some(new), Some(old)) => self.selection.direction().better(new, old),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if is_best {
            self.counters.best_score = scored.score;
            self.best = copies(&self.model);
        }
        Ok(Judged { report, scored, is_best })
    }

    /// Exchanges the weights and their running mean, if there is one.
    fn swap_ema(&mut self) -> Result<()> {
        self.ema.as_mut().map_or(Ok(()), |ema| ema.swap(self.model.params()))
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
            schedule: self.schedule.state(),
            ema: self.ema.as_ref().map(|ema| ema.state(self.model.params())).unwrap_or_default(),
            stream: StateDict::default(), // whoever judges a stream adds it
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
        self.schedule.load_state(&checkpoint.schedule)?;
        if let Some(ema) = &mut self.ema {
            ema.load_state(self.model.params(), &checkpoint.ema)?;
        }
        self.best = checkpoint.best;
        // A budget that has grown since lets a finished run go on.
        let pace = counters.pace.resumed(self.config.time);
        let counters = Counters { pace, ..counters };
        let still_over = counters.is_over(&self.config, pace.budget(self.config.budget(), None));
        self.counters = Counters { finished: counters.finished && still_over, ..counters };
        Ok(())
    }
}

/// An epoch's weights as validation sees them.
struct Judged {
    report: MetricReport,
    scored: Scored,
    is_best: bool,
}

fn copies(model: &Model) -> Vec<(String, Tensor)> {
    model.params().tensors().map(|(name, t)| (name.to_owned(), t.detach().copy())).collect()
}
