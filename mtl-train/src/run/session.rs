//! From a configuration to a run: model, trainer and loaders, put together once for the program, the bench
//! and library users alike.

use std::sync::{Arc, Mutex, PoisonError};

use mtl_core::{
    label_stats::LabelStats,
    registry::ByKind,
    rng::derive,
    world::{self, World},
};
use mtl_data::{
    Batches, DrawnPart, ForTasks, Loader, LoaderConfig, LoaderPosition, Mixing, Order, Source, Splits, Subset,
    sampler::Sampled, source, stats,
};
use mtl_metrics::{MetricReport, post_hoc::Verdict};
use tch::Device;

use crate::{
    analysis::{
        inspect::{Finding, Level},
        intervals::{Intervals, Recorded},
    },
    config::RunConfig,
    error::{Error, Result},
    parts::method::MethodConfig,
    run::{
        data::RunData,
        plan::ModelPlan,
        post_hoc::{self, Answered, PostHocFits},
        self_supervised, sources, threads,
    },
    train::{
        checkpoint::CheckpointStore,
        constant::Constant,
        task_weights::{self, TaskWeight},
        trainer::{Ending, Observer, Recorder, TrainConfig, Trainer, evaluate, evaluate_recorded, metrics_of},
    },
};

/// A run that is ready to start.
#[derive(Debug)]
pub struct Session {
    /// The trainer.
    pub trainer: Trainer,
    /// What is learned from, in shuffled order.
    pub train: Loader,
    /// What models are chosen by.
    pub validation: Loader,
    /// What is fitted to answers after training is fitted on it; all of validation where it is `None`.
    calibration: Option<Loader>,
    test: Loader,
    data: RunData,
    recipe: Recipe,
}

/// What the trainers of further ranks are made of.
#[derive(Debug)]
struct Recipe {
    ranks: usize,
    device: Device,
    plan: ModelPlan,
    balancer: MethodConfig,
    train: TrainConfig,
    held_out: Option<Loader>,
}

impl Recipe {
    /// A trainer like the session's, before its first step.
    fn trainer(&self, labels: &[LabelStats]) -> Result<Trainer> {
        let model = self.plan.build(labels, self.device, self.train.seed)?;
        let mut trainer = Trainer::new(model, &self.balancer, self.train.clone())?;
        trainer.know_labels(labels.to_vec());
        if let Some(held_out) = &self.held_out {
            trainer.hold_out(held_out.clone());
        }
        Ok(trainer)
    }
}

