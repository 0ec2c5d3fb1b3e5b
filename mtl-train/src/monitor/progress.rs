//! Progress for people: one line a task on a terminal, plain lines elsewhere.
//!
//! ```text
//! census-task-query [=======>        ] 388/1170 0:00:41 eta 0:01:22 24310 samples/s
//!   income   loss 0.1312  weight 1.000  auroc 0.9433
//!   marital  loss 0.0911  weight 1.000  auroc 0.9898
//! ```
//! Losses are running means of the training batches; metrics are the primary ones of the last validation. Where standard
//! error is no terminal (a file, a scheduler's log), the same comes as a line every ten seconds and one an epoch.
//!
//! The bars are an [`Observer`] like any other: the trainer knows nothing of terminals.

use std::{
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use mtl_core::task::TaskSet;

use crate::{
    analysis::inspect::Finding,
    monitor::console::note,
    train::{
        divergence::{Divergence, advice},
        trainer::{Action, Cause, EpochSummary, Incident, LeftOut, Observer, StepSummary},
    },
};

/// Shows a run on standard error.
#[derive(Debug)]
pub struct Progress {
    title: String,
    bars: Option<Bars>,
    last: Instant,
    pace: Pace,
    tasks: Vec<TaskLine>,
    divergence: Divergence,
    incidents: u64,
}

#[derive(Debug)]
struct Bars {
    total: ProgressBar,
    tasks: Vec<ProgressBar>,
}

/// What is known of a task.
#[derive(Debug)]
struct TaskLine {
    name: String,
    smooth: Option<f64>,
    weight: f64,
    /// Name and value of the primary metric of the last validation.
    metric: Option<(String, Option<f64>)>,
}

/// How long the rest will take, by what this process has done so far: a resumed run did not do the steps before it.
#[derive(Debug)]
pub(crate) struct Pace {
    start: Instant,
    first_step: Option<u64>,
}

/// Redrawing more often than people can read costs time.
const REDRAW: Duration = Duration::from_millis(150);
/// Between plain lines inside an epoch.
const PLAIN: Duration = Duration::from_secs(10);
/// Incidents told one by one.
const TOLD: u64 = 5;
/// Weight of the newest loss in the shown average.
pub(crate) const NEW: f64 = 0.05;

impl Pace {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), first_step: None }
    }

    /// Time left after `step` (from 0) of `total_steps`, validations included; `None` before it can be told.
    pub(crate) fn left(&mut self, step: u64, total_steps: u64) -> Option<Duration> {
        let first = *self.first_step.get_or_insert(step);
        left(self.start.elapsed(), step.saturating_sub(first), total_steps.saturating_sub(step + 1))
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn left(elapsed: Duration, done: u64, to_do: u64) -> Option<Duration> {
    if done == 0 {
        return None;
    }
    Duration::try_from_secs_f64(elapsed.as_secs_f64() / done as f64 * to_do as f64).ok()
}

/// `0:07`, `12:30`, `3:05:00`.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

impl Progress {
    /// A display for a run of `total_steps` optimizer steps.
    #[must_use]
    pub fn new(title: &str, tasks: &TaskSet, total_steps: u64) -> Self {
        let names: Vec<String> = tasks.names().map(ToString::to_string).collect();
        let width = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
        let bars = stderr().is_terminal().then(|| {
            let multi = MultiProgress::new();
            let style = ProgressStyle::with_template("{prefix:.bold} [{bar:28}] {pos}/{len} {elapsed} {msg}");
            let total = multi.add(ProgressBar::new(total_steps));
            total.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            total.set_prefix(title.to_owned());
            let line =
                ProgressStyle::with_template("  {prefix} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            let tasks = names.iter().map(|name| {
                let bar = multi.add(ProgressBar::new(0)).with_style(line.clone());
                bar.set_prefix(format!("{name:width$}"));
                bar
            });
            Bars { total, tasks: tasks.collect() }
        });
        let line = |name| TaskLine { name, smooth: None, weight: 1.0, metric: None };
        Self {
            title: title.to_owned(),
            bars,
            last: Instant::now(),
            pace: Pace::new(),
            divergence: Divergence::new(names.len()),
            incidents: 0,
            tasks: names.into_iter().map(line).collect(),
        }
    }

    /// A line above the bars, or by itself.
    fn say(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.total.println(line),
            None => note(line),
        }
    }

    fn plain_step(&mut self, step: u64, total_steps: u64, samples_per_second: f64) -> String {
        let losses: Vec<String> = self.tasks.iter().map(|t| format!("{} {}", t.name, t.loss())).collect();
        let eta = self.pace.left(step, total_steps).map_or_else(String::new, |left| format!("  eta {}", clock(left)));
        let rate = format!("{samples_per_second:.0} samples/s");
        format!("{}  step {}/{total_steps}{eta}  {rate}  loss {}", self.title, step + 1, losses.join("  "))
    }

    fn plain_epoch(&self, epoch: &EpochSummary) -> String {
        let joint = epoch.validation.joint.iter().map(|entry| format!("{} {}", entry.name, show(entry.outcome.value)));
        let scores: Vec<String> =
            self.tasks.iter().filter_map(|t| Some(format!("{} {}", t.name, t.metric()?))).chain(joint).collect();
        // What labels leave undefined was said before the first epoch.
        let lost = LeftOut::list(epoch.left_out.iter().filter(|l| l.because_of == Cause::Answers));
        let lost = if lost.is_empty() { lost } else { format!("  without a value: {lost}") };
        format!(
            "{}  {}  {:.1} s  validation: {}  score {}{}{lost}",
            self.title,
            epoch.title(),
            epoch.seconds,
            scores.join("  "),
            show(epoch.score),
            if epoch.is_best { "  best so far" } else { "" }
        )
    }
}

