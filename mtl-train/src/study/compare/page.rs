//! The comparison as a page: `compare.html`.
//!
//! The verdict comes first, then what every method is in two figures (delta_m and mean rank), then tasks. Differences of tasks
//! are drawn in percent of the single-task value, because no axis shows an AUROC and an error in euros at once; each task has
//! a panel of its own, and of many tasks those that gain and lose most, with all of them in a map behind a line.

use mtl_core::metric::Direction;
use mtl_data::Origin;
use mtl_metrics::stats::Estimate;

use super::{
    Comparison, MethodResult, TaskColumn,
    text::{ahead_and_behind, heading, mark, notes},
    verdict::Verdict,
};
use crate::report::{
    Axis, Bar, BarChart, BarSeries, Best, Block, Cell, Column, Columns, Details, Document, Heading, HeatMap, KeyValues,
    Note, NoteKind, Palette, Paragraph, RankChart, Row, Table, decimals,
};

/// Tasks whose results stand in the main table; more get a table each, behind a line.
const IN_TABLE: usize = 4;
/// Tasks that have a panel each in the open.
const PANELS: usize = 12;

/// Builds the page; nothing but the comparison goes in.
#[must_use]
pub fn page(comparison: &Comparison) -> Document {
    let mut doc = Document::new("Comparison of methods");
    let origin = match comparison.origin {
        Origin::Real => "real",
        Origin::Synthetic => "synthetic",
    };
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    doc.subtitle = format!(
        "{} ({origin}), {}, {}, {}",
        comparison.dataset,
        count(comparison.tasks.len(), "task"),
        count(comparison.methods.len(), "method"),
        count(comparison.seeds.len(), "seed")
    );
    doc.push(Verdict::of(comparison).note());
    if comparison.origin == Origin::Synthetic {
        doc.push(Note::new(NoteKind::Caution, "Generated data: no figure here is about real data."));
    }
    if comparison.seeds.len() == 1 {
        doc.push(Note::new(NoteKind::Caution, "One seed: nothing here has an interval, differences may be chance."));
    }
    for failure in &comparison.failures {
        doc.push(Note::new(NoteKind::Failure, failure));
    }
    doc.push(Heading::section("Results"));
    doc.push(results(comparison));
    if comparison.methods.iter().any(|method| !method.transfer.is_empty()) {
        doc.push(Heading::section("Against single-task networks"));
        if comparison.methods.iter().any(|method| method.delta_m.is_some()) {
            doc.push(gains(comparison));
        }
        doc.blocks.extend(panels(comparison));
    }
    doc.push(Heading::section("Ranks"));
    doc.push(ranks(comparison));
    doc.push(Heading::section("Each task"));
    doc.blocks.extend(tasks(comparison));
    doc.push(Heading::section("Cost"));
    doc.push(costs(comparison));
    doc.push(Heading::section("How it was done"));
    doc.push(Paragraph::new(
        "Every run had the same training settings; at one seed all methods saw the same batches in the same order. Blocks of the test of ranks are pairs of a task and a seed: it speaks of the noise between seeds on these data, not of other data sets.",
    ));
    let seeds: Vec<String> = comparison.seeds.iter().map(ToString::to_string).collect();
    doc.push(KeyValues::list([
        ("data", comparison.dataset.clone()),
        ("budget at most", comparison.budget()),
        ("batch size", comparison.batch_size.to_string()),
        ("selection", comparison.selection.clone()),
        ("seeds", seeds.join(", ")),
        ("level of intervals", format!("{:.0} %", 100.0 * comparison.level)),
    ]));
    doc
}

fn best(direction: Direction) -> Best {
    match direction {
        Direction::Maximize => Best::Highest,
        Direction::Minimize => Best::Lowest,
    }
}

