//! The comparison as a page: `compare.html`.

use mtl_core::metric::Direction;
use mtl_data::Origin;
use mtl_metrics::stats::Estimate;

use super::{
    Comparison, MethodResult,
    text::{decimals, heading, mark, notes},
};
use crate::report::{
    Axis, Bar, BarChart, BarSeries, Best, Cell, Column, Document, Heading, KeyValues, Note, NoteKind, Paragraph,
    RankChart, Row, Table,
};

/// Builds the page; nothing but the comparison goes in.
#[must_use]
pub fn page(comparison: &Comparison) -> Document {
    let mut doc = Document::new("Comparison of methods");
    let origin = match comparison.origin {
        Origin::Real => "real",
        Origin::Synthetic => "synthetic",
    };
    let n = comparison.seeds.len();
    doc.subtitle = format!("{} ({origin}), {n} {}", comparison.dataset, if n == 1 { "seed" } else { "seeds" });
    if comparison.origin == Origin::Synthetic {
        doc.push(Note::new(NoteKind::Caution, "Generated data: no figure here is about real data."));
    }
    if n == 1 {
        doc.push(Note::new(NoteKind::Caution, "One seed: nothing here has an interval, differences may be chance."));
    }
    for failure in &comparison.failures {
        doc.push(Note::new(NoteKind::Failure, failure));
    }
    if let Some(chosen) = &comparison.chosen {
        doc.push(Note::new(NoteKind::Info, format!("Best mean score on validation: {chosen}.")));
    }
    doc.push(Heading::section("Results"));
    doc.push(results(comparison));
    if comparison.methods.iter().any(|method| method.delta_m.is_some()) {
        doc.push(Heading::section("Against single-task networks"));
        doc.push(gains(comparison));
        doc.push(transfers(comparison));
    }
    doc.push(Heading::section("Ranks"));
    match &comparison.ranks {
        Some(test) => {
            let ranked = test.methods.iter().cloned().zip(test.friedman.mean_ranks.iter().copied());
            doc.push(RankChart {
                title: "Mean rank over tasks and seeds".into(),
                caption: format!(
                    "1 is best. Methods under a common bar are not told apart: their ranks differ by less than the critical difference {:.2} (Nemenyi, error rate {}).",
                    test.critical_difference, test.alpha
                ),
                ranks: ranked.collect(),
                critical_difference: test.critical_difference,
            });
        }
        None => doc.push(Paragraph::new(comparison.no_ranks.clone().unwrap_or_default())),
    }
    doc.push(Heading::section("Cost"));
    doc.push(costs(comparison));
    doc.push(Heading::section("How it was done"));
    doc.push(Paragraph::new(
        "Every run had the same training settings; at one seed all methods saw the same batches in the same order. Blocks of the test of ranks are pairs of a task and a seed: it speaks of the noise between seeds on these data, not of other data sets.",
    ));
    let seeds: Vec<String> = comparison.seeds.iter().map(ToString::to_string).collect();
    doc.push(KeyValues::list([
        ("data", comparison.dataset.clone()),
        ("epochs at most", comparison.epochs.to_string()),
        ("batch size", comparison.batch_size.to_string()),
        ("selection", comparison.selection.clone()),
        ("seeds", seeds.join(", ")),
        ("level of intervals", format!("{} %", 100.0 * comparison.level)),
    ]));
    doc
}