impl Session {
    /// Builds everything that `config` describes on data that is loaded already (several runs may share it).
    ///
    /// # Errors
    /// Whatever is wrong with a setting, naming it.
    pub fn new(config: &RunConfig, splits: &Splits) -> Result<Self> {
        config.without_stream()?;
        let device = config.device.apply().map_err(|e| e.in_section("device"))?;
        let few = config.train.overfit_batches.map(|n| first_samples(config, splits, n)).transpose()?;
        let data = RunData::of(&config.data, splits); // of all samples, also where few are learned
        let splits = few.as_ref().unwrap_or(splits);
        let plan = ModelPlan::new(config, &splits.info)?;
        let names: Vec<String> = plan.names().into_iter().map(str::to_owned).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let restrict = |source: &Arc<dyn Source>| -> Result<Arc<dyn Source>> {
            let selected = ForTasks::select(self_supervised::source(config, source.clone())?, &names);
            sources::with_labels(Arc::new(selected.map_err(|e| Error::from(e).in_section("task"))?))
        };
        let mut train = restrict(&splits.train)?;
        let seed = config.train.seed;
        let labels = stats::of(&*train)?;
        let mut plan = plan;
        if let Some(ByKind(weighting)) = &config.train.task_weights {
            let weighed = weighting.weigh(&plan.tasks, &labels);
            plan.tasks = weighed.map_err(|e| e.in_section("train.task_weights"))?;
        }
        let (balancer, train_config) = (config.balancer.clone(), config.train.clone());
        let mut recipe = Recipe { ranks: 1, device, plan, balancer, train: train_config, held_out: None };
        let mut trainer = recipe.trainer(&labels)?;
        let sizes = sources::batch_sizes(&config.train, &*train);
        recipe.ranks = threads::settle(&config.device, trainer.model(), &recipe.plan, sizes);
        let data = data.with_labels(labels);
        sources::check_method(&trainer, &*train)?;
        let least = sources::least_batch(trainer.model(), &*train)?;
        let shuffled = LoaderConfig {
            batch_size: config.train.batch_size,
            least,
            order: Order::Shuffled,
            seed: derive(seed, "order", 0),
            workers: config.train.workers,
            mixing: sources::mixing(&config.train, &*train),
            ..LoaderConfig::default()
        };
        let sampler = sources::sampler(&config.train, &splits.info, &train.info().tasks)?;
        if trainer.wants_held_out() {
            let held_out = splits.dealt.hold_out(train.len(), config.train.held_out, derive(seed, "held out", 0));
            let (own, held) = held_out?;
            let part = |positions| Subset::new(train.clone(), positions);
            let (own, held): (Arc<dyn Source>, Arc<dyn Source>) = (Arc::new(part(own)?), Arc::new(part(held)?));
            let held = Loader::new(held, shuffled.clone())?;
            trainer.hold_out(held.clone());
            recipe.held_out = Some(held);
            train = own;
        }
        let in_order = LoaderConfig {
            batch_size: config.train.eval_batch_size,
            order: Order::Sequential,
            least: 1,
            mixing: Mixing::default(),
            ..shuffled.clone()
        };
        let train = Loader::new(train, LoaderConfig { sampler, ..shuffled }).map_err(sources::of_loader)?;
        let (validation, calibration) = parted(restrict(&splits.validation)?, config)?;
        Ok(Self {
            train: sources::with_epochs(train, &trainer)?,
            trainer,
            validation: Loader::new(validation, in_order.clone())?,
            calibration: calibration.map(|part| Loader::new(part, in_order.clone())).transpose()?,
            test: Loader::new(restrict(&splits.test)?, in_order)?,
            data,
            recipe,
        })
    }

    /// Trains to the end, on as many ranks as the configuration says: [`Trainer::fit`] on the session's batches. Further ranks take over
    /// what this session's trainer knows, and are gone when it ends; observer and store are its alone.
    ///
    /// # Errors
    /// As [`Trainer::fit`], of the rank that failed first.
    pub fn fit(&mut self, observer: &mut dyn Observer, store: Option<&CheckpointStore>) -> Result<Ending> {
        let Self { trainer, train, validation, data, recipe, .. } = self;
        if recipe.ranks < 2 {
            return trainer.fit(train, validation, observer, store);
        }
        let (train, validation, labels): (&dyn Batches, &dyn Batches, _) = (train, validation, &data.labels);
        let starts = (1..recipe.ranks).map(|_| trainer.checkpoint()).collect::<Result<Vec<_>>>()?;
        let starts = Mutex::new(starts);
        let lead = |world: Arc<dyn World>| {
            trainer.join(world);
            let ended = trainer.fit(train, validation, observer, store);
            trainer.join(world::alone());
            ended
        };
        let follow = |world: Arc<dyn World>| {
            let mut trainer = recipe.trainer(labels)?;
            let start = starts.lock().unwrap_or_else(PoisonError::into_inner).pop();
            start.map_or(Ok(()), |start| trainer.resume(start))?;
            trainer.join(world);
            trainer.fit(train, validation, &mut (), None)
        };
        // All ranks end alike: they decide by the same numbers.
        let ended: Vec<Ending> = world::led(recipe.ranks, lead, follow)?;
        Ok(ended.first().copied().unwrap_or(Ending::Stopped))
    }

    /// How many optimizer steps the whole run will take.
    #[must_use]
    pub fn total_steps(&self) -> u64 {
        // A loader knows its length, so there is always an answer.
        self.trainer.total_steps(&self.train).unwrap_or(u64::MAX)
    }