fn results(comparison: &Comparison) -> Table {
    let in_table = comparison.tasks.len() <= IN_TABLE;
    let has_alone = comparison.methods.iter().any(|method| method.alone);
    let mut columns = Vec::new();
    columns.extend(has_alone.then(|| Column { best: Some(Best::Highest), ..Column::new("delta_m, %") }));
    columns.push(Column { best: Some(Best::Lowest), ..Column::new("mean rank") });
    // Columns that would be empty or say the same in every row push those of numbers out of sight.
    let marked = |column: &TaskColumn| comparison.methods.iter().any(|m| !mark(m, &column.task).is_empty());
    let all_finished = comparison.methods.iter().all(|method| method.seeds.len() == comparison.seeds.len());
    if in_table {
        for column in &comparison.tasks {
            columns.push(Column { best: Some(best(column.direction)), ..Column::new(unbroken(column)) });
            columns.extend(marked(column).then(|| Column::new("")));
        }
    } else if has_alone {
        let of = || Some(format!("of {} tasks", comparison.tasks.len()));
        columns.push(Column { group: of(), ..Column::new("better \u{25b2}") });
        columns.push(Column { group: of(), ..Column::new("worse \u{25bc}") });
    }
    columns.push(Column::new("validation"));
    columns.extend((!all_finished).then(|| Column::new("seeds")));
    let row = |method: &MethodResult| {
        let mut cells = Vec::new();
        cells.extend(has_alone.then(|| method.delta_m.as_ref().map_or(Cell::Missing, |d| cell(d, 2))));
        cells.push(method.mean_rank.map_or(Cell::Missing, |rank| Cell::number(rank, 2)));
        if in_table {
            for (column, metric) in comparison.tasks.iter().zip(method.primary(&comparison.tasks)) {
                cells.push(metric.and_then(|m| m.estimate.as_ref()).map_or(Cell::Missing, measured));
                cells.extend(marked(column).then(|| Cell::Text(mark(method, &column.task).trim().to_owned())));
            }
        } else if has_alone {
            let counts = ahead_and_behind(method);
            cells.extend([0, 1].map(|at| counts.map_or(Cell::Missing, |n| Cell::Text(n[at].to_string()))));
        }
        cells.push(method.validation.as_ref().map_or(Cell::Missing, measured));
        cells.extend((!all_finished).then(|| Cell::Text(method.seeds.len().to_string())));
        let chosen = if comparison.chosen.as_deref() == Some(&method.name) { " (best on validation)" } else { "" };
        Row::measured(format!("{}{chosen}", method.name), cells)
    };
    Table {
        caption: "Equal budgets, test split".into(),
        corner: "method".into(),
        columns,
        rows: comparison.methods.iter().map(row).collect(),
        footnotes: notes(comparison),
    }
}

/// A task's heading without a break before its arrow: columns of a narrow page break their headings.
fn unbroken(column: &TaskColumn) -> String {
    let heading = heading(column);
    heading.rsplit_once(' ').map_or(heading.clone(), |(words, arrow)| format!("{words}\u{a0}{arrow}"))
}

