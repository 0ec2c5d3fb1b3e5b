//! A run of a stream: created, resumed, run.
//!
//! ```text
//! nothing --create--> config.toml, data.json, log.jsonl, curve.jsonl, a checkpoint --run--> checkpoints/, curve.jsonl
//!                          ^____________________ resume: killed, stopped, or the stream has grown ____|
//!                                                                            whenever it ends: model.safetensors, stream.json
//! ```
//! Whenever it ends or is stopped, weights and findings are written: `mtl predict` and `mtl export` take such a folder as any other.

use std::{cell::RefCell, fs::File, path::Path, rc::Rc, sync::Arc, time::Duration};

use mtl_core::{label_stats::LabelStats, params::NamedTensors};
use mtl_data::{
    DatasetConfig, Kept, Origin, Preprocessing,
    datasets::CsvFiles,
    kept::{Cut, Part, Provenance},
    table::stream::{Follow, Opened, Stop, StreamOptions, StreamPosition, TableStream},
};

use super::{
    StreamConfig, StreamOutcome,
    curve::{CurveLog, Point},
    drift::Change,
    judge::{Judge, News, reached},
};
use crate::{
    analysis::inspect::Finding,
    config::RunConfig,
    error::{Error, Result},
    monitor::runlog::{Reached, RunFacts, RunLogs},
    run::{data::RunData, dir::RunDir, life::as_recorded, opened::read_weights, plan::ModelPlan, threads},
    train::{
        checkpoint::{CheckpointStore, write_atomic},
        model::Model,
        schedule::{ConstantConfig, ScheduleConfig},
        trainer::{Budget, Ending, Flow, Incident, Observer, Online, StepSummary, Trainer},
    },
};

/// Checkpoints kept: the newest, and one to fall back to.
const KEEP: usize = 2;

/// Someone who watches a stream.
pub trait StreamWatcher {
    /// A point of the curve.
    fn point(&mut self, point: &Point);

    /// A task's loss changed at a row.
    fn drift(&mut self, task: &str, row: u64, change: Change);

    /// Something was passed over: the first of its sort, with its line.
    fn passed_over(&mut self, what: &str);
}

/// Nobody watches.
impl StreamWatcher for () {
    fn point(&mut self, _point: &Point) {}

    fn drift(&mut self, _task: &str, _row: u64, _change: Change) {}

    fn passed_over(&mut self, _what: &str) {}
}

/// A run of a stream in its folder.
#[derive(Debug)]
pub struct StreamRun {
    dir: RunDir,
    config: RunConfig,
    trainer: Trainer,
    stream: Arc<TableStream>,
    judge: Judge,
    logs: RunLogs,
    notes: Vec<Finding>,
    damaged: Vec<Error>,
    _lock: File,
}

impl StreamRun {
    /// A new run of `config` on the stream that its data names, in a folder of its own. With `from`, the folder of a finished run, that
    /// run's model goes on learning, and its codes, scales and classes count; else the first rows teach them. Until `stop`
    /// is asked.
    ///
    /// # Errors
    /// Whatever is wrong with a setting, naming it; what is wrong with the stream's beginning, with its line;
    /// [`mtl_core::Error::State`] when the weights of `from` are of another model; as [`RunDir::create`].
    pub fn create(root: &Path, config: RunConfig, from: Option<&Path>, stop: &Stop) -> Result<Self> {
        let (mut config, settings, mut notes) = settled(config, from.is_some())?;
        let csv = csv_of(&config)?;
        notes.extend(unused(csv));
        let opened = open(csv, &settings, stop)?;
        let (opened, mut data, weights) = match from {
            Some(from) => {
                let (data, weights) = taken_over(from, &config)?;
                let words = "goes on learning, with its codes, scales and classes; its optimizer begins anew";
                notes.push(Finding::note("stream", format!("the model of {} {words}", from.display())));
                (opened, data, Some(weights))
            }
            None => {
                let (opened, data, rows) = warmed_up(opened, &settings, &config)?;
                let words = "rows teach codes, scales and classes; they are learned from and not judged";
                notes.push(Finding::note("stream", format!("the first {rows} {words}")));
                (opened, data, None)
            }
        };
        let learner = Learner::new(&config, &data, weights.is_some())?;
        match &weights {
            Some(weights) => learner.model.params().load_tensors(weights)?,
            None => data.labels = learner.tasks.iter().filter_map(|&task| data.labels.get(task).cloned()).collect(),
        }
        let (trainer, stream) = learner.learns(&config, &data, opened, None)?;
        config.device = config.device.recorded();
        let dir = RunDir::create(root, &config, &data)?;
        let lock = dir.lock()?;
        let store = CheckpointStore::open(&dir.checkpoints(), KEEP)?;
        let facts = facts(&config, &trainer, &data);
        let mut logs = RunLogs::create(&dir, &config.log, &facts, &config.to_toml()?)?;
        notes.iter().for_each(|note| logs.event("finding", note));
        let curve = CurveLog::create(&dir.curve())?;
        let sizes = settings.in_batches(config.train.batch_size);
        let mut judge = Judge::new(trainer.model(), &settings, sizes, stream.clone(), curve, store)?;
        // The weights of another run are in no file of this one before its first checkpoint.
        judge.save(&trainer)?;
        Ok(Self { dir, config, trainer, stream, judge, logs, notes, damaged: Vec::new(), _lock: lock })
    }

