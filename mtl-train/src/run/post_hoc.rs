//! `post_hoc.json` of a run's folder: what was fitted to the answers of the chosen epoch.
//!
//! ```text
//! validation, or the share of it that chose nothing --answers--> PostHocFits --post_hoc.json--> predict, export
//! test (once)                                       --answers--> verdicts    --metrics.json---> eval, report
//! ```
//! A run whose tasks ask for nothing has no such file, and neither has one of an older version: both answer as the network does.
//!
//! Where validation has chosen the epoch too (`train.calibration_share = 0`), answers on it are a little better than those on new samples, and
//! what promises something of new samples (coverage, a share of errors) promises a little too much. The test split, which neither chose nor
//! fitted, shows by how much. With a share that chose nothing the promise is that of the methods.

use std::{fs, io::ErrorKind, path::Path};

use mtl_core::{
    prediction::{Prediction, Reference},
    task::TaskName,
};
use mtl_data::{Batches, LoaderPosition};
use mtl_metrics::{
    MetricBatch,
    post_hoc::{PostHoc, PostHocConfig, Verdict},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    plan::ModelPlan,
    sealed_json::{Opened, Sealed, this_program},
};
use crate::{
    error::{Error, Result},
    train::{
        checkpoint::write_atomic,
        model::Model,
        trainer::{Recorder, judged},
    },
};

const SEALED: Sealed = Sealed {
    format: "mtl-post-hoc",
    version: 1,
    what: "calibration of a run",
    again: "finish the run again",
    fields: &["share", "tasks"],
};

/// What was fitted to the answers of a run's tasks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostHocFits {
    /// The share of validation that it was fitted on and that chose nothing; 0 means all of validation, which has chosen the epoch too.
    pub share: f64,
    /// The tasks that ask for something, in task order.
    pub tasks: Vec<TaskFit>,
}

/// What was fitted for one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFit {
    /// The task.
    pub task: TaskName,
    /// What was fitted.
    pub fit: PostHoc,
}

/// What fits are worth, as `metrics.json` keeps it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PostHocOutcome {
    /// As [`PostHocFits::share`].
    pub share: f64,
    /// The tasks that ask for something, in task order.
    pub tasks: Vec<TaskOutcome>,
}

/// What the fit of a task is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskOutcome {
    /// The task.
    pub task: TaskName,
    /// What was fitted, in words.
    pub fitted: Vec<String>,
    /// On the samples that it was fitted on.
    pub on_fit: Verdict,
    /// On the test split.
    pub test: Verdict,
}

impl PostHocFits {
    /// Fits what the tasks of a plan ask for to answers; `None` where they ask for nothing.
    ///
    /// # Errors
    /// [`mtl_core::Error`] naming the task and what its answers or labels do not allow.
    pub fn of(plan: &ModelPlan, share: f64, answers: &Answered) -> Result<Option<Self>> {
        if !asks(plan) {
            return Ok(None);
        }
        let mut tasks = Vec::new();
        for (idx, (config, task)) in plan.post_hoc.iter().zip(plan.tasks.names()).enumerate() {
            if config.is_nothing() {
                continue;
            }
            let said = answers.task(idx, task)?;
            let (answer, form) = (&plan.answers[idx], plan.form(idx));
            let fit = config.fit(answer, form.as_ref(), &said.batch(task));
            let fit = fit.map_err(|e| Error::from(e).in_section(format!("task[{idx}]")))?;
            tasks.push(TaskFit { task: task.clone(), fit });
        }
        Ok(Some(Self { share, tasks }))
    }

    /// What was fitted for a task.
    #[must_use]
    pub fn get(&self, task: &TaskName) -> Option<&PostHoc> {
        self.tasks.iter().find(|own| own.task == *task).map(|own| &own.fit)
    }

    /// What the fits are worth on a split, an entry a task that has one.
    ///
    /// # Errors
    /// [`mtl_core::Error`] for answers that were fitted otherwise.
    pub fn judge(&self, plan: &ModelPlan, answers: &Answered) -> Result<Vec<Verdict>> {
        let of = |own: &TaskFit| -> Result<Verdict> {
            let idx = plan.tasks.index_of(own.task.as_str())?;
            // A split without a label of the task judges nothing.
            if answers.tasks.get(idx).is_none_or(Option::is_none) {
                return Ok(Verdict::default());
            }
            let said = answers.task(idx, &own.task)?;
            let (prediction, reference) = &said.rows;
            Ok(own.fit.judge(&plan.answers[idx], prediction, reference, said.weights())?)
        };
        self.tasks.iter().map(of).collect()
    }

    /// Fits and verdicts together.
    #[must_use]
    pub fn outcome(&self, on_fit: Vec<Verdict>, test: Vec<Verdict>) -> PostHocOutcome {
        let verdicts = self.tasks.iter().zip(on_fit).zip(test);
        let tasks = verdicts.map(|((own, on_fit), test)| TaskOutcome {
            task: own.task.clone(),
            fitted: own.fit.describe(),
            on_fit,
            test,
        });
        PostHocOutcome { share: self.share, tasks: tasks.collect() }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let unfit = |e: serde_json::Error| Error::Checkpoint { path: path.to_owned(), reason: e.to_string() };
        let Value::Object(fields) = serde_json::to_value(self).map_err(unfit)? else { return Ok(()) };
        write_atomic(path, SEALED.write(fields, &this_program()).as_bytes())
    }

