//! Calibration, sets, thresholds and rejections: what was fitted after training, and what it is worth on test.
//!
//! Every number is one of the [`PostHocOutcome`](crate::run::post_hoc::PostHocOutcome) in `metrics.json`.

use mtl_metrics::post_hoc::{Covered, Decided, Quality, Selected, Verdict};

use crate::{
    report::{
        Axis, Block, Cell, ChartShape, Column, Heading, LineChart, Note, NoteKind, Paragraph, Row, Series, Table,
        range, written,
    },
    run::{
        outcome::Outcome,
        post_hoc::{PostHocOutcome, TaskOutcome},
    },
};

/// The section; nothing where no task asks for any of it.
pub(super) fn blocks(outcome: Option<&Outcome>) -> Vec<Block> {
    let Some(found) = outcome.and_then(|outcome| outcome.post_hoc.as_ref()) else { return Vec::new() };
    let mut blocks: Vec<Block> = vec![Heading::section("Calibration, sets and decisions").into(), grounds(found)];
    for task in &found.tasks {
        blocks.push(Heading::part(task.task.as_str()).into());
        blocks.push(Paragraph::new(format!("{}.", task.fitted.join(". "))).into());
        blocks.extend(probabilities(task));
        blocks.extend(covered(task));
        blocks.extend(decided(task));
        blocks.extend(selected(task));
    }
    blocks
}

/// What it was fitted on, and what follows from that.
fn grounds(found: &PostHocOutcome) -> Block {
    match found.share > 0.0 {
        true => {
            let words = format!(
                "Fitted on {:.0} % of validation that chose nothing (train.calibration_share), shown on these samples and on the test \
                 split, which neither chose nor fitted.",
                100.0 * found.share
            );
            Paragraph::new(words).into()
        }
        false => Note::new(
            NoteKind::Info,
            "Fitted on all of validation, which has chosen the epoch too: what is promised of new samples is promised a little too \
             high. The test columns show what came of it; train.calibration_share keeps a part of validation out of the choice.",
        )
        .into(),
    }
}

fn cell(value: Option<f64>) -> Cell {
    value.map_or(Cell::Missing, Cell::measured)
}

fn probabilities(task: &TaskOutcome) -> Option<Block> {
    type Measure = fn(&Quality) -> Option<f64>;
    let of = |verdict: &Verdict| verdict.probabilities;
    let (fit, test) = (of(&task.on_fit)?, of(&task.test));
    let measures: [(&str, Measure); 3] = [
        ("expected calibration error", |own| own.ece),
        ("log-loss", |own| own.log_loss),
        ("Brier score", |own| own.brier),
    ];
    let rows = measures.map(|(name, measure)| {
        let test = |after: bool| test.and_then(|own| measure(if after { &own.after } else { &own.before }));
        let cells = vec![cell(measure(&fit.before)), cell(measure(&fit.after)), cell(test(false)), cell(test(true))];
        Row::measured(name, cells)
    });
    let columns = ["fitted on, before", "after", "test, before", "after"].map(Column::new);
    let footnotes = vec!["Less is better. Before: the network's own probabilities. After: calibrated.".into()];
    let table = Table {
        caption: "Probabilities".into(),
        corner: "measure".into(),
        columns: columns.into(),
        rows: rows.into(),
        footnotes,
    };
    Some(table.into())
}

fn name_of<'a>(task: &'a TaskOutcome, output: &'a str) -> &'a str {
    if output.is_empty() { task.task.as_str() } else { output }
}

