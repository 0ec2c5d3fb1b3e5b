//! The comparison as a table of text.

use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};
use mtl_core::metric::Direction;
use mtl_data::Origin;
use mtl_metrics::stats::Estimate;

use super::{Comparison, MethodResult, TaskColumn};

/// The table with its notes, for a terminal.
#[must_use]
pub fn to_text(comparison: &Comparison) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY);
    let mut header = vec!["method".to_owned()];
    header.extend(comparison.tasks.iter().map(heading));
    let rest = ["delta_m %", "rank", "validation", "s/epoch", "samples/s", "memory MB", "parameters", "n"];
    header.extend(rest.map(str::to_owned));
    table.set_header(header);
    for method in &comparison.methods {
        table.add_row(row(comparison, method));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let origin = match comparison.origin {
        Origin::Real => "real",
        Origin::Synthetic => "SYNTHETIC",
    };
    let head = format!(
        "{} ({origin}), {} epochs of batches of {}, seeds {}",
        comparison.dataset,
        comparison.epochs,
        comparison.batch_size,
        comparison.seeds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    );
    let mut lines = vec![head, table.to_string()];
    lines.extend(notes(comparison));
    lines.join("\n")
}

/// What the table leaves unsaid, one sentence each.
pub(super) fn notes(comparison: &Comparison) -> Vec<String> {
    let percent = 100.0 * comparison.level;
    let mut notes = vec![format!(
        "test split, evaluated once per run with the epoch that validation chooses by {}; ± half the {percent:.0} % t interval over n seeds",
        comparison.selection
    )];
    if comparison.methods.iter().any(|method| !method.transfer.is_empty()) {
        notes.push(format!(
            "▼ worse, ▲ better than the single-task network of the same seed: the {percent:.0} % interval of the paired difference excludes 0"
        ));
    }
    notes.extend(comparison.methods.iter().filter_map(spread));
    let unbeaten: Vec<&str> = comparison.methods.iter().filter(|m| m.unbeaten).map(|m| m.name.as_str()).collect();
    if comparison.methods.len() > 1 && !unbeaten.is_empty() {
        notes.push(format!("Pareto set (no other is at least as good in every task): {}", unbeaten.join(", ")));
    }
    match (&comparison.ranks, &comparison.no_ranks) {
        (Some(test), _) => {
            let friedman = &test.friedman;
            let f = friedman.f.map_or_else(|| "infinite".to_owned(), |f| format!("{f:.2}"));
            notes.push(format!(
                "Friedman over {} blocks ({} tasks x {} seeds), {} methods: chi2 {:.2} (p {}), Iman-Davenport F {f} (p {}); Nemenyi critical difference of ranks {:.2} at {}",
                friedman.n,
                comparison.tasks.len(),
                comparison.seeds.len(),
                test.methods.len(),
                friedman.chi2,
                probability(friedman.chi2_p),
                probability(friedman.f_p),
                test.critical_difference,
                test.alpha,
            ));
        }
        (None, Some(reason)) => notes.push(format!("no test of ranks: {reason}")),
        (None, None) => {}
    }
    for method in comparison.methods.iter().filter(|method| !method.alone) {
        if let Some(reason) = method.no_delta_m.as_ref().filter(|_| comparison.methods.iter().any(|m| m.alone)) {
            notes.push(format!("{}: no delta_m: {reason}", method.name));
        }
    }
    notes.extend(comparison.choices.iter().cloned());
    notes.extend(comparison.failures.iter().map(|failure| format!("failed: {failure}")));
    if let Some(chosen) = &comparison.chosen {
        notes.push(format!("best on validation: {chosen}"));
    }
    notes
}

/// Who pays for the mean gain.
fn spread(method: &MethodResult) -> Option<String> {
    let balance = method.balance?;
    let gini = balance.gini.map_or_else(String::new, |gini| format!(", Gini {gini:.3}"));
    let worse = method.negative_transfer.map_or_else(String::new, |rate| {
        format!(", {:.0} % of tasks worse than alone beyond the noise between seeds", 100.0 * rate)
    });
    Some(format!("{}: gains of tasks from {:+.2} to {:+.2} %{gini}{worse}", method.name, balance.worst, balance.best))
}

fn row(comparison: &Comparison, method: &MethodResult) -> Vec<String> {
    let dash = || "-".to_owned();
    let mut row = vec![method.name.clone()];
    for (column, metric) in comparison.tasks.iter().zip(method.primary(&comparison.tasks)) {
        let value = metric.and_then(|m| m.estimate.as_ref()).map_or_else(|| "undefined".to_owned(), with_half_width);
        row.push(format!("{value}{}", mark(method, &column.task)));
    }
    row.push(method.delta_m.as_ref().map_or_else(dash, |d| match d.half_width() {
        Some(half) => format!("{:+.2} ± {half:.2}", d.mean),
        None => format!("{:+.2}", d.mean),
    }));
    row.push(method.mean_rank.map_or_else(dash, |rank| format!("{rank:.2}")));
    row.push(method.validation.as_ref().map_or_else(dash, |v| format!("{:.*}", decimals(v.mean), v.mean)));
    row.push(method.seconds_per_epoch.as_ref().map_or_else(dash, |s| format!("{:.2}", s.mean)));
    row.push(method.samples_per_second.map_or_else(dash, |rate| format!("{rate:.0}")));
    row.push(method.peak_memory_mb.map_or_else(dash, |megabytes| format!("{megabytes:.0}")));
    row.push(method.parameters.to_string());
    row.push(method.seeds.len().to_string());
    row
}

/// `y1 auroc ↑`.
pub(super) fn heading(column: &TaskColumn) -> String {
    let arrow = match column.direction {
        Direction::Maximize => '↑',
        Direction::Minimize => '↓',
    };
    format!("{} {} {arrow}", column.task, column.metric)
}

/// A sign where a task lost or gained by learning together.
pub(super) fn mark(method: &MethodResult, task: &str) -> &'static str {
    match method.transfer_of(task) {
        Some(transfer) if transfer.negative => " ▼",
        Some(transfer) if transfer.positive => " ▲",
        _ => "",
    }
}

pub(crate) fn with_half_width(estimate: &Estimate) -> String {
    let decimals = decimals(estimate.mean);
    match estimate.half_width() {
        Some(half) => format!("{:.decimals$} ± {half:.decimals$}", estimate.mean),
        None => format!("{:.decimals$}", estimate.mean),
    }
}

/// Four for shares; fewer for numbers that are large.
pub(super) fn decimals(value: f64) -> usize {
    match value.abs() {
        v if v < 10.0 => 4,
        v if v < 1000.0 => 2,
        _ => 0,
    }
}

fn probability(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".into() } else { format!("{p:.4}") }
}
