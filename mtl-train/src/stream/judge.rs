//! Who judges a stream: metrics of the last rows, fading metrics, detectors of drift, the curve; and what of it is saved.

use std::{cell::RefCell, path::PathBuf, rc::Rc, sync::Arc};

use mtl_core::{
    batch::Batch,
    metric::MetricName,
    state::{StateDict, StateValue},
};
use mtl_data::{
    LoaderPosition,
    table::stream::{Passed, StreamPosition, TableStream},
};
use mtl_metrics::{
    MetricReport, MetricSet,
    aggregate::{Fading, Windowed},
};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{
    StreamConfig, StreamOutcome,
    config::InBatches,
    curve::{CurveLog, Point, TaskPoint},
    drift::{Change, Detector},
};
use crate::{
    error::{Error, Result},
    parts::metrics::registry,
    train::{
        checkpoint::{Checkpoint, CheckpointStore},
        model::Model,
        trainer::{Observer, Online, StepSummary, Trainer, judged},
    },
};

/// What the steps said of losses, for the judge who is not told of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses(Rc<RefCell<Option<OfStep>>>);

/// A step's number, and the loss of each task where it had a finite one.
type OfStep = (u64, Vec<Option<f64>>);

impl Observer for Losses {
    fn step(&mut self, step: &StepSummary<'_>) {
        let losses = step.report.tasks.iter().map(|task| task.loss.filter(|loss| loss.is_finite())).collect();
        *self.0.borrow_mut() = Some((step.step, losses));
    }
}

/// A change that was noticed: a `drift` line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Drift {
    pub(super) task: String,
    /// Optimizer step.
    pub(super) step: u64,
    /// Rows of the stream that were learned from by then.
    pub(super) row: u64,
    #[serde(flatten)]
    pub(super) change: Change,
}

/// Judges a stream.
#[derive(Debug)]
pub(super) struct Judge {
    stream: Arc<TableStream>,
    sizes: InBatches,
    tasks: Vec<String>,
    /// The name of each task's primary metric.
    primary: Vec<Option<String>>,
    window: Windowed,
    fading: Option<Fading>,
    detectors: Vec<Box<dyn Detector>>,
    losses: Losses,
    seen: Seen,
    curve: CurveLog,
    store: CheckpointStore,
    /// Points and drifts that were not told yet.
    news: Rc<RefCell<News>>,
    /// Rounds that ended, until the next step.
    rounds: Vec<(u64, Vec<f64>)>,
    /// Batches that the newest checkpoint knows as learned.
    saved: u64,
}

/// What a run of a stream has to tell.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) points: Vec<Point>,
    pub(super) drifts: Vec<Drift>,
}

/// How far judging got.
#[derive(Debug, Clone, Default, PartialEq)]
struct Seen {
    /// Batches that were judged or passed over for being of the warm-up.
    batches: u64,
    /// Rows that were judged.
    rows: u64,
    /// Batches in the newest block.
    in_block: u64,
    points: u64,
    drifts: u64,
    /// Sum and number of each task's losses since the last point.
    losses: Vec<[f64; 2]>,
}

impl Judge {
    pub(super) fn new(
        model: &Model,
        config: &StreamConfig,
        sizes: InBatches,
        stream: Arc<TableStream>,
        curve: CurveLog,
        store: CheckpointStore,
    ) -> Result<Self> {
        let metrics = metrics_of(model)?;
        let tasks: Vec<String> = model.tasks().names().map(ToString::to_string).collect();
        let n = tasks.len();
        let fading = config.fading.map(|factor| Fading::new(metrics.clone(), factor)).transpose();
        let blocks = usize::try_from(sizes.blocks).unwrap_or(usize::MAX);
        Ok(Self {
            stream,
            sizes,
            tasks,
            primary: model.tasks().iter().map(|task| Some(task.primary.as_ref()?.name().to_string())).collect(),
            window: Windowed::new(metrics, blocks)?,
            fading: fading.map_err(|e| Error::from(e).in_section("stream"))?,
            detectors: config.drift.iter().flat_map(|drift| (0..n).map(|_| drift.build())).collect(),
            losses: Losses::default(),
            seen: Seen { losses: vec![[0.0; 2]; n], ..Seen::default() },
            curve,
            store,
            news: Rc::default(),
            rounds: Vec::new(),
            saved: 0,
        })
    }

    /// Hears of losses, beside the other observers.
    pub(super) fn losses(&self) -> Losses {
        self.losses.clone()
    }

    /// What there is to tell, which whoever tells it takes out.
    pub(super) fn news(&self) -> Rc<RefCell<News>> {
        Rc::clone(&self.news)
    }

    pub(super) fn rows_judged(&self) -> u64 {
        self.seen.rows
    }

    /// What was found so far by a trainer.
    ///
    /// # Errors
    /// As [`Windowed::compute`].
    pub(super) fn outcome(&self, learned: u64) -> Result<StreamOutcome> {
        let at = self.stream.counts(learned).unwrap_or_default();
        Ok(StreamOutcome {
            rows: at.rows,
            lines: at.lines,
            judged: self.seen.rows,
            passed: at.passed,
            window: self.window.compute()?,
            fading: self.fading.as_ref().map(Fading::compute),
            drifts: self.seen.drifts,
        })
    }

