//! Hooks into a run: progress bars, logs and users' own ideas.
//!
//! Observers see and may ask to stop; they change nothing else, so a run's result never depends on who watches it. An
//! observer that panics is switched off ([`Guarded`]): nobody loses a night's training to a broken plot.
//!
//! | hook | when |
//! |---|---|
//! | [`started`](Observer::started) | before the first step, new or resumed |
//! | [`step`](Observer::step) | after each optimizer step |
//! | [`noticed`](Observer::noticed) | when something about the run is not as its user may think: before the first step, when selection leaves metrics out; after it, when losses are of very different size |
//! | [`incident`](Observer::incident) | when a loss or gradient was not finite and the policy went on |
//! | [`epoch`](Observer::epoch) | after each validation |
//! | [`model`](Observer::model) | after that, with the model as it is then, for those who look at parameters |
//! | [`frozen`](Observer::frozen) | when a task stops improving and is frozen |
//! | [`saved`](Observer::saved) | when a checkpoint has been written |
//! | [`flow`](Observer::flow) | after each step: go on or stop? |
//! | [`finished`](Observer::finished) | when the run has ended, for whatever reason |

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use mtl_core::{balance::Conflict, step::StepReport, task::TaskName};
use mtl_metrics::MetricReport;
use serde::{Deserialize, Serialize};

use super::{Every, Incident, LeftOut};
use crate::{analysis::inspect::Finding, train::model::Model};

/// One optimizer step.
#[derive(Debug)]
pub struct StepSummary<'a> {
    /// The pass over the training data, from 0.
    pub epoch: u64,
    /// The step, from 0, over the whole run.
    pub step: u64,
    /// How many there will be.
    pub total_steps: u64,
    /// Learning rate of the step.
    pub lr: f64,
    /// 2-norm of all gradients before clipping; `None` when nothing was learned.
    pub gradient_norm: Option<f64>,
    /// What the engine says.
    pub report: &'a StepReport,
    /// Samples per second since the round's start, data reading included.
    pub samples_per_second: f64,
}

/// One round: what lies between two validations, an epoch unless `train.validate_every` says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochSummary {
    /// Its number, from 0.
    pub epoch: u64,
    /// How many there will be at most.
    pub epochs: u64,
    /// How long it is.
    #[serde(default, skip_serializing_if = "Every::is_epoch")]
    pub every: Every,
    /// Optimizer steps so far.
    pub step: u64,
    /// Mean training loss per task over the round; `None` for a task that was absent.
    pub train_loss: Vec<Option<f64>>,
    /// Mean balancer weight per task over the round's steps.
    pub mean_weight: Vec<f64>,
    /// How the tasks' gradients got along over the steps that had a Gramian; empty without.
    pub conflict: Conflict,
    /// The same per parameter block, over the steps that watched blocks.
    pub blocks: Vec<(String, Conflict)>,
    /// All metrics of all tasks on the validation split.
    pub validation: MetricReport,
    /// What selection goes by; `None` when no metric in it has a value.
    pub score: Option<f64>,
    /// Metrics that selection asks for, those without a value included.
    #[serde(default)]
    pub terms: usize,
    /// Those without a value, the labels' fault first: these have no part in any epoch's score.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// Whether this is the best epoch so far.
    pub is_best: bool,
    /// Steps so far in which a loss or gradient was not finite.
    pub incidents: u64,
    /// Whether each task is frozen from now on.
    pub frozen: Vec<bool>,
    /// Wall-clock seconds of training (without validation).
    pub seconds: f64,
    /// Training samples per second.
    pub samples_per_second: f64,
}

impl EpochSummary {
    /// Which one it is, for people: `epoch 3/10`, or `validation 3/40 after step 1500`.
    #[must_use]
    pub fn title(&self) -> String {
        let Self { epoch, epochs, step, .. } = self;
        match self.every.is_epoch() {
            true => format!("epoch {}/{epochs}", epoch + 1),
            false => format!("{} {}/{epochs} after step {step}", self.every.noun(), epoch + 1),
        }
    }
}

/// Whether the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Write a checkpoint and stop.
    Stop,
}

/// Someone who watches a run. Every hook does nothing unless overridden; the essay of the module says when they are called.
pub trait Observer {
    /// The run begins, or goes on, at that optimizer step.
    fn started(&mut self, _step: u64) {}

