//! How many tasks went: one chart per primary metric instead of one per task.
//!
//! Tasks that share a metric share its axis, with one exception: errors in euros and in days have none in common, and the
//! largest would press all others flat. Where errors are that far apart, each task's stands as a multiple of its first.

use mtl_core::metric::Direction;

use super::{evaluation::quantile, history::History, training::MOST_LINES};
use crate::{
    report::{Axis, Block, Columns, LineChart, Series},
    train::trainer::EpochSummary,
};

/// Errors of tasks that differ by more than this, largest over smallest, are not drawn on one axis.
const FAR_APART: f64 = 10.0;

/// A chart per primary metric: of few tasks a line each; of more the median, the range, and the tasks at both ends.
pub(super) fn curves(history: &History) -> Vec<Block> {
    let Some(first) = history.epochs.first() else { return Vec::new() };
    let mut judged: Vec<Judged<'_>> = Vec::new();
    for (at, task) in first.validation.tasks.iter().enumerate() {
        let Some(entry) = task.metrics.first() else { continue };
        match judged.iter_mut().find(|judged| judged.metric == entry.metric) {
            Some(judged) => judged.tasks.push(at),
            None => {
                judged.push(Judged { history, metric: &entry.metric, direction: entry.direction, tasks: vec![at] });
            }
        }
    }
    vec![Columns::new(judged.iter().map(|judged| judged.chart().into()).collect()).into()]
}

/// The tasks that one metric judges.
struct Judged<'a> {
    history: &'a History,
    metric: &'a str,
    direction: Direction,
    tasks: Vec<usize>,
}

fn value(epoch: &EpochSummary, task: usize) -> Option<f64> {
    epoch.validation.tasks.get(task)?.metrics.first()?.outcome.value
}

impl Judged<'_> {
    /// The first value that a task has.
    fn start(&self, task: usize) -> Option<f64> {
        self.history.epochs.iter().find_map(|epoch| value(epoch, task))
    }

    /// Whether the tasks' errors have no axis in common.
    fn is_far_apart(&self) -> bool {
        let starts: Vec<f64> = self.tasks.iter().filter_map(|task| self.start(*task)).collect();
        let (low, high) = starts.iter().fold((f64::INFINITY, 0.0), |(low, high), x| (x.min(low), x.max(high)));
        self.direction == Direction::Minimize && low > 0.0 && high > FAR_APART * low
    }

    fn chart(&self) -> LineChart {
        let is_relative = self.is_far_apart();
        let drawn = |epoch: &EpochSummary, task: usize| {
            let own = value(epoch, task)?;
            Some(if is_relative { own / self.start(task)? } else { own })
        };
        let (metric, epochs) = (self.metric, &self.history.epochs);
        let line = |task: usize| {
            let name = epochs.first().and_then(|e| e.validation.tasks.get(task)).map(|t| t.task.to_string());
            Series::by_epoch(name.unwrap_or_default(), epochs.iter().map(|e| drawn(e, task)))
        };
        let is_few = self.tasks.len() <= MOST_LINES;
        let series =
            if is_few { self.tasks.iter().map(|task| line(*task)).collect() } else { self.summary(drawn, line) };
        let band = "Band: from the lowest to the highest task; dashed: the tasks that end lowest and highest.";
        let why = "Each task's error as a multiple of its own at the first validation: below 1 is better. In their own units \
                   they have no axis in common.";
        let said = [(is_relative, why), (!is_few, band)].into_iter().filter(|said| said.0).map(|said| said.1);
        let (title, label) = match is_relative {
            true => (
                format!("{metric} on validation, first {} = 1", self.history.noun()),
                format!("{metric}, multiple of the first"),
            ),
            false => (format!("{metric} on validation"), metric.to_owned()),
        };
        LineChart {
            title,
            caption: said.collect::<Vec<_>>().join(" "),
            x: Axis::new(self.history.noun()),
            y: Axis::new(label),
            series,
            ..LineChart::default()
        }
    }

    /// The median with its range, and the tasks that end lowest and highest.
    fn summary(
        &self,
        drawn: impl Fn(&EpochSummary, usize) -> Option<f64>,
        line: impl Fn(usize) -> Series,
    ) -> Vec<Series> {
        let mut median = Series::new(format!("median of {} tasks", self.tasks.len()), Vec::new());
        for epoch in &self.history.epochs {
            let mut values: Vec<f64> = self.tasks.iter().filter_map(|task| drawn(epoch, *task)).collect();
            values.sort_by(f64::total_cmp);
            if let (Some(low), Some(high)) = (values.first(), values.last()) {
                let x = (epoch.epoch + 1) as f64;
                median.points.push([x, quantile(&values, 0.5)]);
                median.band.push([x, *low, *high]);
            }
        }
        let last = self.history.epochs.last();
        let mut by_last: Vec<(usize, f64)> =
            self.tasks.iter().filter_map(|task| Some((*task, drawn(last?, *task)?))).collect();
        by_last.sort_by(|a, b| a.1.total_cmp(&b.1));
        let ends = [by_last.first(), by_last.last()].into_iter().flatten().filter(|_| by_last.len() > 1);
        let ends = ends.map(|(task, _)| Series { dashed: true, ..line(*task) });
        std::iter::once(median).chain(ends).collect()
    }
}