    fn point(&mut self, rows: u64, passed: Passed) -> Result<()> {
        let window = self.window.compute()?;
        let fading = self.fading.as_ref().map(Fading::compute);
        let value = |(task, metric): (usize, &Option<String>)| {
            metric.as_ref().and_then(|metric| window.value(task, metric)).unwrap_or(f64::NAN)
        };
        let kpis: Vec<f64> = self.primary.iter().enumerate().map(value).collect();
        let of =
            |report: &MetricReport, task: usize| report.tasks.get(task).map_or_else(Vec::new, |t| t.metrics.clone());
        let tasks = self.tasks.iter().zip(&mut self.seen.losses).enumerate().map(|(idx, (task, loss))| {
            let [sum, n] = std::mem::take(loss);
            TaskPoint {
                task: task.clone(),
                loss: (n > 0.0).then(|| sum / n),
                window: of(&window, idx),
                fading: fading.as_ref().map_or_else(Vec::new, |report| of(report, idx)),
            }
        });
        let tasks = tasks.collect();
        let point = Point { rows, judged: self.seen.rows, tasks, joint: window.joint, passed };
        self.curve.write(&point)?;
        self.rounds.push((self.seen.points, kpis));
        self.seen.points += 1;
        self.news.borrow_mut().points.push(point);
        Ok(())
    }

    fn watch(&mut self, learned: u64) {
        let Some((step, losses)) = self.losses.0.borrow_mut().take() else { return };
        for (task, loss) in losses.into_iter().enumerate() {
            let Some(loss) = loss else { continue };
            if let Some([sum, n]) = self.seen.losses.get_mut(task) {
                *sum += loss;
                *n += 1.0;
            }
            let Some(change) = self.detectors.get_mut(task).and_then(|detector| detector.see(loss)) else { continue };
            self.seen.drifts += 1;
            let row = self.stream.counts(learned).map_or(0, |at| at.rows);
            let task = self.tasks.get(task).cloned().unwrap_or_default();
            self.news.borrow_mut().drifts.push(Drift { task, step, row, change });
        }
    }

    fn state(&self, position: &StreamPosition) -> Result<StateDict> {
        let json = serde_json::to_vec(position)
            .map_err(|e| Error::Checkpoint { path: "position in the stream".into(), reason: e.to_string() })?;
        let bytes = |bytes: &[u8]| StateValue::Tensor(Tensor::from_slice(bytes));
        let mut state = StateDict::new()
            .with("position", bytes(&json))
            .with("window", bytes(&self.window.state()?))
            .with("losses", StateValue::Numbers(self.seen.losses.as_flattened().to_vec()));
        for (name, count) in self.seen.counts() {
            state.insert(name, StateValue::Count(count));
        }
        if let Some(fading) = &self.fading {
            state.insert("fading", bytes(&fading.state()?));
        }
        for (detector, task) in self.detectors.iter().zip(&self.tasks) {
            state.insert(&format!("drift.{task}"), StateValue::Numbers(detector.state()));
        }
        Ok(state)
    }

    /// Goes back to where a checkpoint was made.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] or [`mtl_core::Error::State`] when it is none of such a stream.
    pub(super) fn resume(&mut self, state: &StateDict, at: &StreamPosition) -> Result<()> {
        self.saved = at.batches;
        self.window.load_state(&bytes_of(state, "window")?)?;
        if let Some(fading) = &mut self.fading {
            fading.load_state(&bytes_of(state, "fading")?)?;
        }
        for (detector, task) in self.detectors.iter_mut().zip(&self.tasks) {
            let name = format!("drift.{task}");
            let saved = state.iter().find_map(|(known, value)| match value {
                StateValue::Numbers(numbers) if known == name => Some(numbers.as_slice()),
                _ => None,
            });
            detector.load_state(saved.unwrap_or_default())?;
        }
        let losses = state.numbers(STATE, "losses", 2 * self.tasks.len())?;
        let count = |name| state.count(STATE, name);
        self.seen = Seen {
            batches: count("batches")?,
            rows: count("rows")?,
            in_block: count("in_block")?,
            points: count("points")?,
            drifts: count("drifts")?,
            losses: losses.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect(),
        };
        Ok(())
    }
}

