//! Hooks into a run: progress bars, logs and users' own ideas.
//!
//! Observers see and may ask to stop; they change nothing else, so a run's result never depends on who watches it.

use mtl_core::{balance::Conflict, step::StepReport};
use mtl_metrics::MetricReport;
use serde::{Deserialize, Serialize};

/// One optimizer step.
#[derive(Debug)]
pub struct StepSummary<'a> {
    /// The epoch, from 0.
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
    /// Samples per second since the epoch's start, data reading included.
    pub samples_per_second: f64,
}

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochSummary {
    /// The epoch, from 0.
    pub epoch: u64,
    /// How many there will be at most.
    pub epochs: u64,
    /// Optimizer steps so far.
    pub step: u64,
    /// Mean training loss per task over the epoch; `None` for a task that was absent.
    pub train_loss: Vec<Option<f64>>,
    /// Mean balancer weight per task over the epoch's steps.
    pub mean_weight: Vec<f64>,
    /// How the tasks' gradients got along over the steps that had a Gramian; empty without.
    pub conflict: Conflict,
    /// The same per parameter block, over the steps that watched blocks.
    pub blocks: Vec<(String, Conflict)>,
    /// All metrics of all tasks on the validation split.
    pub validation: MetricReport,
    /// What selection goes by.
    pub score: Option<f64>,
    /// Whether this is the best epoch so far.
    pub is_best: bool,
    /// Wall-clock seconds of training (without validation).
    pub seconds: f64,
    /// Training samples per second.
    pub samples_per_second: f64,
}

/// Whether the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Write a checkpoint and stop.
    Stop,
}

/// Someone who watches a run. Every hook does nothing unless overridden.
pub trait Observer {
    /// After each optimizer step.
    fn step(&mut self, _step: &StepSummary<'_>) {}

    /// After each epoch's validation.
    fn epoch(&mut self, _epoch: &EpochSummary) {}

    /// Asked after each step and each epoch.
    fn flow(&self) -> Flow {
        Flow::Continue
    }

    /// When the run has ended, for whatever reason.
    fn finished(&mut self) {}
}

/// Nobody watches.
impl Observer for () {}

impl<O: Observer + ?Sized> Observer for &mut O {
    fn step(&mut self, step: &StepSummary<'_>) {
        (**self).step(step);
    }

    fn epoch(&mut self, epoch: &EpochSummary) {
        (**self).epoch(epoch);
    }

    fn flow(&self) -> Flow {
        (**self).flow()
    }

    fn finished(&mut self) {
        (**self).finished();
    }
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    fn step(&mut self, step: &StepSummary<'_>) {
        self.0.step(step);
        self.1.step(step);
    }

    fn epoch(&mut self, epoch: &EpochSummary) {
        self.0.epoch(epoch);
        self.1.epoch(epoch);
    }

    fn flow(&self) -> Flow {
        if self.0.flow() == Flow::Stop { Flow::Stop } else { self.1.flow() }
    }

    fn finished(&mut self) {
        self.0.finished();
        self.1.finished();
    }
}
