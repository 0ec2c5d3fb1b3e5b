//! Progress for people: one line a task on a terminal, plain lines elsewhere.
//!
//! The bars are an [`Observer`] like any other: the trainer knows nothing of terminals.

use std::{
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use mtl_core::task::TaskSet;

use crate::trainer::{EpochSummary, Observer, StepSummary};

/// Shows a run on standard error.
#[derive(Debug)]
pub struct Progress {
    title: String,
    bars: Option<Bars>,
    last: Instant,
    smooth: Vec<Option<f64>>,
    names: Vec<String>,
}

#[derive(Debug)]
struct Bars {
    total: ProgressBar,
    tasks: Vec<ProgressBar>,
}

/// Redrawing more often than people can read costs time.
const REDRAW: Duration = Duration::from_millis(150);
/// Between plain lines inside an epoch.
const PLAIN: Duration = Duration::from_secs(10);
/// Weight of the newest loss in the shown average.
const NEW: f64 = 0.05;

impl Progress {
    /// A display for a run of `total_steps` optimizer steps.
    #[must_use]
    pub fn new(title: &str, tasks: &TaskSet, total_steps: u64) -> Self {
        let names: Vec<String> = tasks.names().map(ToString::to_string).collect();
        let width = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
        let bars = stderr().is_terminal().then(|| {
            let multi = MultiProgress::new();
            let style = ProgressStyle::with_template("{prefix:.bold} [{bar:28}] {pos}/{len} {elapsed} eta {eta} {msg}");
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
        Self { title: title.to_owned(), bars, last: Instant::now(), smooth: vec![None; names.len()], names }
    }

    fn losses(&self) -> impl Iterator<Item = String> {
        self.smooth.iter().map(|s| s.map_or_else(|| "-".to_owned(), |s| format!("{s:.4}")))
    }
}

impl Observer for Progress {
    fn step(&mut self, step: &StepSummary<'_>) {
        for (slot, task) in self.smooth.iter_mut().zip(&step.report.tasks) {
            if let Some(loss) = task.loss {
                *slot = Some(slot.map_or(loss, |s| s + NEW * (loss - s)));
            }
        }
        let pause = if self.bars.is_some() { REDRAW } else { PLAIN };
        if self.last.elapsed() < pause {
            return;
        }
        self.last = Instant::now();
        match &self.bars {
            Some(bars) => {
                bars.total.set_position(step.step + 1);
                bars.total.set_message(format!("{:.0} samples/s", step.samples_per_second));
                for ((bar, loss), task) in bars.tasks.iter().zip(self.losses()).zip(&step.report.tasks) {
                    bar.set_message(format!("loss {loss}  weight {:.3}", task.weight));
                }
            }
            None => {
                let losses: Vec<String> =
                    self.names.iter().zip(self.losses()).map(|(n, l)| format!("{n} {l}")).collect();
                let StepSummary { step, total_steps, samples_per_second, .. } = step;
                let rate = format!("{samples_per_second:.0} samples/s");
                note(&format!("{}  step {}/{total_steps}  {rate}  loss {}", self.title, step + 1, losses.join("  ")));
            }
        }
    }

    fn epoch(&mut self, epoch: &EpochSummary) {
        let scores: Vec<String> = epoch
            .validation
            .tasks
            .iter()
            .filter_map(|t| t.metrics.first().map(|m| format!("{} {} {}", t.task, m.metric, show(m.outcome.value))))
            .collect();
        let best = if epoch.is_best { "  best so far" } else { "" };
        let line = format!(
            "{}  epoch {}/{}  {:.1} s  validation: {}  score {}{best}",
            self.title,
            epoch.epoch + 1,
            epoch.epochs,
            epoch.seconds,
            scores.join("  "),
            show(epoch.score)
        );
        match &self.bars {
            Some(bars) => bars.total.println(line),
            None => note(&line),
        }
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

#[expect(clippy::print_stderr, reason = "this is the terminal display")]
fn note(line: &str) {
    eprintln!("{line}");
}