    /// How many times it is validated at most.
    #[must_use]
    pub fn total_rounds(&self) -> u64 {
        self.trainer.total_rounds(&self.train).unwrap_or(u64::MAX)
    }

    /// What so many steps drew of each source; nothing where the data are one. It follows from seed and settings, whether they were made here
    /// or by another process.
    ///
    /// # Errors
    /// As [`Loader::drawn`].
    pub fn drawn(&self, steps: u64) -> Result<Vec<DrawnPart>> {
        Ok(self.train.drawn(self.position(steps))?)
    }

    /// What the sampler dealt in so many steps; `None` without one. As [`Session::drawn`] it follows from seed and settings.
    ///
    /// # Errors
    /// As [`Loader::sampled`].
    pub fn sampled(&self, steps: u64) -> Result<Option<Sampled>> {
        Ok(self.train.sampled(self.position(steps))?)
    }

    /// What tasks weigh by their size; nothing where that was not asked for.
    #[must_use]
    pub fn task_weights(&self) -> Vec<TaskWeight> {
        let asked = self.trainer.config().task_weights.is_some();
        if asked { task_weights::told(&self.plan().tasks, self.labels()) } else { Vec::new() }
    }

    /// Where the loader stands after so many steps.
    fn position(&self, steps: u64) -> LoaderPosition {
        let per_epoch = self.trainer.steps_per_epoch(&self.train).unwrap_or(1).max(1);
        let per_step = self.train.per_step() * self.trainer.config().accumulate;
        LoaderPosition { epoch: steps / per_epoch, next_batch: (steps % per_epoch) * per_step }
    }

    /// How many ranks train; see [`Session::fit`].
    #[must_use]
    pub fn ranks(&self) -> usize {
        self.recipe.ranks
    }

    /// What its user should know before it starts.
    #[must_use]
    pub fn notes(&self) -> Vec<Finding> {
        let joined = self.train.joined_rest().map(|samples| Finding {
            level: Level::Note,
            place: "train".into(),
            message: format!(
                "the last batch of an epoch has {samples} samples: a single one would be left over after batches of {} \
                 (batch_size), which batch normalization cannot train on, and is joined to it",
                self.train.config().batch_size
            ),
        });
        // A study's single-task baseline chooses by the same samples as the whole, so this is no fault.
        let idle = (self.calibration.is_some() && !post_hoc::asks(self.plan())).then(|| {
            let words = "calibration_share keeps samples of validation out of the choice of the epoch, and no task has calibration, \
                         conformal, threshold or reject to be fitted on them";
            Finding::warning("train", words)
        });
        joined.into_iter().chain(idle).collect()
    }

    /// The metrics on the test split. Call it when everything has been chosen.
    ///
    /// # Errors
    /// As [`evaluate`].
    pub fn test(&self) -> Result<MetricReport> {
        evaluate(self.trainer.model(), &self.test, &mut metrics_of(self.trainer.model())?)
    }

    /// The metrics on the test split, and how far off each may be: one pass. Call it when everything has been chosen.
    ///
    /// # Errors
    /// As [`evaluate`].
    pub fn test_with_intervals(&self) -> Result<(MetricReport, Intervals)> {
        self.test_seen_by(&mut ())
    }

    /// As [`Session::test_with_intervals`], with someone else who sees every answer.
    ///
    /// # Errors
    /// As [`evaluate`].
    pub fn test_seen_by(&self, other: &mut dyn Recorder) -> Result<(MetricReport, Intervals)> {
        let model = self.trainer.model();
        let (mut metrics, mut recorded) = (metrics_of(model)?, Recorded::default());
        let report = evaluate_recorded(model, &self.test, &mut metrics, &mut (&mut recorded, other))?;
        let seed = derive(self.trainer.config().seed, "intervals", 0);
        Ok((report, Intervals::of(&recorded, &metrics, seed)?))
    }

