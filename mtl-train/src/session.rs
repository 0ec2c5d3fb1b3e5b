//! From a configuration to a run: data, tasks, model, trainer and loaders, put together once for the program, the bench
//! and library users alike.

use std::sync::Arc;

use mtl_core::{
    encode::{self, InputSpec},
    metric::MetricId,
    rng::derive,
    task::{Task, TaskName, TaskSet},
};
use mtl_data::{DataInfo, ForTasks, LabelKind, Loader, LoaderConfig, Order, Source, Splits, Subset, source::split};
use mtl_heads::{HeadConfig, TargetSpec};
use mtl_metrics::MetricReport;
use tch::Kind;

use crate::{
    config::{RunConfig, TaskConfig},
    error::{Error, Result},
    intervals::{Intervals, Recorded},
    model::{Blueprint, Model, ModelConfig},
    trainer::{Trainer, evaluate, evaluate_recorded, metrics_of},
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
    test: Loader,
}

impl Session {
    /// Builds everything that `config` describes on data that is loaded already (several runs may share it).
    ///
    /// # Errors
    /// Whatever is wrong with a setting, naming it.
    pub fn new(config: &RunConfig, splits: &Splits) -> Result<Self> {
        let device = config.device.apply().map_err(|e| e.in_section("device"))?;
        let few =
            config.train.overfit_batches.map(|n| first_samples(splits, n.saturating_mul(samples_per_batch(config))));
        let few = few.transpose()?;
        let splits = few.as_ref().unwrap_or(splits);
        let wanted = match config.tasks.is_empty() {
            true => splits.info.tasks.iter().map(|t| task_config(&t.name)).collect(),
            false => config.tasks.clone(),
        };
        let names: Vec<&str> = wanted.iter().map(|t| t.name.as_str()).collect();
        let restrict = |source: &Arc<dyn Source>| -> Result<Arc<dyn Source>> {
            let selected = ForTasks::select(source.clone(), &names);
            Ok(Arc::new(selected.map_err(|e| Error::from(e).in_section("task"))?))
        };
        let train = restrict(&splits.train)?;
        let targets: Vec<TargetSpec> = train.info().tasks.iter().map(|t| target_spec(&t.label)).collect();
        let tasks = task_set(&wanted, &targets).map_err(|e| e.in_section("task"))?;
        let model = ModelConfig {
            encoder: config.encoder.clone(),
            sharing: config.sharing.clone(),
            heads: wanted.iter().map(|t| t.head.clone()).collect(),
        };
        let seed = config.train.seed;
        let inputs = input_spec(train.info());
        let blueprint =
            Blueprint { inputs: &inputs, targets: &targets, kind: Kind::Float, device, seed: derive(seed, "init", 0) };
        let mut trainer =
            Trainer::new(Model::build(&model, &tasks, &blueprint)?, &config.balancer, config.train.clone())?;
        let shuffled = LoaderConfig {
            batch_size: config.train.batch_size,
            order: Order::Shuffled,
            seed: derive(seed, "order", 0),
            workers: config.train.workers,
            ..LoaderConfig::default()
        };
        let mut train = train;
        if trainer.wants_held_out() {
            let (own, held) = split(train.len(), config.train.held_out, derive(seed, "held out", 0))?;
            let part = |positions| Subset::new(train.clone(), positions);
            let (own, held): (Arc<dyn Source>, Arc<dyn Source>) = (Arc::new(part(own)?), Arc::new(part(held)?));
            // Batches are taken one at a time by the step's number, so workers would only be started and stopped.
            trainer.hold_out(Loader::new(held, LoaderConfig { workers: 0, ..shuffled.clone() })?);
            train = own;
        }
        let in_order =
            LoaderConfig { batch_size: config.train.eval_batch_size, order: Order::Sequential, ..shuffled.clone() };
        Ok(Self {
            trainer,
            train: Loader::new(train, shuffled)?,
            validation: Loader::new(restrict(&splits.validation)?, in_order.clone())?,
            test: Loader::new(restrict(&splits.test)?, in_order)?,
        })
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
        let model = self.trainer.model();
        let (mut metrics, mut recorded) = (metrics_of(model)?, Recorded::default());
        let report = evaluate_recorded(model, &self.test, &mut metrics, &mut recorded)?;
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

    /// The test split's batches in order, for curves and maps.
    #[must_use]
    pub fn test_loader(&self) -> &Loader {
        &self.test
    }
}

fn samples_per_batch(config: &RunConfig) -> u64 {
    config.train.batch_size as u64
}

/// The first samples of the training split, as every split: what can be learned by heart can be checked on itself.
fn first_samples(splits: &Splits, n: u64) -> Result<Splits> {
    let positions = (0..n.min(splits.train.len())).collect();
    let part: Arc<dyn Source> = Arc::new(Subset::new(splits.train.clone(), positions)?);
    Ok(Splits { train: part.clone(), validation: part.clone(), test: part, ..splits.clone() })
}

pub(crate) fn task_config(name: &TaskName) -> TaskConfig {
    TaskConfig { name: name.to_string(), weight: 1.0, primary: None, baseline: None, head: None }
}

/// The tasks as the user wants them; a primary metric that was not named is the first that suits the labels.
pub(crate) fn task_set(wanted: &[TaskConfig], targets: &[TargetSpec]) -> Result<TaskSet> {
    let mut tasks = Vec::with_capacity(wanted.len());
    for (config, target) in wanted.iter().zip(targets) {
        let head = config.head.clone().unwrap_or_else(|| HeadConfig::default_for(target));
        let primary = config.primary.or_else(|| head.metrics().first().copied()).unwrap_or(MetricId::LogLoss);
        let mut task = Task::new(&config.name, primary)?.with_weight(config.weight);
        task.baseline = config.baseline;
        tasks.push(task);
    }
    Ok(TaskSet::new(tasks)?)
}

pub(crate) fn target_spec(label: &LabelKind) -> TargetSpec {
    match label {
        LabelKind::Class { classes } => TargetSpec::Class { classes: classes.len() },
        LabelKind::Binary { labels } => TargetSpec::MultiLabel { labels: labels.len() },
        LabelKind::Values { names } => TargetSpec::Values { values: names.len() },
    }
}

pub(crate) fn input_spec(info: &DataInfo) -> InputSpec {
    let size = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let field = |f: &mtl_data::CategoricalField| encode::CategoricalField {
        name: f.name.clone(),
        cardinality: size(f.cardinality),
    };
    InputSpec {
        categorical: info.categorical.iter().map(field).collect(),
        numeric: info.numeric.clone(),
        image: info.image.as_ref().map(|i| [size(i.channels), size(i.height), size(i.width)]),
    }
}
