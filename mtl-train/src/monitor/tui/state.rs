//! What the dashboard knows: filled step by step, read when it is drawn.

use std::time::Duration;

use crate::{
    monitor::progress::{NEW, Pace},
    train::trainer::{EpochSummary, StepSummary},
};

/// Everything that is shown of a run.
#[derive(Debug)]
pub struct Dashboard {
    pub(super) title: String,
    pub(super) tasks: Vec<TaskState>,
    pub(super) step: u64,
    pub(super) total_steps: u64,
    pub(super) epoch: u64,
    pub(super) epochs: Option<u64>,
    pub(super) lr: f64,
    pub(super) samples_per_second: f64,
    pub(super) left: Option<Duration>,
    pub(super) score: Option<f64>,
    pub(super) best_epoch: Option<u64>,
    pub(super) pairs: Vec<Pair>,
    pub(super) is_stopping: bool,
    pace: Pace,
}

/// One task.
#[derive(Debug)]
pub(super) struct TaskState {
    pub(super) name: String,
    /// Running mean of the loss, `(step, loss)`.
    pub(super) losses: Vec<(f64, f64)>,
    pub(super) smooth: Option<f64>,
    pub(super) weight: f64,
    /// Name and value of the primary metric of the last validation, and the value of the one before.
    pub(super) metric: Option<(String, Option<f64>, Option<f64>)>,
}

/// Two tasks and the cosines of their gradients, oldest first.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) name: String,
    tasks: (usize, usize),
    pub(super) cosines: Vec<f64>,
}

/// Points kept of a loss curve; when there are more, every second one goes.
const MOST_POINTS: usize = 2000;
/// Steps kept of the conflict strip: no terminal is wider.
const MOST_COSINES: usize = 512;

impl Dashboard {
    /// A dashboard that knows nothing yet.
    #[must_use]
    pub fn new(title: &str, tasks: &[String], total_steps: u64) -> Self {
        let state = |name: &String| TaskState {
            name: name.clone(),
            losses: Vec::new(),
            smooth: None,
            weight: 1.0,
            metric: None,
        };
        let pairs = (0..tasks.len()).flat_map(|i| (i + 1..tasks.len()).map(move |j| (i, j)));
        let pair = |(i, j): (usize, usize)| Pair {
            name: format!("{} / {}", tasks[i], tasks[j]),
            tasks: (i, j),
            cosines: Vec::new(),
        };
        Self {
            title: title.to_owned(),
            tasks: tasks.iter().map(state).collect(),
            step: 0,
            total_steps,
            epoch: 0,
            epochs: None,
            lr: 0.0,
            samples_per_second: 0.0,
            left: None,
            score: None,
            best_epoch: None,
            pairs: pairs.map(pair).collect(),
            is_stopping: false,
            pace: Pace::new(),
        }
    }

    /// Takes a step in.
    pub fn step(&mut self, s: &StepSummary<'_>) {
        (self.step, self.total_steps, self.epoch) = (s.step + 1, s.total_steps, s.epoch);
        (self.lr, self.samples_per_second) = (s.lr, s.samples_per_second);
        self.left = self.pace.left(s.step, s.total_steps);
        for (state, task) in self.tasks.iter_mut().zip(&s.report.tasks) {
            state.weight = task.weight;
            let Some(loss) = task.loss.filter(|l| l.is_finite()) else { continue };
            let smooth = state.smooth.map_or(loss, |before| before + NEW * (loss - before));
            state.smooth = Some(smooth);
            if state.losses.len() >= MOST_POINTS {
                let mut nth = 0;
                state.losses.retain(|_| {
                    nth += 1;
                    nth % 2 == 0
                });
            }
            state.losses.push((s.step as f64, smooth));
        }
        if let Some(gramian) = &s.report.gramian {
            let row = |task| s.report.active.iter().position(|t| *t == task);
            for pair in &mut self.pairs {
                let (Some(a), Some(b)) = (row(pair.tasks.0), row(pair.tasks.1)) else { continue };
                if pair.cosines.len() >= MOST_COSINES {
                    pair.cosines.drain(..MOST_COSINES / 2);
                }
                pair.cosines.push(gramian.cosine(a, b));
            }
        }
    }

    /// Takes an epoch in.
    pub fn epoch(&mut self, e: &EpochSummary) {
        // Passes are shown; rounds of another length say nothing of how many there will be.
        self.epochs = e.every.is_epoch().then_some(e.epochs);
        self.score = e.score;
        if e.is_best {
            self.best_epoch = Some(e.epoch);
        }
        for (state, task) in self.tasks.iter_mut().zip(&e.validation.tasks) {
            let before = state.metric.take().and_then(|(_, value, _)| value);
            state.metric = task.metrics.first().map(|m| (m.metric.clone(), m.outcome.value, before));
        }
    }

    /// Somebody asked the run to stop.
    pub fn stopping(&mut self) {
        self.is_stopping = true;
    }

    /// The pairs of tasks to show in so many lines: those that disagree most first, in the order of the tasks where equal.
    pub(super) fn worst_pairs(&self, lines: usize) -> Vec<&Pair> {
        let mut seen: Vec<&Pair> = self.pairs.iter().filter(|p| !p.cosines.is_empty()).collect();
        let mean = |p: &Pair| p.cosines.iter().sum::<f64>() / p.cosines.len().max(1) as f64;
        seen.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
        seen.truncate(lines);
        seen
    }
}
