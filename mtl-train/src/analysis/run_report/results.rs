//! What came out, task by task: validation and test, how far off the test figure may be, and what a constant answer gets.
//!
//! A figure alone persuades: an accuracy of 0.94 is nothing when 94 % of the samples have one class. So each stands beside
//! what the best answer without a look at the inputs gets, and where a task is not beyond it the page says so in words.

use mtl_core::{metric::Direction, task::TaskName};
use mtl_metrics::{JointEntry, MetricReport, report::MetricEntry};

use super::{history::History, task_address};
use crate::{
    analysis::intervals::Intervals,
    report::{
        Block, Cell, Column, Details, KeyValue, KeyValueStyle, KeyValues, Note, NoteKind, Row, Table, range, written,
    },
    run::outcome::Outcome,
    train::trainer::Choice,
};

/// More tasks than this are shown by their primary metric, with the others behind a line.
pub(super) const FEW_TASKS: usize = 4;
/// Tasks named in a note.
const NAMED: usize = 6;

/// The metrics on validation of the epoch that counts.
pub(super) fn chosen<'a>(history: &'a History, outcome: Option<&'a Outcome>) -> Option<&'a MetricReport> {
    outcome
        .and_then(|o| o.validation.as_ref())
        .or_else(|| history.best().or(history.epochs.last()).map(|e| &e.validation))
}

/// The figures that matter most: the first tasks, or means over many, and which epoch they are of.
pub(super) fn tiles(history: &History, outcome: Option<&Outcome>, choice: Option<&Choice>) -> KeyValues {
    let mut items = Vec::new();
    let tasks = chosen(history, outcome).map(|r| r.tasks.as_slice()).unwrap_or_default();
    let many = tasks.len() > FEW_TASKS;
    for (t, task) in tasks.iter().enumerate().filter(|_| !many) {
        let Some(primary) = task.metrics.first() else { continue };
        let test = outcome.and_then(|o| o.test.tasks.get(t)).and_then(|t| t.metrics.first());
        items.push(KeyValue {
            key: format!("{}: {}", task.task, primary.metric),
            value: primary.outcome.value.map_or_else(|| "undefined".into(), written),
            remark: match test.map(|t| t.outcome.value.map_or_else(|| "undefined".into(), written)) {
                Some(test) => format!("on validation, test {test}"),
                None => "on validation".into(),
            },
        });
    }
    if many {
        items.push(KeyValue { key: "tasks".into(), value: tasks.len().to_string(), remark: String::new() });
        let intervals = outcome.and_then(|o| o.intervals.as_ref());
        let level = intervals.map_or(0.0, |i| 100.0 * i.level);
        for mean in intervals.into_iter().flat_map(|i| &i.means).take(3) {
            let (Some(value), metric) = (mean.value, &mean.of.metric) else { continue };
            let interval = |ends| format!(", {level:.0} % interval {}", range(value, ends));
            let interval = mean.of.interval.map_or_else(String::new, interval);
            items.push(KeyValue {
                key: format!("mean {metric} on test"),
                value: written(value),
                remark: format!("over {} tasks{interval}", mean.tasks - mean.left_out),
            });
        }
    }
    if let Some(choice) = choice {
        let noun = history.noun();
        let score = choice.score.map_or_else(|| "undefined".into(), written);
        items.push(KeyValue {
            key: match choice.chosen {
                true => format!("chosen {noun}"),
                false => format!("last {noun}, none could be chosen"),
            },
            value: choice.epoch.to_string(),
            remark: format!("of {}, score {score}", choice.epochs),
        });
    }
    KeyValues { items, style: KeyValueStyle::Tiles }
}

/// The tables of results and what must be said about them.
pub(super) fn blocks(history: &History, outcome: Option<&Outcome>) -> Vec<Block> {
    let Some(validation) = chosen(history, outcome) else { return Vec::new() };
    let results = Results { validation, outcome };
    let n = validation.tasks.len();
    let mut blocks: Vec<Block> = results.against_constants().into_iter().collect();
    if n <= FEW_TASKS {
        let every: Vec<usize> = (0..n).collect();
        blocks.push(results.table("Chosen epoch", &every, usize::MAX, false).into());
        return blocks;
    }
    let every: Vec<usize> = (0..n).collect();
    blocks.push(results.table("Chosen epoch, primary metrics", &every, 1, true).into());
    let all = results.table("", &every, usize::MAX, false);
    blocks.push(Details::new(format!("All metrics of {n} tasks"), vec![all.into()]).into());
    blocks
}