fn measured(estimate: &Estimate) -> Cell {
    // What is smaller than its interval has no more digits than that.
    cell(estimate, decimals(estimate.mean.abs().max(estimate.half_width().unwrap_or(0.0))))
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

/// The methods that learn tasks together.
fn together(comparison: &Comparison) -> Vec<&MethodResult> {
    comparison.methods.iter().filter(|method| !method.alone).collect()
}

fn gains(comparison: &Comparison) -> BarChart {
    let together = together(comparison);
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

/// What learning together did to each task, in percent of the single-task value.
fn panels(comparison: &Comparison) -> Vec<Block> {
    let together = together(comparison);
    let gain = |method: &MethodResult, task: &str| method.transfer_of(task)?.gain.as_ref().map(|gain| gain.mean);
    let panel = |column: &TaskColumn| -> Block {
        let chart = BarChart {
            title: format!("{}: {}", column.task, column.metric),
            value: Axis { unit: Some("%".into()), ..Axis::new("gain") },
            categories: together.iter().map(|method| method.name.clone()).collect(),
            series: vec![BarSeries {
                name: "gain".into(),
                bars: together.iter().map(|m| bar(m.transfer_of(&column.task).and_then(|t| t.gain.as_ref()))).collect(),
            }],
            decimals: 2,
            ..BarChart::default()
        };
        chart.into()
    };
    let words = "Gain of each task in percent of the value of its single-task network of the same seed; right of 0 is better. \
                 \u{25bc} and \u{25b2} go by the difference in the metric's own unit: where single-task values differ from seed to seed, its \
                 interval may exclude 0 while that in percent does not.";
    let mut blocks: Vec<Block> = vec![Heading::part("What learning together did to each task").into()];
    if comparison.tasks.len() <= PANELS {
        blocks.push(Paragraph::new(words).into());
        blocks.push(Columns { blocks: comparison.tasks.iter().map(panel).collect(), min_width: 300 }.into());
        return blocks;
    }
    let mean = |column: &&TaskColumn| {
        let gains: Vec<f64> = together.iter().filter_map(|m| gain(m, &column.task)).collect();
        #[expect(clippy::cast_precision_loss, reason = "a count of methods")]
        let mean = gains.iter().sum::<f64>() / gains.len() as f64;
        mean // NaN where no method has a gain: between losses and gains, and not drawn
    };
    let mut order: Vec<&TaskColumn> = comparison.tasks.iter().filter(|column| mean(column).is_finite()).collect();
    order.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    let half = (PANELS / 2).min(order.len() / 2);
    let (losing, gaining) = (&order[..half], &order[order.len() - half..]);
    blocks.push(
        Paragraph::new(format!(
            "{words} Of {} tasks the {half} with the lowest and the {half} with the highest gain in the mean over methods.",
            comparison.tasks.len()
        ))
        .into(),
    );
    let shown = losing.iter().chain(gaining.iter().rev());
    blocks.push(Columns { blocks: shown.map(|column| panel(column)).collect(), min_width: 300 }.into());
    let map = HeatMap {
        title: "Gain of every task, %".into(),
        caption: "Blue: better than its single-task network; orange: worse. A dash where the single-task value is too close to 0."
            .into(),
        rows: comparison.tasks.iter().map(|column| column.task.clone()).collect(),
        columns: together.iter().map(|method| method.name.clone()).collect(),
        values: comparison
            .tasks
            .iter()
            .map(|column| together.iter().map(|m| gain(m, &column.task).unwrap_or(f64::NAN)).collect())
            .collect(),
        palette: Palette::Diverging,
        decimals: 1,
        ..HeatMap::default()
    };
    blocks.push(Details::new(format!("All {} tasks", comparison.tasks.len()), vec![map.into()]).into());
    blocks
}

fn ranks(comparison: &Comparison) -> Block {
    let Some(test) = &comparison.ranks else {
        let reason = comparison.no_ranks.clone().unwrap_or_default();
        return Paragraph::new(format!("There is no test of ranks: {reason}.")).into();
    };
    let ranked = test.methods.iter().cloned().zip(test.friedman.mean_ranks.iter().copied());
    let chart = RankChart {
        title: "Mean rank over tasks and seeds".into(),
        caption: format!(
            "1 is best. Methods under a common bar are not told apart: their ranks differ by less than the critical difference {:.2} (Nemenyi, error rate {}).",
            test.critical_difference, test.alpha
        ),
        ranks: ranked.collect(),
        critical_difference: test.critical_difference,
    };
    chart.into()
}

/// Every metric of every task, a table a task; of more than a few tasks behind lines.
fn tasks(comparison: &Comparison) -> Vec<Block> {
    let table = |column: &TaskColumn| {
        let metrics = comparison.methods.iter().find(|m| !m.metrics.is_empty()).map(|m| m.metrics.as_slice());
        let own: Vec<_> = metrics.unwrap_or_default().iter().filter(|m| m.task == column.task).collect();
        let mut columns = vec![Column { best: Some(Best::Highest), ..Column::new("gain, %") }, Column::new("")];
        columns.extend(own.iter().map(|m| Column { best: Some(best(m.direction)), ..Column::new(&m.metric) }));
        let row = |method: &MethodResult| {
            let gain = method.transfer_of(&column.task).and_then(|t| t.gain.as_ref());
            let mut cells = vec![gain.map_or(Cell::Missing, |gain| cell(gain, 2))];
            cells.push(Cell::Text(mark(method, &column.task).trim().to_owned()));
            cells.extend(own.iter().map(|m| {
                let found = method.metric(&m.task, &m.metric).and_then(|m| m.estimate.as_ref());
                found.map_or(Cell::Missing, measured)
            }));
            Row::measured(&method.name, cells)
        };
        let rows = comparison.methods.iter().map(row).collect();
        Table { corner: "method".into(), columns, rows, ..Table::default() }
    };
    let fold = |column: &TaskColumn| {
        let counts = |which: fn(&super::Transfer) -> bool| {
            comparison.methods.iter().filter(|m| m.transfer_of(&column.task).is_some_and(which)).count()
        };
        let (better, worse) = (counts(|t| t.positive), counts(|t| t.negative));
        let n = match together(comparison).len() {
            1 => "1 method".to_owned(),
            n => format!("{n} methods"),
        };
        let tail = match (better, worse) {
            (0, 0) => String::new(),
            (b, 0) => format!(": better than alone with {b} of {n}"),
            (0, w) => format!(": worse than alone with {w} of {n}"),
            (b, w) => format!(": better than alone with {b}, worse with {w} of {n}"),
        };
        Details::new(format!("{}{tail}", heading(column)), vec![table(column).into()])
    };
    match comparison.tasks.len() <= IN_TABLE {
        true => {
            comparison.tasks.iter().map(|column| Table { caption: heading(column), ..table(column) }.into()).collect()
        }
        false => Details::around("tasks", comparison.tasks.iter().map(|column| fold(column).into()).collect()),
    }
}

fn costs(comparison: &Comparison) -> Table {
    let lowest = |label: &str| Column { best: Some(Best::Lowest), ..Column::new(label) };
    let row = |method: &MethodResult| {
        #[expect(clippy::cast_precision_loss, reason = "for print")]
        let parameters = Cell::number(method.parameters as f64, 0);
        let cells = vec![
            method.seconds_per_epoch.as_ref().map_or(Cell::Missing, measured),
            method.samples_per_second.map_or(Cell::Missing, |rate| Cell::number(rate, 0)),
            method.peak_memory_mb.map_or(Cell::Missing, |mb| Cell::number(mb, if mb < 10.0 { 1 } else { 0 })),
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