    /// The run in a folder, from its newest whole checkpoint on: the stream has to be the one that was read up to there. Of the
    /// settings only budgets may have grown.
    ///
    /// # Errors
    /// As [`StreamRun::create`]; [`Error::Checkpoint`] when somebody trains there, when other settings than budgets changed, or
    /// when there is no checkpoint; [`mtl_data::Error::Stream`] for another stream, or one that was cut off.
    pub fn resume(root: &Path, config: RunConfig, stop: &Stop) -> Result<Self> {
        let config = as_recorded(root, config)?;
        let before = RunDir::open(root)?.config()?;
        let goes_on = before.stream.as_ref().is_some_and(|stream| stream.warmup_rows == 0);
        let (mut config, settings, mut notes) = settled(config, goes_on)?;
        let dir = RunDir::may_go_on(root, &config)?;
        let lock = dir.lock()?;
        let data = dir.data()?;
        let store = CheckpointStore::open(&dir.checkpoints(), KEEP)?;
        let nothing =
            || Error::Checkpoint { path: root.to_owned(), reason: "there is no checkpoint to go on from".into() };
        let (checkpoint, damaged) = store.latest()?.ok_or_else(nothing)?;
        let (judged, at) = reached(&checkpoint.stream)?;
        let opened = open(csv_of(&config)?, &settings, stop)?;
        if !opened.can_be_read_again() {
            let words = "lines of the standard input are passed over, since they were learned from";
            notes.push(Finding::note("stream", format!("{} {words}", at.lines)));
        }
        let learner = Learner::new(&config, &data, true)?;
        let (mut trainer, stream) = learner.learns(&config, &data, opened, Some(&at))?;
        config.device = config.device.recorded();
        let dir = RunDir::go_on(dir.root(), &config)?;
        let curve = CurveLog::resume(&dir.curve(), judged)?;
        let sizes = settings.in_batches(config.train.batch_size);
        let mut judge = Judge::new(trainer.model(), &settings, sizes, stream.clone(), curve, store)?;
        judge.resume(&checkpoint.stream)?;
        trainer.resume(checkpoint)?;
        let tasks: Vec<String> = trainer.model().tasks().names().map(ToString::to_string).collect();
        let logs = RunLogs::resume(&dir, &config.log, &tasks, Reached::by(&trainer))?;
        Ok(Self { dir, config, trainer, stream, judge, logs, notes, damaged, _lock: lock })
    }