    /// An optimizer step has been made.
    fn step(&mut self, _step: &StepSummary<'_>) {}

    /// Something about the run that its user should know.
    fn noticed(&mut self, _finding: &Finding) {}

    /// A loss or gradient was not finite, and the policy went on without it.
    fn incident(&mut self, _incident: &Incident) {}

    /// A round has been validated.
    fn epoch(&mut self, _epoch: &EpochSummary) {}

    /// The model after the epoch just reported.
    fn model(&mut self, _epoch: &EpochSummary, _model: &Model) {}

    /// A task is frozen from now on.
    fn frozen(&mut self, _task: &TaskName, _epoch: u64) {}

    /// A checkpoint has been written.
    fn saved(&mut self, _path: &Path) {}

    /// Whether to go on; asked after each step and each epoch.
    fn flow(&self) -> Flow {
        Flow::Continue
    }

    /// The run has ended.
    fn finished(&mut self) {}
}

/// Nobody watches.
impl Observer for () {}

/// Passes every hook on to one or more observers.
macro_rules! forward {
    ($($to:tt),+) => {
        fn started(&mut self, step: u64) {
            $( forward!(@ self $to).started(step); )+
        }
        fn step(&mut self, step: &StepSummary<'_>) {
            $( forward!(@ self $to).step(step); )+
        }
        fn noticed(&mut self, finding: &Finding) {
            $( forward!(@ self $to).noticed(finding); )+
        }
        fn incident(&mut self, incident: &Incident) {
            $( forward!(@ self $to).incident(incident); )+
        }
        fn epoch(&mut self, epoch: &EpochSummary) {
            $( forward!(@ self $to).epoch(epoch); )+
        }
        fn model(&mut self, epoch: &EpochSummary, model: &Model) {
            $( forward!(@ self $to).model(epoch, model); )+
        }
        fn frozen(&mut self, task: &TaskName, epoch: u64) {
            $( forward!(@ self $to).frozen(task, epoch); )+
        }
        fn saved(&mut self, path: &Path) {
            $( forward!(@ self $to).saved(path); )+
        }
        fn flow(&self) -> Flow {
            if [$( forward!(@ self $to).flow() ),+].contains(&Flow::Stop) { Flow::Stop } else { Flow::Continue }
        }
        fn finished(&mut self) {
            $( forward!(@ self $to).finished(); )+
        }
    };
    (@ $me:ident inner) => { (**$me) };
    (@ $me:ident $index:tt) => { $me.$index };
}

impl<O: Observer + ?Sized> Observer for &mut O {
    forward!(inner);
}

impl<O: Observer + ?Sized> Observer for Box<O> {
    forward!(inner);
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    forward!(0, 1);
}

impl<A: Observer, B: Observer, C: Observer> Observer for (A, B, C) {
    forward!(0, 1, 2);
}

impl<A: Observer, B: Observer, C: Observer, D: Observer> Observer for (A, B, C, D) {
    forward!(0, 1, 2, 3);
}

/// An observer whose panics end with itself: after the first it hears nothing more, and the run goes on.
#[derive(Debug)]
pub struct Guarded<O> {
    observer: O,
    failure: Option<String>,
}

impl<O: Observer> Guarded<O> {
    /// Guards an observer.
    pub fn new(observer: O) -> Self {
        Self { observer, failure: None }
    }

    /// What it said when it panicked.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    fn call(&mut self, hook: &str, call: impl FnOnce(&mut O)) {
        if self.failure.is_none()
            // The observer is not used again, so whatever state the panic has left it in is seen by nobody.
            && let Err(panic) = catch_unwind(AssertUnwindSafe(|| call(&mut self.observer)))
        {
            self.failure = Some(format!("observer panicked in {hook}: {}", message(panic.as_ref())));
        }
    }
}

impl<O: Observer> Observer for Guarded<O> {
    fn started(&mut self, step: u64) {
        self.call("started", |o| o.started(step));
    }

    fn step(&mut self, step: &StepSummary<'_>) {
        self.call("step", |o| o.step(step));
    }

    fn noticed(&mut self, finding: &Finding) {
        self.call("noticed", |o| o.noticed(finding));
    }

    fn incident(&mut self, incident: &Incident) {
        self.call("incident", |o| o.incident(incident));
    }

    fn epoch(&mut self, epoch: &EpochSummary) {
        self.call("epoch", |o| o.epoch(epoch));
    }

    fn model(&mut self, epoch: &EpochSummary, model: &Model) {
        self.call("model", |o| o.model(epoch, model));
    }

    fn frozen(&mut self, task: &TaskName, epoch: u64) {
        self.call("frozen", |o| o.frozen(task, epoch));
    }

    fn saved(&mut self, path: &Path) {
        self.call("saved", |o| o.saved(path));
    }

    fn flow(&self) -> Flow {
        // A question cannot switch the observer off; one that panics has no say.
        match self.failure {
            None => catch_unwind(AssertUnwindSafe(|| self.observer.flow())).unwrap_or(Flow::Continue),
            Some(_) => Flow::Continue,
        }
    }

    fn finished(&mut self) {
        self.call("finished", O::finished);
    }
}

/// The words of a panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "no message",
    }
}
