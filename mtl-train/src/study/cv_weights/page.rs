//! The result of a search as a page: `cv_weights.html`.

use mtl_core::metric::Direction;

use super::{Found, text::notes};
use crate::report::{
    Axis, Best, Block, Cell, Column, Details, Document, Heading, KeyValues, LineChart, Marker, Note, NoteKind, Row,
    Series, Table, decimals,
};

/// Weights that name a candidate; of more tasks, candidates have numbers, and their weights a table behind a line.
const IN_NAME: usize = 4;
/// Entries of a list in the open.
const IN_OPEN: usize = 12;

/// Builds the page; nothing but the result goes in.
#[must_use]
pub fn page(found: &Found) -> Document {
    let mut doc = Document::new("Task weights by cross-validation");
    let (n, k) = (found.candidates.len(), found.fold_sizes.len());
    doc.subtitle = format!("{}, {n} weights, {k} folds of the training split", found.dataset);
    for failure in &found.failures {
        doc.push(Note::new(NoteKind::Failure, failure));
    }
    doc.push(Heading::section("Chosen weights"));
    let weights = KeyValues::list(found.tasks.iter().zip(found.weights()).map(|(t, w)| (t.clone(), format!("{w:.3}"))));
    doc.blocks.push(folded("Weights", found.tasks.len(), weights.into()));
    doc.push(Heading::section("Candidates"));
    if found.tasks.len() == 2 {
        doc.push(curve(found));
    }
    doc.push(table(found));
    if found.tasks.len() > IN_NAME {
        doc.push(Details::new("Weights of every candidate", vec![weights_of_all(found).into()]));
    }
    doc.push(Heading::section("Refit"));
    let refit = refit(found);
    doc.blocks.push(folded("Metrics", refit.rows.len(), refit.into()));
    doc
}

/// A long list behind a line.
fn folded(what: &str, n: usize, block: Block) -> Block {
    if n > IN_OPEN { Details::new(format!("{what} ({n})"), vec![block]).into() } else { block }
}

fn weights_of_all(found: &Found) -> Table {
    let row = |at: usize| {
        let weights = found.candidates.get(at)?.weights.iter().map(|w| Cell::number(*w, 3));
        Some(Row::measured((at + 1).to_string(), weights.collect()))
    };
    Table {
        corner: "candidate".into(),
        columns: found.tasks.iter().map(Column::new).collect(),
        rows: found.ranking().into_iter().filter_map(row).collect(),
        ..Table::default()
    }
}

/// The score over the first task's weight, where that says everything; a line per round.
fn curve(found: &Found) -> LineChart {
    let series = found.rounds.iter().enumerate().map(|(round, epochs)| {
        let point = |c: &super::CandidateScores| Some([*c.weights.first()?, c.mean(round)?]);
        let mut points: Vec<[f64; 2]> = found.candidates.iter().filter_map(point).collect();
        points.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let mut series = Series::new(format!("after {epochs} epochs"), points);
        if round + 1 == found.rounds.len()
            && let Some([x, y]) = found.candidates.get(found.chosen).and_then(point)
        {
            series.markers.push(Marker { x, y, label: "chosen".into() });
        }
        series
    });
    LineChart {
        title: "Score by weight".into(),
        caption: "Mean over folds. Later rounds have fewer candidates.".into(),
        x: Axis::new(format!("weight of {}", found.tasks.first().map_or("", String::as_str))),
        y: Axis::new(&found.selection),
        series: series.collect(),
        ..LineChart::default()
    }
}

fn table(found: &Found) -> Table {
    let best = if found.direction == Direction::Maximize { Best::Highest } else { Best::Lowest };
    let mut columns = vec![Column::new("epochs"), Column { best: Some(best), ..Column::new("score") }];
    columns.push(Column { best: Some(Best::Highest), ..Column::new("against equal") });
    columns.extend(
        (1..=found.fold_sizes.len()).map(|f| Column { group: Some("fold".into()), ..Column::new(f.to_string()) }),
    );
    let with_interval = |e: Option<&mtl_metrics::stats::Estimate>| {
        e.map_or(Cell::Missing, |e| {
            // A difference near 0 has the digits of its interval.
            let size = e.mean.abs().max(e.half_width().unwrap_or(0.0));
            Cell::with_spread(e.mean, e.half_width().unwrap_or(f64::NAN), decimals(size))
        })
    };
    let row = |at: usize| {
        let candidate = found.candidates.get(at)?;
        let last = candidate.rounds.last()?;
        let mut cells = vec![
            Cell::Text(last.epochs.to_string()),
            with_interval(last.estimate.as_ref()),
            with_interval(candidate.against_equal.as_ref()),
        ];
        cells.extend(last.folds.iter().map(|score| score.map_or(Cell::Missing, Cell::measured)));
        let weights: Vec<String> = candidate.weights.iter().map(|w| format!("{w:.3}")).collect();
        let chosen = if at == found.chosen { " (chosen)" } else { "" };
        let name = if found.tasks.len() > IN_NAME { (at + 1).to_string() } else { weights.join(" : ") };
        Some(Row::measured(format!("{name}{chosen}"), cells))
    };
    let (caption, corner) = match found.tasks.len() > IN_NAME {
        true => ("Candidates, those that got furthest first".to_owned(), "candidate"),
        false => (format!("Weights of {}, those that got furthest first", found.tasks.join(" : ")), "weights"),
    };
    Table {
        caption,
        corner: corner.into(),
        columns,
        rows: found.ranking().into_iter().filter_map(row).collect(),
        footnotes: notes(found),
    }
}

fn refit(found: &Found) -> Table {
    let mut rows = Vec::new();
    for task in &found.refit.test.tasks {
        for entry in &task.metrics {
            let validation =
                found.refit.validation.as_ref().and_then(|v| v.entry(task.task.as_str(), &entry.metric).ok());
            let cell = |value: Option<f64>| value.map_or(Cell::Missing, Cell::measured);
            let cells = vec![cell(validation.and_then(|e| e.outcome.value)), cell(entry.outcome.value)];
            rows.push(Row::measured(format!("{} {}", task.task, entry.metric), cells));
        }
    }
    Table {
        caption: "The whole training split with the chosen weights".into(),
        corner: "metric".into(),
        columns: vec![Column::new("validation"), Column::new("test")],
        rows,
        footnotes: vec!["The epoch was chosen on validation; this is the only run that saw the test split.".into()],
    }
}