    /// Judges and learns until the stream ends, `train.steps` are made, or the observer asks to stop; then writes weights and what was
    /// found.
    ///
    /// # Errors
    /// As [`Trainer::fit_online`]; [`Error::Io`].
    pub fn run(
        &mut self,
        observer: &mut dyn Observer,
        watcher: &mut dyn StreamWatcher,
    ) -> Result<(Ending, StreamOutcome)> {
        let Self { trainer, stream, judge, logs, .. } = self;
        let (news, losses) = (judge.news(), judge.losses());
        let telling = Telling { news, stream: Arc::clone(stream), to: RefCell::new((watcher, logs)) };
        let ending = trainer.fit_online(&**stream, judge, &mut (observer, losses, telling))?;
        write_atomic(&self.dir.weights(), &self.trainer.model().params().to_safetensors()?)?;
        let outcome = self.judge.outcome(self.trainer.position().next_batch)?;
        outcome.write(&self.dir)?;
        Ok((ending, outcome))
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// The settings as they are written down there.
    #[must_use]
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// The trainer.
    #[must_use]
    pub fn trainer(&self) -> &Trainer {
        &self.trainer
    }

    /// Rows that were judged so far.
    #[must_use]
    pub fn judged(&self) -> u64 {
        self.judge.rows_judged()
    }

    /// What its user should know before it learns.
    #[must_use]
    pub fn notes(&self) -> &[Finding] {
        &self.notes
    }

    /// The checkpoints that were newer than the one it goes on from, and what is wrong with each.
    #[must_use]
    pub fn damaged(&self) -> &[Error] {
        &self.damaged
    }

    /// What went wrong with those who watch: the run goes on without them.
    pub fn watching_failures(&self) -> impl Iterator<Item = String> {
        let observer = self.trainer.observer_failure().map(|e| format!("{e}; the run went on without it"));
        self.logs.failures().map(|e| format!("{e}; the log is not complete")).chain(observer)
    }
}

/// Tells what the judge has found, and writes the log.
///
/// That is done when the trainer asks whether to go on: after every step, and before a checkpoint that counts it. So the log knows
/// what a checkpoint knows.
struct Telling<'w, 'a> {
    news: Rc<RefCell<News>>,
    stream: Arc<TableStream>,
    to: RefCell<(&'w mut dyn StreamWatcher, &'a mut RunLogs)>,
}

impl Telling<'_, '_> {
    fn tell(&self) {
        let mut to = self.to.borrow_mut();
        let (watcher, logs) = &mut *to;
        for what in self.stream.faults() {
            watcher.passed_over(&what);
        }
        let News { points, drifts } = std::mem::take(&mut *self.news.borrow_mut());
        for drift in drifts {
            logs.event("drift", &drift);
            watcher.drift(&drift.task, drift.row, drift.change);
        }
        points.iter().for_each(|point| watcher.point(point));
    }
}

impl Observer for Telling<'_, '_> {
    fn step(&mut self, step: &StepSummary<'_>) {
        self.to.get_mut().1.step(step);
    }

    fn noticed(&mut self, finding: &Finding) {
        self.to.get_mut().1.noticed(finding);
    }

    fn incident(&mut self, incident: &Incident) {
        self.to.get_mut().1.incident(incident);
    }

    fn flow(&self) -> Flow {
        self.tell();
        Flow::Continue
    }