impl Seen {
    fn counts(&self) -> [(&'static str, u64); 5] {
        let Self { batches, rows, in_block, points, drifts, .. } = self;
        [("batches", *batches), ("rows", *rows), ("in_block", *in_block), ("points", *points), ("drifts", *drifts)]
    }
}

/// What errors call the state of a stream.
const STATE: &str = "stream";

fn bytes_of(state: &StateDict, name: &str) -> Result<Vec<u8>> {
    let tensor = state.tensor(STATE, name)?;
    Ok(Vec::try_from(tensor).map_err(mtl_core::Error::from)?)
}

/// How far a checkpoint's stream got.
pub(super) struct Reached {
    /// Rows that were judged.
    pub(super) judged: u64,
    /// Points of the curve.
    pub(super) points: u64,
    /// Where it stands.
    pub(super) at: StreamPosition,
}

/// How far a checkpoint's stream got.
///
/// # Errors
/// [`Error::Checkpoint`] for a checkpoint that is none of a stream.
pub(super) fn reached(state: &StateDict) -> Result<Reached> {
    if state.is_empty() {
        let reason = "is none of a stream: it was written by mtl train".into();
        return Err(Error::Checkpoint { path: "checkpoint".into(), reason });
    }
    let at = serde_json::from_slice(&bytes_of(state, "position")?)
        .map_err(|e| Error::Checkpoint { path: "position in the stream".into(), reason: e.to_string() })?;
    Ok(Reached { judged: state.count(STATE, "rows")?, points: state.count(STATE, "points")?, at })
}

/// Whether all metrics can judge a batch, which is on the model's device: what they refuse is not to be found out after many.
///
/// # Errors
/// What a metric refuses, by its name.
pub(super) fn probe(model: &Model, config: &StreamConfig, batch: &Batch) -> Result<()> {
    let mut metrics = metrics_of(model)?;
    let fading = config.fading.map(|factor| Fading::new(metrics.clone(), factor)).transpose();
    let mut fading = fading.map_err(|e| Error::from(e).in_section("stream"))?;
    judged(model, batch, |task_idx, facts, prediction, reference| {
        let judged = facts.judged(&batch.ids, prediction, reference);
        metrics.update_batch(task_idx, &judged)?;
        if let Some(fading) = &mut fading {
            let faded = fading.update_batch(task_idx, &judged, batch.len(), facts.weights());
            faded.map_err(|e| Error::from(e).in_section("stream.fading"))?;
        }
        Ok(())
    })
}

/// The primary metric of each task and what its section names beside it; and those over several tasks.
fn metrics_of(model: &Model) -> Result<MetricSet> {
    let names = model.tasks().iter().map(|task| {
        let mut names: Vec<MetricName> = task.primary.iter().map(|metric| metric.name().clone()).collect();
        for metric in &task.also {
            if !names.contains(metric.name()) {
                names.push(metric.name().clone());
            }
        }
        names
    });
    let set = MetricSet::of(&registry(), model.tasks(), &names.collect::<Vec<_>>())?.answering(&model.answers())?;
    Ok(set.jointly(model.joint())?)
}

impl Online for Judge {
    fn delay(&self) -> usize {
        usize::try_from(self.sizes.delay).unwrap_or(usize::MAX)
    }

    fn judged(&self) -> u64 {
        self.seen.batches
    }

    fn judge(&mut self, model: &Model, batch: &Batch) -> Result<()> {
        self.seen.batches += 1;
        if self.seen.batches <= self.sizes.warmup {
            return Ok(());
        }
        if self.seen.in_block == self.sizes.every {
            self.window.begin_block();
            self.seen.in_block = 0;
        }
        let Self { window, fading, .. } = self;
        judged(model, batch, |task_idx, facts, prediction, reference| {
            let judged = facts.judged(&batch.ids, prediction, reference);
            window.update_batch(task_idx, &judged)?;
            if let Some(fading) = fading.as_mut() {
                fading.update_batch(task_idx, &judged, batch.len(), facts.weights())?;
            }
            Ok(())
        })?;
        if let Some(fading) = &mut self.fading {
            fading.passed(batch.len() as u64);
        }
        self.seen.rows += batch.len() as u64;
        self.seen.in_block += 1;
        match self.seen.in_block == self.sizes.every {
            true => {
                let at = self.stream.counts(self.seen.batches).unwrap_or_default();
                self.point(at.rows, at.passed)
            }
            false => Ok(()),
        }
    }

    fn stepped(&mut self, learned: u64) -> Result<Vec<(u64, Vec<f64>)>> {
        self.watch(learned);
        self.stream.forget(learned);
        Ok(std::mem::take(&mut self.rounds))
    }

    fn is_due(&self, learned: u64) -> bool {
        // A step may be of several batches.
        learned / self.sizes.checkpoint > self.saved / self.sizes.checkpoint
    }

    fn save(&mut self, trainer: &Trainer) -> Result<PathBuf> {
        let LoaderPosition { next_batch, .. } = trainer.position();
        let position = self.stream.position(next_batch).ok_or_else(|| Error::Checkpoint {
            path: "position in the stream".into(),
            reason: format!("batch {next_batch} was not read"),
        })?;
        let checkpoint = Checkpoint { stream: self.state(&position)?, ..trainer.checkpoint()? };
        // A checkpoint that is there after a failure of the machine has its curve.
        self.curve.sync()?;
        let path = self.store.save(trainer.step(), &checkpoint)?;
        self.stream.forget(next_batch);
        self.saved = next_batch;
        Ok(path)
    }
}
