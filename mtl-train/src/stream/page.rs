//! The report of a stream: its curve, drawn from the files of its run alone.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
};

use mtl_metrics::report::MetricEntry;
use serde_json::Value;

use super::{
    curve::{Point, TaskPoint},
    judge::Drift,
    outcome::StreamOutcome,
};
use crate::{
    analysis::run_report::History,
    config::RunConfig,
    error::{Error, Result},
    report::{
        Axis, Block, Cell, Column, Columns, Details, Document, Heading, KeyValues, LineChart, Marker, Note, NoteKind,
        Row, Series, Table, count,
    },
    run::dir::RunDir,
    train::checkpoint::write_atomic,
};

/// Points that are read of a curve: a chart shows no more.
const MOST_POINTS: usize = 1600;
/// Changes that are listed.
const MOST_DRIFTS: usize = 50;

/// Writes the report of a run of a stream, from its folder.
///
/// # Errors
/// [`Error::Io`] when a file cannot be read or the page not be written.
pub fn write_page(dir: &RunDir) -> Result<PathBuf> {
    let config = dir.config()?;
    let log = File::open(dir.log()).map_err(|e| Error::io(dir.log(), "cannot read log", e))?;
    let log = BufReader::new(log).lines().map_while(std::result::Result::ok);
    let drifts = log.filter(|line| line.contains("\"drift\"")).filter_map(|line| {
        let value: Value = serde_json::from_str(&line).ok()?;
        (value["type"] == "drift").then(|| serde_json::from_value(value).ok()).flatten()
    });
    let page = Page {
        history: History::read(&dir.log())?,
        points: Point::read(&dir.curve(), MOST_POINTS)?,
        drifts: drifts.collect(),
        outcome: StreamOutcome::read(dir)?,
        config,
    };
    let name = dir.root().file_name().map_or_else(|| "Stream".into(), |name| name.to_string_lossy().into_owned());
    write_atomic(&dir.report(), page.document(&name).to_html().as_bytes())?;
    Ok(dir.report())
}

struct Page {
    history: History,
    points: Vec<Point>,
    drifts: Vec<Drift>,
    outcome: Option<StreamOutcome>,
    config: RunConfig,
}

impl Page {
    fn document(&self, name: &str) -> Document {
        let mut doc = Document::new(name);
        let rows = self.outcome.as_ref().map_or_else(|| self.points.last().map_or(0, |p| p.rows), |found| found.rows);
        let (sharing, balancer) = (self.config.sharing.name(), self.config.balancer.name());
        doc.subtitle = format!("stream \u{b7} {sharing} \u{b7} {balancer} \u{b7} {} rows learned", count(rows));
        let window = self.config.stream.as_ref().and_then(|stream| stream.window).unwrap_or(0);
        doc.push(Note::new(
            NoteKind::Info,
            format!(
                "Every row was judged before it was learned from. Metrics are over the last {} rows; losses are means over the \
                 steps between two points, each before its batch was learned.",
                count(window)
            ),
        ));
        match &self.outcome {
            Some(found) => {
                doc.push(Heading::section("Results"));
                doc.push(results(found));
                doc.push(KeyValues::list([
                    ("rows judged", count(found.judged)),
                    ("lines read", count(found.lines)),
                    ("rows left out", count(found.passed.bad_rows)),
                    ("unknown labels", count(found.passed.unknown_labels)),
                    ("unknown categories", count(found.passed.unknown_categories)),
                    ("changes noticed", count(found.drifts)),
                ]));
            }
            None => doc
                .push(Note::new(NoteKind::Caution, "This stream has not ended, nor was it stopped: it may still run.")),
        }
        doc.push(Heading::section("Curve"));
        doc.blocks.extend(self.curves());
        if !self.drifts.is_empty() {
            doc.push(Heading::section("Changes noticed"));
            doc.push(self.changes());
        }
        doc.push(Heading::section("Environment"));
        let facts = &self.history.facts;
        doc.push(KeyValues::list([
            ("program", format!("mtl {}", facts.version)),
            ("platform", facts.platform.clone()),
            ("device", format!("{}, threads inside operations: {}", facts.device, facts.threads)),
            ("seed", facts.seed.to_string()),
            ("parameters", count(facts.parameters as u64)),
        ]));
        doc
    }

