//! The comparison as a table of text.

use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};
use mtl_core::metric::Direction;
use mtl_data::Origin;
use mtl_metrics::stats::Estimate;

use super::{
    Comparison, MethodResult, TaskColumn,
    verdict::{Verdict, signed},
};
use crate::report::decimals;

/// More tasks than this do not fit a terminal: counts stand for them, the page has them one by one.
const MOST_TASKS: usize = 6;

/// The table with its notes, for a terminal.
#[must_use]
pub fn to_text(comparison: &Comparison) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY);
    let mut header = ["method", "delta_m %", "rank"].map(str::to_owned).to_vec();
    match comparison.tasks.len() > MOST_TASKS {
        true => header.extend(["better than alone", "worse than alone"].map(str::to_owned)),
        false => header.extend(comparison.tasks.iter().map(heading)),
    }
    let rest = ["validation", "s/epoch", "samples/s", "memory MB", "parameters", "seeds"];
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
        "{} ({origin}), {} of batches of {}, seeds {}",
        comparison.dataset,
        comparison.budget(),
        comparison.batch_size,
        comparison.seeds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    );
    let mut lines = vec![head, table.to_string()];
    lines.extend(notes(comparison));
    if comparison.tasks.len() > MOST_TASKS {
        lines.push(format!("{} tasks: compare.html and compare.json have them one by one", comparison.tasks.len()));
    }
    lines.push(String::new());
    lines.extend(Verdict::of(comparison).sentences);
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
    notes.extend(joint(comparison));
    notes.extend(comparison.methods.iter().filter_map(|method| spread(comparison, method)));
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

/// Metrics over several tasks, which have no column: a sentence each.
fn joint(comparison: &Comparison) -> Vec<String> {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for metric in comparison.methods.iter().flat_map(|method| &method.joint) {
        let name = (metric.task.as_str(), metric.metric.as_str());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let sentence = |(tasks, name): (&str, &str)| {
        let of = |method: &MethodResult| {
            let estimate = method.joint.iter().find(|m| m.metric == name)?.estimate.as_ref()?;
            Some(format!("{} {}", method.name, with_half_width(estimate)))
        };
        let methods: Vec<String> = comparison.methods.iter().filter_map(of).collect();
        format!("{name} (all of {tasks}): {}", methods.join(", "))
    };
    names.into_iter().map(sentence).collect()
}

/// Who pays for the mean gain.
fn spread(comparison: &Comparison, method: &MethodResult) -> Option<String> {
    let balance = method.balance?;
    let gini = balance.gini.map_or_else(String::new, |gini| format!(", Gini {gini:.3}"));
    let worse = method.negative_transfer.map_or_else(String::new, |rate| {
        format!(", {:.0} % of tasks worse than alone beyond the noise between seeds", 100.0 * rate)
    });
    let n = comparison.tasks.len();
    let names = method.transfer.iter().filter_map(|t| Some((t.task.as_str(), t.gain.as_ref()?.mean)));
    let by_gain = |a: &(&str, f64), b: &(&str, f64)| a.1.total_cmp(&b.1);
    let (lowest, highest) = (names.clone().min_by(by_gain), names.max_by(by_gain));
    let named = |task: Option<(&str, f64)>| task.filter(|_| n > 2).map_or(String::new(), |(t, _)| format!(" ({t})"));
    Some(format!(
        "{}: gains of tasks from {}{} to {}{}{gini}{worse}",
        method.name,
        signed(balance.worst),
        named(lowest),
        signed(balance.best),
        named(highest)
    ))
}

fn row(comparison: &Comparison, method: &MethodResult) -> Vec<String> {
    let dash = || "-".to_owned();
    let mut row = vec![method.name.clone()];
    row.push(method.delta_m.as_ref().map_or_else(dash, |d| match d.half_width() {
        Some(half) => format!("{:+.2} ± {half:.2}", d.mean),
        None => format!("{:+.2}", d.mean),
    }));
    row.push(method.mean_rank.map_or_else(dash, |rank| format!("{rank:.2}")));
    if comparison.tasks.len() > MOST_TASKS {
        row.extend(ahead_and_behind(method).map_or([dash(), dash()], |counts| counts.map(|n| n.to_string())));
    } else {
        for (column, metric) in comparison.tasks.iter().zip(method.primary(&comparison.tasks)) {
            let value =
                metric.and_then(|m| m.estimate.as_ref()).map_or_else(|| "undefined".to_owned(), with_half_width);
            row.push(format!("{value}{}", mark(method, &column.task)));
        }
    }
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

/// Tasks on which a method is ahead of the single-task networks beyond the noise between seeds, and behind; `None` without
/// baselines or with one seed.
pub(super) fn ahead_and_behind(method: &MethodResult) -> Option<[usize; 2]> {
    let known = method.transfer.iter().any(|t| t.difference.interval.is_some());
    let count = |which: fn(&super::Transfer) -> bool| method.transfer.iter().filter(|t| which(t)).count();
    known.then(|| [count(|t| t.positive), count(|t| t.negative)])
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

fn probability(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".into() } else { format!("{p:.4}") }
}
