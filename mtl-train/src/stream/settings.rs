//! The settings of a run as they hold for a stream.

use std::path::Path;

use mtl_data::{DatasetConfig, datasets::CsvFiles};

use super::StreamConfig;
use crate::{
    analysis::inspect::Finding,
    config::{RunConfig, TaskConfig},
    error::{Error, Result},
    run::ranks::Ranks,
    train::{
        schedule::{ConstantConfig, ScheduleConfig},
        trainer::{Budget, TrainConfig},
    },
};

/// A configuration in which what follows from others is written out.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) config: RunConfig,
    /// Its section `[stream]`.
    pub(super) stream: StreamConfig,
    /// What its user should know.
    pub(super) notes: Vec<Finding>,
}

impl Settled {
    /// That of a new model, or of one that `goes_on` and knows what codes mean.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for what a stream cannot have.
    pub(super) fn of(mut config: RunConfig, goes_on: bool) -> Result<Self> {
        let mut notes = Vec::new();
        let mut stream = config.stream.take().unwrap_or_default().spelled_out(config.train.batch_size);
        match (goes_on, stream.warmup_rows) {
            (true, _) => stream.warmup_rows = 0,
            (false, 0) => {
                let expected = ">= 1 without --from: somebody has to know what codes mean".into();
                return Err(refused("warmup_rows", expected, "0").in_section("stream"));
            }
            (false, _) => {}
        }
        stream.validate(config.train.batch_size).map_err(|e| e.in_section("stream"))?;
        if config.init.is_some() {
            let expected = "left out: --from takes over a whole model".into();
            return Err(refused("init", expected, "a section").in_section("init"));
        }
        if let Some(idx) = config.tasks.iter().position(|task| !task.post_hoc().is_nothing()) {
            let expected =
                "without calibration, conformal, threshold and reject: a stream has no validation to fit them on"
                    .into();
            let name = config.tasks[idx].name.clone();
            return Err(refused("task", expected, &name).in_section(format!("task[{idx}]")));
        }
        match config.device.asks() {
            Ranks::Number(ranks @ 2..) => {
                let (expected, found) = ("1 for a stream, which is read once".into(), ranks.to_string());
                let e = mtl_core::Error::InvalidConfig { what: "device", field: "ranks", expected, found };
                return Err(Error::from(e).in_section("device"));
            }
            Ranks::Number(_) => {}
            // As many as pay: one.
            Ranks::ByWork(_) => config.device.ranks = Some(Ranks::Number(1)),
        }
        if let Budget::Epochs(n) = config.train.budget() {
            if n > 1 && Budget::Epochs(n) != TrainConfig::default().budget() {
                notes.push(Finding::note("train", "a stream is one epoch (train.epochs); train.steps would end it"));
            }
            config.train.epochs = Some(1);
            if config.train.schedule == ScheduleConfig::default() && config.train.schedule.needs_end() {
                config.train.schedule = ScheduleConfig::Constant(ConstantConfig::default());
                let words = "the learning rate is constant (train.schedule), since nobody knows where the stream ends";
                notes.push(Finding::note("train", words));
            }
        }
        config.stream = Some(stream.clone());
        let settled = Self { config, stream, notes };
        let unused = unused(settled.csv()?);
        Ok(Self { notes: settled.notes.into_iter().chain(unused).collect(), ..settled })
    }

    /// The table that is the stream.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for data of another kind.
    pub(super) fn csv(&self) -> Result<&CsvFiles> {
        match &self.config.data {
            DatasetConfig::Csv(csv) => Ok(csv),
            other => Err(refused("kind", "csv: a stream is rows of a table".into(), other.name()).in_section("data")),
        }
    }
}

/// The configuration of a run that was trained on splits, for its model to go on learning from a stream; and what of it does not count
/// there.
#[must_use]
pub fn of_a_run(mut config: RunConfig, run: &Path) -> (RunConfig, Option<Finding>) {
    let plain = TrainConfig::default();
    let mut dropped: Vec<&str> = config.train.beyond_streams().into_iter().map(|(field, _)| field).collect();
    let schedule = &config.train.schedule;
    let bounded = matches!(config.train.budget(), Budget::Epochs(_)) && schedule.needs_end();
    if schedule.hears() || bounded && *schedule != plain.schedule {
        dropped.push("schedule");
        config.train.schedule = plain.schedule;
    }
    if config.tasks.iter().any(|task| !task.post_hoc().is_nothing()) {
        dropped.push("what is fitted on validation (calibration, conformal, threshold, reject)");
        config.tasks = config.tasks.into_iter().map(TaskConfig::without_post_hoc).collect();
    }
    let train = &mut config.train;
    train.calibration_share = plain.calibration_share;
    (train.accumulate, train.ema, train.patience, train.freeze) =
        (plain.accumulate, plain.ema, plain.patience, plain.freeze);
    (train.sampler, train.task_weights) = (plain.sampler, plain.task_weights);
    (train.validate_every, train.selection) = (plain.validate_every, plain.selection);
    (train.time, train.dropout_schedule) = (plain.time, plain.dropout_schedule.clone());
    (train.overfit_batches, train.checkpoint_every) = (plain.overfit_batches, plain.checkpoint_every);
    config.init = None; // its weights are the run's by now
    config.device.ranks = None;
    let words = || format!("what {} says of {} does not count for a stream", run.display(), dropped.join(", "));
    let note = (!dropped.is_empty()).then(|| Finding::note("train", words()));
    (config, note)
}

pub(super) fn refused(field: &'static str, expected: String, found: &str) -> Error {
    mtl_core::Error::InvalidConfig { what: "stream", field, expected, found: found.into() }.into()
}

/// What a data set says of splits, which a stream has none of.
fn unused(csv: &CsvFiles) -> Option<Finding> {
    let plain = CsvFiles::default();
    let is_plain = csv.validation.is_none()
        && csv.test.is_none()
        && csv.split == plain.split
        && csv.validation_fraction.to_bits() == plain.validation_fraction.to_bits()
        && csv.test_fraction.to_bits() == plain.test_fraction.to_bits();
    let words =
        "what [data] says of validation, test and split is not for streams: every row is judged, then learned from";
    (!is_plain).then(|| Finding::note("data", words))
}
