//! TensorBoard event files, written and read without TensorFlow.
//!
//! | tag | when | what |
//! |---|---|---|
//! | `train/T/loss`, `train/T/weight` | each logged step | loss and balancer weight of task `T` |
//! | `train/lr`, `train/gradient_norm`, `train/samples_per_second` | each logged step | |
//! | `conflict/A/B` | each logged step that has a Gramian | cosine of the gradients of tasks `A` and `B` |
//! | `validation/T/METRIC`, `validation/joint/NAME`, `validation/score` | each epoch | metrics on validation |
//! | `epoch`, `epoch/T/train_loss` | each epoch | its number from 1, mean training loss |
//! | `weights/NAME` | each epoch, where asked for | histogram of a parameter |
//! | `config` | once | the configuration, as text |
//!
//! The file is a sequence of TFRecords (`record.rs`), each an `Event` message in the wire format of protocol buffers.
//! A resumed run keeps the events before its checkpoint, byte by byte, and appends to them.

mod crc32c;
mod event;
mod record;
mod wire;

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

pub use event::{Event, Histogram, Value, What};
use tch::{Device, Kind};

use super::{LogConfig, Reached};
use crate::{
    error::{Error, Result},
    train::{
        checkpoint::write_atomic,
        model::Model,
        trainer::{EpochSummary, Observer, StepSummary},
    },
};

/// TensorBoard takes any file of a folder whose name holds `tfevents`; a run has one, so that it can be cut.
const FILE: &str = "events.out.tfevents.0000000000.mtl";
const VERSION: &str = "brain.Event:2";
const BUCKETS: usize = 40;

/// Writes the events.
#[derive(Debug)]
pub struct TensorBoardLog {
    path: PathBuf,
    out: File,
    every: u64,
    histograms: bool,
    tasks: Vec<String>,
    failure: Option<Error>,
}

impl TensorBoardLog {
    /// A new event file in a folder, replacing the one there.
    ///
    /// # Errors
    /// [`Error::Io`] when folder or file cannot be made.
    pub fn create(folder: &Path, config: &LogConfig, tasks: &[String]) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, "cannot make log folder", e))?;
        let path = folder.join(FILE);
        let mut bytes = Vec::new();
        let first = Event { wall_time: now(), step: 0, what: What::Version(VERSION.into()) };
        record::push(&mut bytes, &first.to_bytes());
        write_atomic(&path, &bytes)?;
        Self::open(path, config, tasks)
    }

    /// The event file of an interrupted run, cut back to what its checkpoint reached.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read or written.
    pub fn resume(folder: &Path, config: &LogConfig, tasks: &[String], reached: Reached) -> Result<Self> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Self::create(folder, config, tasks);
        }
        let bytes = fs::read(&path).map_err(|e| Error::io(&path, "cannot read log", e))?;
        write_atomic(&path, &cut(&bytes, reached))?;
        Self::open(path, config, tasks)
    }

    fn open(path: PathBuf, config: &LogConfig, tasks: &[String]) -> Result<Self> {
        let out = OpenOptions::new().append(true).open(&path).map_err(|e| Error::io(&path, "cannot open log", e))?;
        Ok(Self {
            path,
            out,
            every: config.every.max(1),
            histograms: config.histograms,
            tasks: tasks.to_vec(),
            failure: None,
        })
    }

    /// Writes a text, which TensorBoard shows as code.
    pub fn text(&mut self, tag: &str, text: &str) {
        let code: String = text.lines().flat_map(|line| ["    ", line, "\n"]).collect();
        self.write(0, vec![(tag.to_owned(), Value::Text(code))]);
    }

    /// The first failure to write, if there was one.
    #[must_use]
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    fn write(&mut self, step: u64, values: Vec<(String, Value)>) {
        let mut bytes = Vec::new();
        record::push(&mut bytes, &Event { wall_time: now(), step, what: What::Values(values) }.to_bytes());
        if let Err(e) = self.out.write_all(&bytes) {
            self.failure.get_or_insert(Error::io(&self.path, "cannot write log", e));
        }
    }
}

/// The events of a file, up to the first record that is torn or damaged.
///
/// # Errors
/// [`Error::Io`] when it cannot be read.
pub fn read(path: &Path) -> Result<Vec<Event>> {
    let bytes = fs::read(path).map_err(|e| Error::io(path, "cannot read events", e))?;
    Ok(events(&bytes).map(|(event, _)| event).collect())
}