    /// Reads the file; `None` where there is none. `plan` says what it must fit.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for a file that is damaged or of other tasks; [`Error::Io`] when it cannot be read.
    pub fn read(path: &Path, plan: &ModelPlan) -> Result<Option<Self>> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(path, "cannot read", e)),
        };
        let found = Self::parse(&bytes, plan);
        found.map(Some).map_err(|reason| Error::Checkpoint { path: path.to_owned(), reason })
    }

    fn parse(bytes: &[u8], plan: &ModelPlan) -> std::result::Result<Self, String> {
        let Opened { fields, .. } = SEALED.read(bytes)?;
        let found: Self = serde_json::from_value(Value::Object(fields)).map_err(|e| format!("cannot be used: {e}"))?;
        for own in &found.tasks {
            let unfit = |reason: String| format!("does not fit task {}: {reason}", own.task);
            let idx = plan.tasks.index_of(own.task.as_str()).map_err(|e| unfit(e.to_string()))?;
            own.fit.check(&plan.answers[idx], plan.form(idx).as_ref()).map_err(unfit)?;
        }
        Ok(found)
    }
}

/// Whether any task of a plan asks for something.
#[must_use]
pub fn asks(plan: &ModelPlan) -> bool {
    !plan.post_hoc.iter().all(PostHocConfig::is_nothing)
}

/// What a model says to a split and what is right, of the tasks that ask for something.
#[derive(Debug, Default)]
pub struct Answered {
    tasks: Vec<Option<Kept>>,
    /// The weights of the batch that comes next.
    coming: Option<Vec<f32>>,
    wanted: Vec<bool>,
}

/// The answers of one task.
#[derive(Debug)]
struct Kept {
    rows: (Prediction, Reference),
    /// Empty as long as no batch had weights.
    weights: Vec<f32>,
    /// Answers of one task must have one form to be put together.
    torn: bool,
}

impl Kept {
    fn weights(&self) -> Option<&[f32]> {
        (!self.weights.is_empty()).then_some(self.weights.as_slice())
    }

    fn batch<'a>(&'a self, task: &'a TaskName) -> MetricBatch<'a> {
        let batch = MetricBatch::new(&self.rows.0, &self.rows.1).of_task(task.as_str());
        self.weights().map_or(batch, |weights| batch.with_weights(weights))
    }
}

impl Answered {
    /// Nothing yet, of the tasks that ask for something.
    #[must_use]
    pub fn new(plan: &ModelPlan) -> Self {
        let wanted: Vec<bool> = plan.post_hoc.iter().map(|config| !config.is_nothing()).collect();
        Self { tasks: wanted.iter().map(|_| None).collect(), coming: None, wanted }
    }

    /// What a model says to a split.
    ///
    /// # Errors
    /// As [`Model::predict`]; the data's own errors.
    pub fn read(plan: &ModelPlan, model: &Model, batches: &dyn Batches) -> Result<Self> {
        let mut seen = Self::new(plan);
        for batch in batches.batches_from(LoaderPosition::default())? {
            let batch = batch?.to_device(model.params().device())?;
            judged(model, &batch, |task, facts, prediction, reference| {
                seen.coming = facts.weights().map(<[f32]>::to_vec);
                seen.add(task, prediction, reference);
                Ok(())
            })?;
        }
        Ok(seen)
    }

    fn add(&mut self, task: usize, prediction: &Prediction, reference: &Reference) {
        let weights = self.coming.take();
        let (Some(true), Some(slot)) = (self.wanted.get(task), self.tasks.get_mut(task)) else { return };
        let before = slot.as_ref().map_or(0, |kept| kept.rows.1.batch_size());
        match slot {
            None => {
                *slot = Some(Kept { rows: (prediction.clone(), reference.clone()), weights: Vec::new(), torn: false });
            }
            Some(kept) => kept.torn |= !(kept.rows.0.append(prediction) && kept.rows.1.append(reference)),
        }
        let Some(kept) = slot else { return };
        let n = kept.rows.1.batch_size();
        if weights.is_some() || !kept.weights.is_empty() {
            // A batch without weights beside one that has them.
            kept.weights.resize(before, 1.0);
            kept.weights.extend(weights.unwrap_or_default());
            kept.weights.resize(n, 1.0);
        }
    }

    fn task(&self, idx: usize, task: &TaskName) -> Result<&Kept> {
        let refuse = |found: &str| mtl_core::Error::InvalidConfig {
            what: "post-hoc fit",
            field: "validation",
            expected: format!("samples with labels of task {task}, all answered in one form"),
            found: found.into(),
        };
        match self.tasks.get(idx).and_then(Option::as_ref) {
            None => Err(refuse("none").into()),
            Some(kept) if kept.torn => Err(refuse("several forms").into()),
            Some(kept) => Ok(kept),
        }
    }
}

impl Recorder for Answered {
    fn weighted(&mut self, _task: usize, weights: &[f32]) {
        self.coming = Some(weights.to_vec());
    }

    fn answers(&mut self, task: usize, _ids: &[u64], prediction: &Prediction, reference: &Reference) {
        self.add(task, prediction, reference);
    }
}