fn covered(task: &TaskOutcome) -> Option<Block> {
    let first = task.on_fit.covered.first()?;
    let mut rows = Vec::new();
    for own in &task.on_fit.covered {
        let test: Option<&Covered> = task.test.covered.iter().find(|test| test.output == own.output);
        let cells = vec![
            Cell::measured(own.target),
            Cell::measured(own.coverage),
            cell(test.map(|test| test.coverage)),
            test.map_or(Cell::Missing, |test| Cell::Text(range(test.coverage, test.interval))),
            cell(test.map(|test| test.size)),
            cell(test.and_then(|test| test.singles)),
        ];
        rows.push(Row::measured(name_of(task, &own.output), cells));
        for (class, coverage) in test.map(|test| test.classes.as_slice()).unwrap_or_default() {
            let coverage = vec![
                Cell::Missing,
                Cell::Missing,
                Cell::measured(*coverage),
                Cell::Missing,
                Cell::Missing,
                Cell::Missing,
            ];
            rows.push(Row::measured(format!("where {class} is right"), coverage));
        }
    }
    let sets = first.singles.is_some();
    let size = if sets { "mean size, test" } else { "mean width, test" };
    let columns = ["promised", "fitted on", "test", "95 % interval", size, "of one, test"];
    let columns =
        columns.iter().enumerate().map(|(at, name)| if at == 3 { Column::words(*name) } else { Column::new(*name) });
    let table = Table {
        caption: if sets { "Sets" } else { "Intervals" }.into(),
        corner: "answer".into(),
        columns: columns.collect(),
        rows,
        footnotes: vec![
            "How often the truth is in them. Interval: where that share may lie for other samples like those of the test split (Clopper and \
             Pearson)."
                .into(),
        ],
    };
    Some(table.into())
}

fn decided(task: &TaskOutcome) -> Option<Block> {
    task.on_fit.decided.first()?;
    let row = |own: &Decided| {
        let test = task.test.decided.iter().find(|test| test.output == own.output);
        let count = |at: usize| cell(test.and_then(|test| test.counts.get(at).copied()));
        let cells = vec![
            Cell::measured(own.threshold),
            count(0),
            count(1),
            count(2),
            count(3),
            cell(test.map(|test| test.cost)),
            cell(test.map(|test| test.cost_at_half)),
        ];
        Row::measured(name_of(task, &own.output), cells)
    };
    let columns =
        ["yes from", "right yes", "false yes", "false no", "right no", "cost", "cost, yes from 0.5"].map(Column::new);
    let table = Table {
        caption: "Decisions on test".into(),
        corner: "label".into(),
        columns: columns.into(),
        rows: task.on_fit.decided.iter().map(row).collect(),
        footnotes: vec![
            "Cost: of false answers, in the mean of all samples; 1 each where the threshold says nothing of costs."
                .into(),
        ],
    };
    Some(table.into())
}

fn selected(task: &TaskOutcome) -> Vec<Block> {
    if task.on_fit.selected.is_empty() {
        return Vec::new();
    }
    let row = |own: &Selected| {
        let test = task.test.selected.iter().find(|test| test.output == own.output);
        let cells = vec![
            Cell::measured(own.rejected),
            cell(own.error_kept),
            cell(test.map(|test| test.rejected)),
            cell(test.map(|test| test.error)),
            cell(test.and_then(|test| test.error_kept)),
        ];
        Row::measured(name_of(task, &own.output), cells)
    };
    let columns =
        ["rejected, fitted on", "wrong of those kept", "rejected, test", "wrong of all", "wrong of those kept"];
    let table = Table {
        caption: "Rejected answers".into(),
        corner: "answer".into(),
        columns: columns.map(Column::new).into(),
        rows: task.on_fit.selected.iter().map(row).collect(),
        footnotes: Vec::new(),
    };
    let series = task.test.selected.iter().map(|own| {
        let points = own.curve.iter().map(|kept| [kept.coverage, kept.error]).collect();
        let name = format!("{} (all: {})", name_of(task, &own.output), written(own.error));
        Series::new(name, points)
    });
    let chart = LineChart {
        title: "Risk over coverage".into(),
        caption: "How many of the answers that are kept are wrong, for every share that may be kept, the least risky first; on test.".into(),
        x: Axis { range: Some([0.0, 1.0]), ..Axis::new("share of answers kept") },
        y: Axis::new("share of these that is wrong"),
        series: series.collect(),
        shape: ChartShape::Square,
        ..LineChart::default()
    };
    vec![table.into(), chart.into()]
}