impl TaskLine {
    fn loss(&self) -> String {
        self.smooth.map_or_else(|| "-".to_owned(), |s| format!("{s:.4}"))
    }

    fn metric(&self) -> Option<String> {
        self.metric.as_ref().map(|(name, value)| format!("{name} {}", show(*value)))
    }

    fn message(&self) -> String {
        let metric = self.metric().map_or_else(String::new, |m| format!("  {m}"));
        format!("loss {}  weight {:.3}{metric}", self.loss(), self.weight)
    }
}

impl Observer for Progress {
    fn step(&mut self, step: &StepSummary<'_>) {
        for (line, task) in self.tasks.iter_mut().zip(&step.report.tasks) {
            line.weight = task.weight;
            if let Some(loss) = task.loss {
                line.smooth = Some(line.smooth.map_or(loss, |s| s + NEW * (loss - s)));
            }
        }
        for (task, loss, far) in self.divergence.hear(step.report) {
            let name = self.tasks.get(task).map_or("", |t| t.name.as_str());
            self.say(&format!(
                "warning: epoch {}, step {}: the loss of task {name} is {loss:.3e} at learning rate {:.1e}, {far:.0} times \
                 its start away: the run diverges; {}",
                step.epoch + 1,
                step.step,
                step.lr,
                advice(step.lr)
            ));
        }
        let pause = if self.bars.is_some() { REDRAW } else { PLAIN };
        let left = self.pace.left(step.step, step.total_steps);
        if self.last.elapsed() < pause {
            return;
        }
        self.last = Instant::now();
        match &self.bars {
            Some(bars) => {
                // A run that goes by the clock learns on the way how long it is.
                bars.total.set_length(step.total_steps);
                bars.total.set_position(step.step + 1);
                let eta = left.map_or_else(|| "?".to_owned(), clock);
                bars.total.set_message(format!("eta {eta}  {:.0} samples/s", step.samples_per_second));
                for (bar, line) in bars.tasks.iter().zip(&self.tasks) {
                    bar.set_message(line.message());
                }
            }
            None => {
                let line = self.plain_step(step.step, step.total_steps, step.samples_per_second);
                note(line);
            }
        }
    }

    fn incident(&mut self, incident: &Incident) {
        self.incidents += 1;
        if self.incidents <= TOLD {
            let did = match incident.action {
                Action::DroppedTask => "the other tasks learned from the batch",
                Action::SkippedStep => "nothing was learned from the batch",
                Action::Stopped => "the run ends",
            };
            let more = if self.incidents == TOLD { "; further ones are in the log only" } else { "" };
            self.say(&format!(
                "warning: epoch {}, step {}: {incident}; {did}{more}",
                incident.epoch + 1,
                incident.step
            ));
        }
    }

    fn noticed(&mut self, finding: &Finding) {
        match &self.bars {
            Some(bars) => bars.total.println(finding.to_string()),
            None => note(finding),
        }
    }

    fn epoch(&mut self, epoch: &EpochSummary) {
        for (line, task) in self.tasks.iter_mut().zip(&epoch.validation.tasks) {
            line.metric = task.metrics.first().map(|m| (m.metric.clone(), m.outcome.value));
        }
        self.say(&self.plain_epoch(epoch));
    }

    fn finished(&mut self) {
        if let Some(bars) = self.bars.take() {
            bars.tasks.iter().for_each(ProgressBar::finish_and_clear);
            bars.total.finish_and_clear();
        }
    }
}

fn show(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".to_owned(), |v| format!("{v:.4}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::task::Task;

    #[test]
    fn times_by_hand() {
        assert_eq!(clock(Duration::from_secs(7)), "0:07");
        assert_eq!(clock(Duration::from_secs(3 * 3600 + 300)), "3:05:00");
        // 10 steps took 5 s, 20 are left.
        assert_eq!(left(Duration::from_secs(5), 10, 20), Some(Duration::from_secs(10)));
        assert_eq!(left(Duration::from_secs(5), 0, 20), None);
    }

    #[test]
    fn plain_lines_tell_losses_metric_and_time_left() {
        let tasks = ["income", "age"].map(|n| Task::new(n).unwrap().judged_by(mtl_metrics::known("auroc").unwrap()));
        let mut progress = Progress::new("run", &TaskSet::new(tasks.to_vec()).unwrap(), 100);
        progress.tasks[0].smooth = Some(0.25);
        assert_eq!(progress.plain_step(0, 100, 512.4), "run  step 1/100  512 samples/s  loss income 0.2500  age -");
        let later = progress.plain_step(50, 100, 512.4);
        assert!(later.contains("step 51/100  eta 0:0"), "{later}");
        progress.tasks[0].metric = Some(("auroc".into(), Some(0.9)));
        progress.tasks[1].metric = Some(("rmse".into(), None));
        assert_eq!(progress.tasks[0].message(), "loss 0.2500  weight 1.000  auroc 0.9000");
        assert_eq!(progress.tasks[1].metric().unwrap(), "rmse undefined");
    }
}