fn results(comparison: &Comparison) -> Table {
    let best = |direction| match direction {
        Direction::Maximize => Best::Highest,
        Direction::Minimize => Best::Lowest,
    };
    let mut columns: Vec<Column> = Vec::new();
    for column in &comparison.tasks {
        columns.push(Column { best: Some(best(column.direction)), ..Column::new(heading(column)) });
        columns.push(Column::new(""));
    }
    columns.push(Column { best: Some(Best::Highest), ..Column::new("delta_m, %") });
    columns.push(Column { best: Some(Best::Lowest), ..Column::new("mean rank") });
    columns.push(Column::new("n"));
    let row = |method: &MethodResult| {
        let mut cells = Vec::new();
        for (column, metric) in comparison.tasks.iter().zip(method.primary(&comparison.tasks)) {
            cells.push(metric.and_then(|m| m.estimate.as_ref()).map_or(Cell::Missing, |e| cell(e, decimals(e.mean))));
            cells.push(Cell::Text(mark(method, &column.task).trim().to_owned()));
        }
        cells.push(method.delta_m.as_ref().map_or(Cell::Missing, |d| cell(d, 2)));
        cells.push(method.mean_rank.map_or(Cell::Missing, |rank| Cell::number(rank, 2)));
        cells.push(Cell::Text(method.seeds.len().to_string()));
        Row::measured(&method.name, cells)
    };
    Table {
        caption: "Equal budgets, test split".into(),
        corner: "method".into(),
        columns,
        rows: comparison.methods.iter().map(row).collect(),
        footnotes: notes(comparison),
    }
}

fn cell(estimate: &Estimate, decimals: usize) -> Cell {
    match estimate.half_width() {
        Some(half) => Cell::with_spread(estimate.mean, half, decimals),
        None => Cell::number(estimate.mean, decimals),
    }
}

fn bar(estimate: Option<&Estimate>) -> Bar {
    estimate.map_or(Bar { value: f64::NAN, interval: None }, |e| Bar { value: e.mean, interval: e.interval })
}

fn gains(comparison: &Comparison) -> BarChart {
    let together: Vec<&MethodResult> = comparison.methods.iter().filter(|method| !method.alone).collect();
    BarChart {
        title: "delta_m: mean relative gain over single-task networks".into(),
        caption: "Taken per seed, then averaged; above 0 the tasks help each other.".into(),
        value: Axis { unit: Some("%".into()), ..Axis::new("delta_m") },
        categories: together.iter().map(|method| method.name.clone()).collect(),
        series: vec![BarSeries {
            name: "delta_m".into(),
            bars: together.iter().map(|method| bar(method.delta_m.as_ref())).collect(),
        }],
        baseline: 0.0,
        decimals: 2,
    }
}

fn transfers(comparison: &Comparison) -> BarChart {
    let together: Vec<&MethodResult> = comparison.methods.iter().filter(|method| !method.alone).collect();
    let series = comparison.tasks.iter().map(|column| BarSeries {
        name: format!("{} {}", column.task, column.metric),
        bars: together.iter().map(|m| bar(m.transfer_of(&column.task).map(|t| &t.difference))).collect(),
    });
    BarChart {
        title: "What learning together did to each task".into(),
        caption: "Paired difference to the single-task network of the same seed, in the metric's own unit; right of 0 is better. An interval that excludes 0 on the left is negative transfer.".into(),
        value: Axis::new("difference"),
        categories: together.iter().map(|method| method.name.clone()).collect(),
        series: series.collect(),
        baseline: 0.0,
        decimals: 4,
    }
}

fn costs(comparison: &Comparison) -> Table {
    let lowest = |label: &str| Column { best: Some(Best::Lowest), ..Column::new(label) };
    let row = |method: &MethodResult| {
        #[expect(clippy::cast_precision_loss, reason = "for print")]
        let parameters = Cell::number(method.parameters as f64, 0);
        let cells = vec![
            method.seconds_per_epoch.as_ref().map_or(Cell::Missing, |s| cell(s, 2)),
            method.samples_per_second.map_or(Cell::Missing, |rate| Cell::number(rate, 0)),
            method.peak_memory_mb.map_or(Cell::Missing, |megabytes| Cell::number(megabytes, 0)),
            parameters,
        ];
        Row::measured(&method.name, cells)
    };
    Table {
        caption: "What it costs".into(),
        corner: "method".into(),
        columns: vec![
            lowest("s per epoch"),
            Column { best: Some(Best::Highest), ..Column::new("samples per s") },
            lowest("memory, MB"),
            lowest("parameters"),
        ],
        rows: comparison.methods.iter().map(row).collect(),
        footnotes: vec![
            "Single-task networks: time and parameters of all of them, memory of the largest. Memory is the peak over what the process held before the run.".into(),
        ],
    }
}
