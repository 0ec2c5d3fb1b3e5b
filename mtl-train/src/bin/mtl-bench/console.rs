//! The table on the terminal.

use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};

use crate::{
    published::CENSUS,
    summary::{ModelSummary, Summary},
};

#[expect(clippy::print_stdout, reason = "what the program is for")]
pub(crate) fn show(summary: &Summary) {
    if !summary.models.is_empty() {
        println!("{}", models(summary));
    }
    if !summary.step.is_empty() {
        let header =
            ["step", "tasks", "mode", "floor, ms", "step, ms", "over floor", "over equal", "gramian", "direction"];
        let mut table = table(&header);
        let error = |e: Option<f64>| e.map_or_else(String::new, |e| format!("{e:.1e}"));
        for s in &summary.step {
            table.add_row([
                s.model.to_owned(),
                s.tasks.to_string(),
                s.mode.to_owned(),
                format!("{:.2}", s.floor_ms),
                format!("{:.2}", s.step_ms),
                format!("{:.3}", s.ratio_to_floor),
                format!("{:.3}", s.ratio_to_equal),
                error(s.gramian_error),
                error(s.direction_error),
            ]);
        }
        println!(
            "{}\nfloor: forward + one backward pass per task, alternated with the step in one run; errors: relative, against exact rows",
            right(table, 3)
        );
    }
    if !summary.memory.is_empty() {
        let mut table = table(&["memory, MB", "tasks", "mode", "parameters", "forward", "used", "bound"]);
        for m in &summary.memory {
            let numbers = [m.parameters, m.forward, m.used, m.bound].map(|x| format!("{x:.1}"));
            table
                .add_row([vec![m.model.to_owned(), m.tasks.to_string(), m.mode.to_owned()], numbers.to_vec()].concat());
        }
        println!(
            "{}\nused: peak of a step, parameters included; bound: parameters x (tasks + 1) + forward",
            right(table, 3)
        );
    }
    if let Some(o) = &summary.optimizer {
        let (tch, ours, ratio) = (o.tch_ms, o.fused_ms, o.fused_adamw_speedup);
        println!("AdamW, 10 M parameters in 100 tensors: tch {tch:.1} ms, fused {ours:.1} ms, {ratio:.1} times faster");
    }
}

fn models(summary: &Summary) -> String {
    let tasks: Vec<&String> = summary.models.first().map(|m| m.tasks.keys().collect()).unwrap_or_default();
    let mut header = vec!["model".to_owned()];
    header.extend(tasks.iter().map(|t| format!("{t} AUROC")));
    header.extend(["mean", "delta_m %", "parameters", "s/epoch", "samples/s", "seeds"].map(str::to_owned));
    let mut table = table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for m in &summary.models {
        let mut row = vec![m.name.clone()];
        row.extend(tasks.iter().map(|t| score(m, t)));
        row.extend([
            format!("{:.4}", m.composite),
            m.delta_m.map_or_else(|| "-".into(), |d| format!("{d:+.2}")),
            m.params.to_string(),
            format!("{:.2}", m.seconds_per_epoch),
            format!("{:.0}", m.samples_per_second),
            m.seeds.to_string(),
        ]);
        table.add_row(row);
    }
    let real = summary.source == Some("real");
    if real {
        for (name, income, marital, _) in CENSUS {
            // Columns follow the tasks in name order: income, marital.
            table.add_row([format!("published: {name}"), format!("{income:.4}"), format!("{marital:.4}")]);
        }
    }
    let (data, source) = (summary.dataset.unwrap_or_default(), summary.source.unwrap_or_default());
    let note = match real {
        true => "test split; published rows use other feature handling and are for orientation only",
        false => "SYNTHETIC data from the built-in generator: figures say nothing about real data",
    };
    format!("{data} ({source})\n{}\n{note}", right(table, 1))
}

fn score(model: &ModelSummary, task: &str) -> String {
    let get = |scores: &crate::summary::Scores| scores.get(task).and_then(|m| m.get("auroc")).copied();
    match (get(&model.tasks), get(&model.spread)) {
        (Some(value), Some(spread)) if model.seeds > 1 => format!("{value:.4} ± {spread:.4}"),
        (Some(value), _) => format!("{value:.4}"),
        (None, _) => "undefined".into(),
    }
}

/// An empty table.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(header);
    table
}

/// The table as text; the columns from `from` on are numbers.
pub(crate) fn right(mut table: Table, from: usize) -> String {
    for column in table.column_iter_mut().skip(from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}