    /// Loss and metrics of every task over the rows; the primary metrics in the open.
    fn curves(&self) -> Vec<Block> {
        let (mut open, mut further) = (Vec::new(), Vec::new());
        let n_tasks = self.points.first().map_or(0, |point| point.tasks.len());
        for task in 0..n_tasks {
            let Some(first) = self.points.first().and_then(|point| point.tasks.get(task)) else { continue };
            for (at, entry) in first.window.iter().enumerate() {
                let value = |entries: &[MetricEntry]| entries.get(at).and_then(|entry| entry.outcome.value);
                let mut series = vec![self.series("last rows", task, |of| value(&of.window))];
                if !first.fading.is_empty() {
                    let fading = self.series("fading", task, |of| value(&of.fading));
                    series.push(Series { dashed: true, ..fading });
                }
                let chart = self.chart(format!("{}: {}", first.task, entry.metric), &entry.metric, &first.task, series);
                if at == 0 { open.push(chart) } else { further.push(chart) }
            }
            let loss = self.series("between two points", task, |of| of.loss);
            open.push(self.chart(format!("{}: loss before learning", first.task), "loss", &first.task, vec![loss]));
        }
        let mut blocks = vec![Block::from(Columns::new(open))];
        if !further.is_empty() {
            blocks.push(Details::new("Further metrics", vec![Columns::new(further).into()]).into());
        }
        blocks
    }

    fn series(&self, name: &str, task: usize, value: impl Fn(&TaskPoint) -> Option<f64>) -> Series {
        let value = |point: &Point| point.tasks.get(task).and_then(&value).unwrap_or(f64::NAN);
        Series::new(name, self.points.iter().map(|point| [point.rows as f64, value(point)]).collect())
    }

    /// A chart over the rows, with the task's changes on its first line.
    fn chart(&self, title: String, y: &str, task: &str, mut series: Vec<Series>) -> Block {
        if let Some(line) = series.first_mut() {
            let own = self.drifts.iter().filter(|drift| drift.task == task).take(MOST_DRIFTS);
            line.markers = own
                .filter_map(|drift| {
                    let x = drift.row as f64;
                    let y = line.points.iter().find(|[at, _]| *at >= x)?[1];
                    Some(Marker { x, y, label: "change noticed".into() })
                })
                .collect();
        }
        LineChart { title, x: Axis::new("row"), y: Axis::new(y), series, ..LineChart::default() }.into()
    }

    fn changes(&self) -> Table {
        let cells = |drift: &Drift| {
            let row = Cell::number(drift.row as f64, 0);
            Row::measured(
                drift.task.clone(),
                vec![row, Cell::measured(drift.change.before), Cell::measured(drift.change.after)],
            )
        };
        Table {
            corner: "task".into(),
            columns: vec![Column::new("row"), Column::new("loss before"), Column::new("loss after")],
            rows: self.drifts.iter().take(MOST_DRIFTS).map(cells).collect(),
            ..Table::default()
        }
    }
}

/// The last values of every metric.
fn results(found: &StreamOutcome) -> Table {
    let value = |value: Option<f64>| Cell::measured(value.unwrap_or(f64::NAN));
    let mut rows = Vec::new();
    for (task, report) in found.window.tasks.iter().enumerate() {
        for (at, entry) in report.metrics.iter().enumerate() {
            let faded = found.fading.as_ref().and_then(|faded| faded.tasks.get(task)?.metrics.get(at)?.outcome.value);
            let mut cells = vec![value(entry.outcome.value)];
            if found.fading.is_some() {
                cells.push(value(faded));
            }
            rows.push(Row::measured(format!("{} {}", report.task, entry.metric), cells));
        }
    }
    let mut columns = vec![Column::new("last rows")];
    if found.fading.is_some() {
        columns.push(Column::new("fading"));
    }
    Table { corner: "task, metric".into(), columns, rows, ..Table::default() }
}