/// Events with the bytes of their records' data.
fn events(bytes: &[u8]) -> impl Iterator<Item = (Event, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (data, after) = record::next(rest)?;
        rest = after;
        Some((Event::parse(data)?, data))
    })
}

/// The records that tell of what the checkpoint knows.
fn cut(bytes: &[u8], reached: Reached) -> Vec<u8> {
    let mut kept = Vec::new();
    for (event, data) in events(bytes) {
        if known(&event, reached) {
            record::push(&mut kept, data);
        }
    }
    kept
}

fn known(event: &Event, reached: Reached) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "epochs are written as f32 too")]
    let epochs = reached.epochs as f32;
    match (&event.what, event.scalar("epoch")) {
        (What::Version(_), _) => true,
        (What::Values(_), Some(epoch)) => epoch <= epochs,
        (What::Values(values), None) => {
            event.step < reached.step || values.iter().any(|(_, value)| matches!(value, Value::Text(_)))
        }
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

#[expect(clippy::cast_possible_truncation, reason = "event files hold f32")]
fn scalar(tag: String, value: f64) -> (String, Value) {
    (tag, Value::Scalar(value as f32))
}

impl Observer for TensorBoardLog {
    fn step(&mut self, s: &StepSummary<'_>) {
        if !s.step.is_multiple_of(self.every) {
            return;
        }
        let mut values = vec![scalar("train/lr".into(), s.lr)];
        values.push(scalar("train/samples_per_second".into(), s.samples_per_second));
        values.extend(s.gradient_norm.map(|norm| scalar("train/gradient_norm".into(), norm)));
        for (name, task) in self.tasks.iter().zip(&s.report.tasks) {
            values.extend(task.loss.map(|loss| scalar(format!("train/{name}/loss"), loss)));
            values.push(scalar(format!("train/{name}/weight"), task.weight));
        }
        if let Some(gramian) = &s.report.gramian {
            for (i, &a) in s.report.active.iter().enumerate() {
                for (j, &b) in s.report.active.iter().enumerate().skip(i + 1) {
                    if let (Some(a), Some(b)) = (self.tasks.get(a), self.tasks.get(b)) {
                        values.push(scalar(format!("conflict/{a}/{b}"), gramian.cosine(i, j)));
                    }
                }
            }
        }
        self.write(s.step, values);
    }

    #[expect(clippy::cast_precision_loss, reason = "epochs are few")]
    fn epoch(&mut self, e: &EpochSummary) {
        let mut values = vec![scalar("epoch".into(), (e.epoch + 1) as f64)];
        values.extend(e.score.map(|score| scalar("validation/score".into(), score)));
        for (name, loss) in self.tasks.iter().zip(&e.train_loss) {
            values.extend(loss.map(|loss| scalar(format!("epoch/{name}/train_loss"), loss)));
        }
        for task in &e.validation.tasks {
            for entry in &task.metrics {
                let tag = || format!("validation/{}/{}", task.task, entry.metric);
                values.extend(entry.outcome.value.map(|value| scalar(tag(), value)));
            }
        }
        for entry in &e.validation.joint {
            // Its name is the user's: `score` has a tag already.
            let tag = || format!("validation/joint/{}", entry.name);
            values.extend(entry.outcome.value.map(|value| scalar(tag(), value)));
        }
        self.write(e.step, values);
    }

    #[expect(clippy::cast_precision_loss, reason = "epochs are few")]
    fn model(&mut self, e: &EpochSummary, model: &Model) {
        if !self.histograms {
            return;
        }
        let mut values = vec![scalar("epoch".into(), (e.epoch + 1) as f64)];
        for param in model.params().params() {
            let flat = param.tensor().f_detach().and_then(|t| t.f_to_device(Device::Cpu));
            let flat = flat.and_then(|t| t.f_to_kind(Kind::Float)).and_then(|t| t.f_reshape([-1]));
            let numbers = flat.and_then(|t| Vec::<f32>::try_from(&t)).unwrap_or_default();
            let tag = format!("weights/{}", param.name());
            values.extend(Histogram::of(&numbers, BUCKETS).map(|histogram| (tag, Value::Histogram(histogram))));
        }
        self.write(e.step, values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{
        balance::Gramian,
        metric::Direction,
        step::{StepReport, TaskStep},
    };
    use mtl_metrics::{JointEntry, JointKind, MetricReport, MetricValue};

    fn tasks() -> Vec<String> {
        vec!["a".into(), "b".into()]
    }

    fn config() -> LogConfig {
        LogConfig { every: 1, tensorboard: true, ..LogConfig::default() }
    }

    fn step(log: &mut TensorBoardLog, step: u64) {
        let task = TaskStep { loss: Some(0.5), count: 1.0, weight: 2.0, clip: 1.0, dropped: None };
        let report = StepReport {
            tasks: vec![task, TaskStep { loss: None, ..task }],
            active: vec![0, 1],
            gramian: Some(Gramian::of_rows(&[[1.0, 0.0], [-1.0, 0.0]])),
            ..StepReport::default()
        };
        log.step(&StepSummary {
            epoch: 0,
            step,
            total_steps: 4,
            lr: 0.125,
            gradient_norm: Some(3.0),
            report: &report,
            samples_per_second: 10.0,
        });
    }

    fn epoch(log: &mut TensorBoardLog, epoch: u64, step: u64) {
        let joint = JointEntry {
            name: "score".into(),
            kind: JointKind::AllCorrect,
            tasks: Vec::new(),
            direction: Direction::Maximize,
            outcome: MetricValue::defined(0.25, 4),
            left_out: 0,
        };
        log.epoch(&EpochSummary {
            every: crate::train::trainer::Every::default(),
            epoch,
            epochs: 2,
            step,
            train_loss: vec![Some(0.5), None],
            mean_weight: vec![1.0, 1.0],
            conflict: mtl_core::balance::Conflict::default(),
            blocks: Vec::new(),
            validation: MetricReport { joint: vec![joint], ..MetricReport::default() },
            score: Some(0.75),
            terms: 1,
            left_out: Vec::new(),
            is_best: true,
            incidents: 0,
            frozen: vec![false; 2],
            seconds: 1.0,
            samples_per_second: 10.0,
        });
    }

    #[test]
    fn steps_and_epochs_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = TensorBoardLog::create(folder.path(), &config(), &tasks()).unwrap();
        log.text("config", "[train]\nseed = 1\n");
        step(&mut log, 0);
        epoch(&mut log, 0, 1);
        assert!(log.failure().is_none());
        let events = read(&folder.path().join(FILE)).unwrap();
        assert_eq!(events[0].what, What::Version(VERSION.into()));
        assert_eq!(events.len(), 4);
        assert_eq!(
            events[1].what,
            What::Values(vec![("config".into(), Value::Text("    [train]\n    seed = 1\n".into()))])
        );
        for (tag, value) in [
            ("train/a/loss", Some(0.5)),
            ("train/b/loss", None),
            ("train/b/weight", Some(2.0)),
            ("conflict/a/b", Some(-1.0)),
            ("train/lr", Some(0.125)),
            ("train/gradient_norm", Some(3.0)),
        ] {
            assert_eq!(events[2].scalar(tag), value, "{tag}");
        }
        assert_eq!((events[3].step, events[3].scalar("validation/score")), (1, Some(0.75)));
        assert_eq!(events[3].scalar("validation/joint/score"), Some(0.25), "beside the score of the epoch");
    }

    #[test]
    fn a_resumed_file_is_that_of_a_run_that_never_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = TensorBoardLog::create(folder.path(), &config(), &tasks()).unwrap();
        log.text("config", "seed = 1");
        for n in 0..3 {
            step(&mut log, n);
        }
        epoch(&mut log, 0, 3);
        step(&mut log, 3);
        drop(log);
        let path = folder.path().join(FILE);
        let whole = fs::read(&path).unwrap();
        for (reached, n_kept) in [
            (Reached { step: 3, epochs: 0 }, 5), // version, text, three steps
            (Reached { step: 3, epochs: 1 }, 6),
            (Reached { step: 2, epochs: 0 }, 4),
            (Reached { step: 4, epochs: 1 }, 7),
        ] {
            let torn = [&whole[..], &whole[..20]].concat();
            fs::write(&path, torn).unwrap();
            drop(TensorBoardLog::resume(folder.path(), &config(), &tasks(), reached).unwrap());
            let kept = fs::read(&path).unwrap();
            assert_eq!(events(&kept).count(), n_kept, "{reached:?}");
            assert!(whole.starts_with(&kept), "what stays is what was, to the byte");
        }
    }
}