    fn finished(&mut self) {
        self.tell();
        self.to.get_mut().1.finished();
    }
}

/// The settings of a stream, what follows from others written out; and what is said of that.
fn settled(mut config: RunConfig, goes_on: bool) -> Result<(RunConfig, StreamConfig, Vec<Finding>)> {
    let mut notes = Vec::new();
    let mut settings = config.stream.take().unwrap_or_default().spelled_out(config.train.batch_size);
    match (goes_on, settings.warmup_rows) {
        (true, _) => settings.warmup_rows = 0,
        (false, 0) => {
            let expected = ">= 1 without --from: somebody has to know what codes mean".into();
            return Err(refused("warmup_rows", expected, "0").in_section("stream"));
        }
        (false, _) => {}
    }
    settings.validate(config.train.batch_size).map_err(|e| e.in_section("stream"))?;
    if config.init.is_some() {
        return Err(refused("init", "left out: --from takes over a whole model".into(), "a section").in_section("init"));
    }
    let is_default = config.train.schedule == ScheduleConfig::default();
    if is_default && config.train.schedule.needs_end() && !matches!(config.train.budget(), Budget::Steps(_)) {
        config.train.schedule = ScheduleConfig::Constant(ConstantConfig::default());
        let words = "the learning rate is constant (train.schedule), since nobody knows where the stream ends";
        notes.push(Finding::note("train", words));
    }
    config.stream = Some(settings.clone());
    Ok((config, settings, notes))
}

fn refused(field: &'static str, expected: String, found: &str) -> Error {
    mtl_core::Error::InvalidConfig { what: "stream", field, expected, found: found.into() }.into()
}

/// The table that is a stream.
fn csv_of(config: &RunConfig) -> Result<&CsvFiles> {
    match &config.data {
        DatasetConfig::Csv(csv) => Ok(csv),
        other => Err(refused("kind", "csv: a stream is rows of a table".into(), other.name()).in_section("data")),
    }
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

fn open(csv: &CsvFiles, settings: &StreamConfig, stop: &Stop) -> Result<Opened> {
    let follow = settings.follow.then(|| Follow { idle: settings.idle_seconds.map(Duration::from_secs_f64) });
    Ok(csv.stream(follow, stop.clone())?)
}

/// What is known of data whose codes, scales and classes the first rows of the stream teach; and how many these were.
fn warmed_up(mut opened: Opened, settings: &StreamConfig, config: &RunConfig) -> Result<(Opened, RunData, u64)> {
    let warm = opened.warm_up(settings.warmup_rows, settings.bad_rows)?;
    let cut = Cut { train: Part::whole(warm.rows), validation: Part::whole(0), test: Part::whole(0) };
    let data = Kept {
        settings: config.data.without_places(),
        origin: Origin::Real,
        info: warm.fitted.info()?,
        preprocessing: Some(Preprocessing::Table { format: csv_of(config)?.format, fitted: warm.fitted }),
        provenance: Provenance { files: Vec::new(), cut },
    };
    Ok((opened, RunData { data, labels: warm.labels }, warm.rows))
}

/// What a finished run knows of its data, and its weights.
fn taken_over(from: &Path, config: &RunConfig) -> Result<(RunData, NamedTensors)> {
    let run = RunDir::open(from)?;
    let data = run.data()?;
    let csv = csv_of(config)?;
    let refuse = |reason: &str| Error::Checkpoint { path: from.to_owned(), reason: reason.into() };
    let fitted = data.data.fitted().ok_or_else(|| refuse("was not trained on a table, and a stream is rows of one"))?;
    if *fitted.schema() != csv.schema {
        return Err(refuse("was trained on columns that mean something else than those of [data.schema]"));
    }
    let preprocessing = Some(Preprocessing::Table { format: csv.format, fitted: fitted.clone() });
    let weights = read_weights(&run.weights(), "cannot read weights (has the run finished?)")?;
    let kept = Kept { settings: config.data.without_places(), preprocessing, ..data.data };
    Ok((RunData { data: kept, labels: data.labels }, weights))
}

/// The model of a run, and what its stream has to know of it.
struct Learner {
    model: Model,
    /// The smallest batch that it learns from.
    least: usize,
    /// Where its tasks stand in the schema's list.
    tasks: Vec<usize>,
}

impl Learner {
    /// The model for data; `is_loaded` says that weights come from elsewhere, with what was taken from labels.
    fn new(config: &RunConfig, data: &RunData, is_loaded: bool) -> Result<Self> {
        let info = &data.data.info;
        let plan = ModelPlan::new(config, info)?;
        let place = |name: &str| info.tasks.iter().position(|task| task.name.as_str() == name);
        let tasks: Option<Vec<usize>> = plan.names().into_iter().map(place).collect();
        let restored = || refused("task", "one of the table's columns: a stream restores no inputs".into(), "another");
        let tasks = tasks.ok_or_else(|| restored().in_section("task"))?;
        let device = config.device.apply().map_err(|e| e.in_section("device"))?;
        let own = |&task: &usize| data.labels.get(task).cloned();
        let labels: Vec<LabelStats> = if is_loaded { Vec::new() } else { tasks.iter().filter_map(own).collect() };
        let model = plan.build(&labels, device, config.train.seed)?;
        if config.device.threads.is_none() {
            threads::settle(&model, &plan.inputs, config.train.batch_size);
        }
        let least = model.least_batch(&plan.inputs.example(1)?.to_device(device)?)?;
        Ok(Self { model, least, tasks })
    }

    /// The trainer, and the stream from a position on.
    fn learns(
        self,
        config: &RunConfig,
        data: &RunData,
        opened: Opened,
        start: Option<&StreamPosition>,
    ) -> Result<(Trainer, Arc<TableStream>)> {
        let settings = config.stream.clone().unwrap_or_default();
        let options = StreamOptions {
            batch_size: config.train.batch_size,
            least: self.least,
            bad_rows: settings.bad_rows,
            unknown_labels: settings.unknown_labels,
        };
        let fitted = data.data.fitted().cloned();
        let fitted = fitted.ok_or_else(|| refused("data", "what a table taught".into(), "something else"))?;
        let stream = TableStream::new(opened, fitted, options, start)?.of_tasks(self.tasks);
        Ok((Trainer::new(self.model, &config.balancer, config.train.clone())?, Arc::new(stream)))
    }
}

fn facts(config: &RunConfig, trainer: &Trainer, data: &RunData) -> RunFacts {
    RunFacts::of_model(config, trainer.model(), data.data.origin, (data.data.provenance.cut.train.samples, 0))
}
