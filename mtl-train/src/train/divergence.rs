//! A run that diverges: how it is noticed while its losses are still numbers, and what to try.
//!
//! ```text
//! start = mean loss of the first 20 steps          now = running mean, weight 0.05 for the newest
//! diverges:  now - start > 100 max(|start|, 1e-3)
//! ```
//! A loss that far above its start is not learned any more; a few steps later it is usually NaN. Losses may be negative
//! (a likelihood), so the distance from the start counts, not the ratio. A task is named once.

use mtl_core::step::StepReport;

/// Steps that make up the start.
const START: u32 = 20;
/// So many times the start's size is far from it.
const FAR: f64 = 100.0;
/// The size that a start is taken to have at least: a task that is solved at once is not diverging at a loss of 1e-6.
const LEAST: f64 = 1e-3;
/// Weight of the newest loss.
const NEW: f64 = 0.05;

/// What to write against a divergence at that learning rate: a tenth of it, and clipping.
#[must_use]
pub fn advice(lr: f64) -> String {
    let tenth = lr / 10.0;
    // Two digits: a scheduled rate has sixteen.
    let tenth = format!("{tenth:.1e}").parse().unwrap_or(tenth);
    format!("try --set train.optimizer.lr={tenth} or --set train.clip_norm=1")
}

/// Watches the losses of all tasks.
#[derive(Debug, Clone)]
pub struct Divergence {
    tasks: Vec<Task>,
}

#[derive(Debug, Clone, Default)]
struct Task {
    steps: u32,
    start: f64,
    now: f64,
    is_told: bool,
}

impl Divergence {
    /// A watch over so many tasks.
    #[must_use]
    pub fn new(n_tasks: usize) -> Self {
        Self { tasks: vec![Task::default(); n_tasks] }
    }

    /// Hears of a step; gives the tasks that begin to diverge in it, with their loss and how far it is from the start.
    pub fn hear(&mut self, report: &StepReport) -> Vec<(usize, f64, f64)> {
        let heard = self.tasks.iter_mut().zip(&report.tasks).enumerate();
        heard.filter_map(|(idx, (task, said))| task.hear(said.loss?).map(|far| (idx, task.now, far))).collect()
    }
}

impl Task {
    fn hear(&mut self, loss: f64) -> Option<f64> {
        if self.steps < START {
            self.steps += 1;
            self.start += (loss - self.start) / f64::from(self.steps);
            self.now = self.start;
            return None;
        }
        self.now += NEW * (loss - self.now);
        let far = (self.now - self.start) / self.start.abs().max(LEAST);
        // Not a number is not far either: that is an incident.
        let diverges = !self.is_told && far > FAR;
        self.is_told |= diverges;
        diverges.then_some(far)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(losses: impl Iterator<Item = f64>) -> usize {
        let mut task = Task::default();
        losses.filter(|loss| task.hear(*loss).is_some()).count()
    }

    #[test]
    fn only_what_leaves_its_start_for_good_diverges() {
        let start = || std::iter::repeat_n(2.0, 20);
        assert_eq!(told(start().chain((0..60).map(|i| 2.0 * 1.5f64.powi(i)))), 1, "grows by half a step, told once");
        assert_eq!(told(start().chain([500.0, 2.0, 2.0, 2.0])), 0, "one bad batch");
        assert_eq!(told((0..300).map(|i| 0.97f64.powi(i))), 0, "learns");
        assert_eq!(told(std::iter::repeat_n(1e-9, 20).chain([1e-5; 200])), 0, "solved");
        assert_eq!(told(std::iter::repeat_n(-1.0, 20).chain([300.0; 50])), 1, "a likelihood");
    }

    #[test]
    fn the_advice_can_be_typed() {
        assert_eq!(advice(0.5), "try --set train.optimizer.lr=0.05 or --set train.clip_norm=1");
        assert_eq!(advice(3e-3), "try --set train.optimizer.lr=0.0003 or --set train.clip_norm=1");
    }
}