/// The table of one task.
pub(super) fn of_task(history: &History, outcome: Option<&Outcome>, task: usize) -> Option<Block> {
    let validation = chosen(history, outcome)?;
    Some(Results { validation, outcome }.table("", &[task], usize::MAX, false).into())
}

struct Results<'a> {
    validation: &'a MetricReport,
    outcome: Option<&'a Outcome>,
}

/// A metric with all that is known of it.
struct Figure<'a> {
    validation: &'a MetricEntry,
    test: Option<&'a MetricEntry>,
    interval: Option<[f64; 2]>,
    constant: Option<&'a MetricEntry>,
}

impl Results<'_> {
    fn intervals(&self) -> Option<&Intervals> {
        self.outcome?.intervals.as_ref()
    }

    fn figure<'a>(&'a self, task: &str, entry: &'a MetricEntry) -> Figure<'a> {
        let of = |report: Option<&'a MetricReport>| report.and_then(|r| r.entry(task, &entry.metric).ok());
        let constants = self.outcome.and_then(|o| o.constant.as_ref());
        Figure {
            validation: entry,
            test: of(self.outcome.map(|o| &o.test)),
            interval: self.intervals().and_then(|i| i.get(task, &entry.metric)?.interval),
            constant: of(constants.map(|c| match self.outcome {
                Some(_) => &c.test,
                None => &c.validation,
            })),
        }
    }

    fn table(&self, caption: &str, tasks: &[usize], most_metrics: usize, linked: bool) -> Table {
        let (has_test, has_intervals) = (self.outcome.is_some(), self.intervals().is_some());
        let has_constants = self.outcome.is_some_and(|o| o.constant.is_some());
        let mut columns = vec![Column::words("metric"), Column::new("validation")];
        let mut footnotes = Vec::new();
        if has_test {
            columns.push(Column::new("test"));
        }
        if let Some(intervals) = self.intervals() {
            columns.push(Column::new(format!("{:.0} % interval", 100.0 * intervals.level)));
            footnotes.push(format!(
                "Interval: how far off the test figure of this model may be because of the {} samples it was tested on ({}). \
                 It says nothing of another seed.",
                intervals.samples,
                intervals.methods()
            ));
        }
        if has_constants {
            columns.push(Column::new("constant answer, test"));
            footnotes.push(
                "Constant answer: what always saying the training labels' shares, mean or median gets, without a look at \
                 the inputs."
                    .into(),
            );
        }
        let cell = |value: Option<f64>| value.map_or(Cell::Missing, Cell::measured);
        let interval = |value: Option<f64>, ends: Option<[f64; 2]>| match (value, ends) {
            (Some(value), Some(ends)) => Cell::Text(range(value, ends)),
            _ => Cell::Missing,
        };
        let (mut rows, mut undefined) = (Vec::new(), Vec::new());
        for (at, task) in tasks.iter().filter_map(|t| Some((*t, self.validation.tasks.get(*t)?))) {
            for (place, entry) in task.metrics.iter().take(most_metrics).enumerate() {
                let figure = self.figure(task.task.as_str(), entry);
                let test = figure.test.and_then(|t| t.outcome.value);
                let mut cells = vec![Cell::Text(entry.metric.clone()), cell(figure.validation.outcome.value)];
                cells.extend(has_test.then(|| cell(test)));
                cells.extend(has_intervals.then(|| interval(test, figure.interval)));
                cells.extend(has_constants.then(|| cell(figure.constant.and_then(|c| c.outcome.value))));
                let name = if place == 0 { task.task.to_string() } else { String::new() };
                let row = Row::measured(name, cells);
                rows.push(if linked { row.linked(task_address(at)) } else { row });
                let on = |split: &str, entry: Option<&MetricEntry>| {
                    let reason = entry?.outcome.undefined.as_ref()?;
                    Some(format!("{}.{} is undefined on {split}: {reason}", task.task, entry?.metric))
                };
                undefined.extend(on("test", figure.test).or_else(|| on("validation", Some(entry))));
            }
        }
        if most_metrics > 1 && tasks.len() == self.validation.tasks.len() {
            for entry in &self.validation.joint {
                rows.push(self.joint_row(entry, has_intervals, has_constants, &mut footnotes));
            }
        }
        // Of many tasks a few: every task's own table says why.
        let more = undefined.len().saturating_sub(NAMED);
        footnotes.extend(undefined.into_iter().take(NAMED).map(|words| format!("{words}.")));
        if more > 0 {
            footnotes.push(format!("{more} more are undefined; the tables of their tasks say why."));
        }
        if tasks.len() > 1 {
            rows.extend(self.means(has_intervals, has_constants));
        }
        Table { caption: caption.into(), corner: "task".into(), columns, rows, footnotes }
    }

    /// A metric over several tasks, and what is to be said of it.
    fn joint_row(&self, entry: &JointEntry, intervals: bool, constants: bool, footnotes: &mut Vec<String>) -> Row {
        let of = |report: &MetricReport| report.joint(&entry.name).ok().and_then(|e| e.outcome.value);
        let cell = |value: Option<f64>| value.map_or(Cell::Missing, Cell::measured);
        let mut cells = vec![Cell::Text(entry.name.clone()), cell(entry.outcome.value)];
        let test = self.outcome.and_then(|o| o.test.joint(&entry.name).ok());
        if self.outcome.is_some() {
            cells.push(cell(test.and_then(|e| e.outcome.value)));
        }
        if intervals {
            let ends = self.intervals().and_then(|i| i.joint(&entry.name)?.interval);
            let value = test.and_then(|e| e.outcome.value);
            cells.push(value.zip(ends).map_or(Cell::Missing, |(value, ends)| Cell::Text(range(value, ends))));
        }
        if constants {
            cells.push(cell(self.outcome.and_then(|o| o.constant.as_ref()).and_then(|c| of(&c.test))));
        }
        let tasks: Vec<&str> = entry.tasks.iter().map(TaskName::as_str).collect();
        let counted = test.unwrap_or(entry);
        let mut words = format!("{}: share of samples that are right in all of {}", entry.name, tasks.join(", "));
        if counted.left_out > 0 {
            words += &format!("; {} that are not labeled in all of them are left out", counted.left_out);
        }
        footnotes.push(format!("{words}."));
        Row::measured(tasks.join(" + "), cells)
    }

    /// Means over the tasks that are judged by one metric.
    fn means(&self, has_intervals: bool, has_constants: bool) -> Vec<Row> {
        let cell = |value: Option<f64>| value.map_or(Cell::Missing, Cell::measured);
        let row = |mean: &crate::analysis::intervals::MeanInterval| {
            let mut cells = vec![Cell::Text(mean.of.metric.clone()), cell(mean.validation), cell(mean.value)];
            if has_intervals {
                let ends = mean.value.zip(mean.of.interval);
                cells.push(ends.map_or(Cell::Missing, |(value, ends)| Cell::Text(range(value, ends))));
            }
            if has_constants {
                cells.push(cell(mean.constant));
            }
            Row::measured(format!("mean of {} tasks", mean.tasks - mean.left_out), cells)
        };
        self.intervals().map(|i| i.means.iter().map(row).collect()).unwrap_or_default()
    }

    /// Which tasks are not beyond a constant answer on test, by their primary metric.
    fn against_constants(&self) -> Option<Block> {
        self.outcome?.constant.as_ref()?;
        let (mut worse, mut alike) = (Vec::new(), Vec::new());
        let n = self.validation.tasks.len();
        for task in &self.validation.tasks {
            let Some(entry) = task.metrics.first() else { continue };
            let figure = self.figure(task.task.as_str(), entry);
            let value = |entry: Option<&MetricEntry>| entry.and_then(|e| e.outcome.value);
            let (Some(ours), Some(constant)) = (value(figure.test), value(figure.constant)) else { continue };
            let words = format!("{} ({} {}, constant {})", task.task, entry.metric, written(ours), written(constant));
            let inside = figure.interval.is_some_and(|[low, high]| (low..=high).contains(&constant));
            let better = match entry.direction {
                Direction::Maximize => ours > constant,
                Direction::Minimize => ours < constant,
            };
            if inside {
                alike.push(words);
            } else if !better {
                worse.push(words);
            }
        }
        let list = |tasks: &[String]| {
            let more = tasks.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}{more}", tasks.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "))
        };
        // Of many tasks their number counts more than their names.
        let how_many = |tasks: &[String]| match n > FEW_TASKS {
            true => format!(" ({} of {n} tasks)", tasks.len()),
            false => String::new(),
        };
        let mut sentences = Vec::new();
        if !worse.is_empty() {
            sentences.push(format!("On test no better than a constant answer{}: {}.", how_many(&worse), list(&worse)));
        }
        if !alike.is_empty() {
            let how_many = how_many(&alike);
            sentences.push(format!("Not told apart from a constant answer on test{how_many}: {}.", list(&alike)));
        }
        (!sentences.is_empty()).then(|| Note::new(NoteKind::Caution, sentences.join(" ")).into())
    }
}
