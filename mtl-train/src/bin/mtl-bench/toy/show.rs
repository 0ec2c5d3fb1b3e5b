//! The toy's table on the terminal, and its trajectories over the contour in the report.

use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use mtl_train::report::{
    Axis, Block, ChartShape, Columns, Contours, Heading, LineChart, Marker, Note, NoteKind, Series,
};

use super::{Outcome, Run, STARTS, STEPS, Toy, problem::evaluate};

/// The part of the plane that is drawn.
const PLANE: [[f64; 2]; 2] = [[-11.0, 11.0], [-10.5, 10.5]];

#[expect(clippy::print_stdout, reason = "what the program is for")]
pub(crate) fn print(toy: &Toy) {
    let mut table = Table::new();
    let starts = STARTS.map(|[a, b]| format!("from ({a}, {b})"));
    let header = ["method".to_owned(), "scale".to_owned()].into_iter().chain(starts);
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(header);
    for outcome in &toy.outcomes {
        let cells = outcome.runs.iter().map(cell);
        table.add_row([outcome.method.to_owned(), outcome.scale.to_string()].into_iter().chain(cells));
    }
    println!("{table}\nthe first of {STEPS} Adam steps at which the front was reached, or where the run ended instead");
    for check in &toy.checks {
        println!("{} {}", if check.holds { "holds:" } else { "FAILS:" }, check.claim);
    }
}

fn cell(run: &Run) -> String {
    match (run.reached, &run.failed) {
        (Some(step), _) => step.to_string(),
        (None, None) => format!("no: ({:.1}, {:.1})", run.end[0], run.end[1]),
        (None, Some(reason)) => format!("stopped: {reason}"),
    }
}

/// One chart per method and scale: ways from all starts over the mean of both losses.
pub(crate) fn page(toy: &Toy) -> Vec<Block> {
    let mut blocks: Vec<Block> = vec![Heading::section("Two-objective toy").into()];
    for check in toy.checks.iter().filter(|c| !c.holds) {
        blocks.push(Note::new(NoteKind::Caution, format!("Does not hold: {}.", check.claim)).into());
    }
    for scale in super::SCALES {
        blocks.push(Heading::part(format!("First loss times {scale}")).into());
        let charts = toy.outcomes.iter().filter(|o| (o.scale - scale).abs() < 1e-9).map(|o| chart(o).into()).collect();
        blocks.push(Columns::new(charts).into());
    }
    blocks
}

fn chart(outcome: &Outcome) -> LineChart {
    let mean = |x: f64, y: f64| {
        let [a, b] = evaluate([x, y], outcome.scale).losses;
        0.5 * (a + b)
    };
    let axis = |label: &str, range| Axis { range: Some(range), ..Axis::new(label) };
    let front = Series { dashed: true, ..Series::new("Pareto set", vec![[-7.0, -8.355], [7.0, -8.355]]) };
    let way = |run: &Run| {
        let end = if run.reached.is_some() { "reached" } else { "missed" };
        let marker = |[x, y]: [f64; 2], label: &str| Marker { x, y, label: label.into() };
        Series {
            markers: vec![marker(run.start, "start"), marker(run.end, end)],
            ..Series::new(format!("from ({}, {})", run.start[0], run.start[1]), run.path.clone())
        }
    };
    let reached = outcome.runs.iter().filter(|r| r.reached.is_some()).count();
    LineChart {
        title: outcome.method.into(),
        caption: format!("{reached} of {} starts reach the front.", outcome.runs.len()),
        x: axis("x1", PLANE[0]),
        y: axis("x2", PLANE[1]),
        series: std::iter::once(front).chain(outcome.runs.iter().map(way)).collect(),
        shape: ChartShape::Square,
        contours: Some(Contours::of("mean loss", PLANE, [61, 61], 14, mean)),
        ..LineChart::default()
    }
}