    /// The metrics on the validation split.
    ///
    /// # Errors
    /// As [`evaluate`].
    pub fn validate(&self) -> Result<MetricReport> {
        evaluate(self.trainer.model(), &self.validation, &mut metrics_of(self.trainer.model())?)
    }

    /// What is fitted to the model's answers on validation, or on the share of it that chose nothing, and what that is worth there; `None`
    /// where no task asks for it.
    ///
    /// # Errors
    /// As [`PostHocFits::of`] and [`Answered::read`].
    pub fn fit_post_hoc(&self) -> Result<Option<(PostHocFits, Vec<Verdict>)>> {
        let plan = self.plan();
        if !post_hoc::asks(plan) {
            return Ok(None);
        }
        let on = self.calibration.as_ref().unwrap_or(&self.validation);
        let said = Answered::read(plan, self.trainer.model(), on)?;
        let fits = PostHocFits::of(plan, self.trainer.config().calibration_share, &said)?;
        fits.map(|fits| fits.judge(plan, &said).map(|verdicts| (fits, verdicts))).transpose()
    }

    /// Room for the answers that fits are judged by.
    #[must_use]
    pub fn answered(&self) -> Answered {
        Answered::new(self.plan())
    }

    /// What the model is, before there is one.
    #[must_use]
    pub fn plan(&self) -> &ModelPlan {
        &self.recipe.plan
    }

    /// What the run has to remember of its data, see [`RunDir::create`](crate::run::dir::RunDir::create).
    #[must_use]
    pub fn data(&self) -> &RunData {
        &self.data
    }

    /// Statistics of the training labels, in task order.
    #[must_use]
    pub fn labels(&self) -> &[LabelStats] {
        &self.data.labels
    }

    /// Goes by the labels that a run was trained on, where those of the data are others by now.
    pub fn know_labels(&mut self, training: Vec<LabelStats>) {
        self.trainer.know_labels(training.clone());
        self.data.labels = training;
    }

    /// The metrics of constant answers (the training labels' shares, means and medians) on the validation split.
    ///
    /// # Errors
    /// As [`Constant::judge`].
    pub fn validate_constant(&self) -> Result<MetricReport> {
        Constant::of(self.labels()).judge(&self.validation, &metrics_of(self.trainer.model())?)
    }

    /// The metrics of constant answers on the test split.
    ///
    /// # Errors
    /// As [`Constant::judge`].
    pub fn test_constant(&self) -> Result<MetricReport> {
        Constant::of(self.labels()).judge(&self.test, &metrics_of(self.trainer.model())?)
    }

    /// The test split's batches in order, for curves and maps.
    #[must_use]
    pub fn test_loader(&self) -> &Loader {
        &self.test
    }
}

/// A split.
type Samples = Arc<dyn Source>;

/// The validation split without the share that chooses nothing, and that share.
fn parted(validation: Samples, config: &RunConfig) -> Result<(Samples, Option<Samples>)> {
    let share = config.train.calibration_share;
    if share <= 0.0 {
        return Ok((validation, None));
    }
    let seed = derive(config.train.seed, "calibration", 0);
    let cut = source::split(validation.len(), share, seed);
    let (own, held) = cut.map_err(|e| Error::from(e).in_section("train"))?;
    let part = |positions| Subset::new(validation.clone(), positions);
    Ok((Arc::new(part(own)?), Some(Arc::new(part(held)?))))
}

/// The first samples of the training split, so many batches of each source, as every split: what can be learned by heart can be checked on
/// itself.
fn first_samples(config: &RunConfig, splits: &Splits, batches: u64) -> Result<Splits> {
    let positions = sources::first_positions(&config.train, &*splits.train, batches);
    let dealt = splits.dealt.of(&positions);
    let part: Arc<dyn Source> = Arc::new(Subset::new(splits.train.clone(), positions)?);
    Ok(Splits { train: part.clone(), validation: part.clone(), test: part, dealt, ..splits.clone() })
}
