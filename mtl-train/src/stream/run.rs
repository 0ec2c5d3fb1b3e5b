//! A run of a stream: created, resumed, run.
//!
//! ```text
//! nothing --create--> config.toml, data.json, log.jsonl, curve.jsonl, a checkpoint --run--> checkpoints/, curve.jsonl
//!                          ^____________________ resume: killed, stopped, or the stream has grown ____|
//!                                                                            whenever it ends: model.safetensors, stream.json
//! ```
//! Whenever it ends or is stopped, weights and findings are written: `mtl predict` and `mtl export` take such a folder as any other.

use std::{cell::RefCell, fs::File, path::Path, rc::Rc, sync::Arc};

use mtl_data::table::stream::{Stop, TableStream};

use super::{
    StreamOutcome,
    curve::{CurveLog, Point},
    drift::Change,
    judge::{Judge, News, Reached as Judged, probe, reached},
    ready::Ready,
    settings::Settled,
};
use crate::{
    analysis::inspect::Finding,
    config::RunConfig,
    error::{Error, Result},
    monitor::runlog::{Reached, RunFacts, RunLogs},
    run::{dir::RunDir, life::as_recorded},
    train::{
        checkpoint::{CheckpointStore, write_atomic},
        trainer::{Ending, Flow, Incident, Observer, Online, StepSummary, Trainer},
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

    /// Something in the rows that their user should know: what was passed over, the first of its sort, with its line.
    fn noticed(&mut self, finding: &Finding);
}

/// Nobody watches.
impl StreamWatcher for () {
    fn point(&mut self, _point: &Point) {}

    fn drift(&mut self, _task: &str, _row: u64, _change: Change) {}

    fn noticed(&mut self, _finding: &Finding) {}
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
    /// is asked. Everything that can be wrong with the settings is found before the folder is made.
    ///
    /// # Errors
    /// Whatever is wrong with a setting, naming it; what is wrong with the stream's beginning, with its line;
    /// [`mtl_core::Error::State`] when the weights of `from` are of another model; as [`RunDir::create`].
    pub fn create(root: &Path, config: RunConfig, from: Option<&Path>, stop: &Stop) -> Result<Self> {
        let Ready { mut settled, data, trainer, stream } = ready(Settled::of(config, from.is_some())?, from, stop)?;
        settled.config.device = settled.config.device.recorded(1);
        let Settled { config, stream: settings, notes } = settled;
        let dir = RunDir::create(root, &config, &data)?;
        let lock = dir.lock()?;
        let store = CheckpointStore::open(&dir.checkpoints(), KEEP)?;
        let samples = (data.data.provenance.cut.train.samples, 0);
        let facts = RunFacts::of_model(&config, trainer.model(), data.data.origin, samples, 1);
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
        let settled = Settled::of(config, goes_on)?;
        let dir = RunDir::may_go_on(root, &settled.config)?;
        let lock = dir.lock()?;
        let data = dir.data()?;
        let store = CheckpointStore::open(&dir.checkpoints(), KEEP)?;
        let nothing =
            || Error::Checkpoint { path: root.to_owned(), reason: "there is no checkpoint to go on from".into() };
        let (checkpoint, damaged) = store.latest()?.ok_or_else(nothing)?;
        let Judged { judged, points, at } = reached(&checkpoint.stream)?;
        let Ready { mut settled, mut trainer, stream, .. } = Ready::again(settled, data, &at, stop)?;
        settled.config.device = settled.config.device.recorded(1);
        let Settled { config, stream: settings, mut notes } = settled;
        let dir = RunDir::go_on(dir.root(), &config)?;
        let (curve, kept) = CurveLog::resume(&dir.curve(), judged)?;
        if kept < points {
            let words =
                format!("{kept} of the {points} points up to here are left; the others were judged and are lost");
            notes.push(Finding::warning(dir.curve().display().to_string(), words));
        }
        let sizes = settings.in_batches(config.train.batch_size);
        let mut judge = Judge::new(trainer.model(), &settings, sizes, stream.clone(), curve, store)?;
        judge.resume(&checkpoint.stream, &at)?;
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
        self.logs.watching_failures(&self.trainer)
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
        for finding in self.stream.findings() {
            logs.event("finding", &finding);
            watcher.noticed(&finding);
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
        if self.stream.is_stopped() { Flow::Stop } else { Flow::Continue }
    }

    fn finished(&mut self) {
        self.tell();
        self.to.get_mut().1.finished();
    }
}

/// A run that could start: everything but its folder.
fn ready(settled: Settled, from: Option<&Path>, stop: &Stop) -> Result<Ready> {
    let Some(from) = from else {
        let settings = settled.stream.clone();
        let (ready, first) = Ready::warmed_up(settled, stop)?;
        let model = ready.trainer.model();
        probe(model, &settings, &first.to_device(model.params().device())?)?;
        return Ok(ready);
    };
    Ready::from_run(settled, from, stop)
}

/// What is to be said of a configuration before it runs: its settings, its first rows, a batch of them through the model; no file is
/// written. Of the standard input nothing is read.
///
/// # Errors
/// As [`StreamRun::create`].
pub fn examine(config: RunConfig) -> Result<Vec<Finding>> {
    let mut settled = Settled::of(config, false)?;
    if settled.csv()?.train.is_standard_input() {
        settled.notes.push(Finding::note("stream", "the standard input was not read: settings alone were looked at"));
        return Ok(settled.notes);
    }
    // Nor is a file waited for that has fewer rows than it is to have.
    settled.stream.follow = false;
    Ok(ready(settled, None, &Stop::default())?.settled.notes)
}
