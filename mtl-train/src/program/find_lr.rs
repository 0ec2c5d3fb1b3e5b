//! `mtl train CONFIG --find-lr`: a learning-rate range test as a table; nothing is written.

use crate::{
    Result,
    monitor::console::out,
    run::session::Session,
    train::trainer::{LrFinderConfig, LrPoint, LrSweep},
};
use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};

/// Rows shown of a sweep.
const ROWS: usize = 20;

pub(super) fn run(session: &mut Session) -> Result<()> {
    let sweep = session.trainer.find_lr(&session.train, &LrFinderConfig::default())?;
    let names: Vec<String> = session.trainer.model().tasks().names().map(ToString::to_string).collect();
    out(table(&sweep, &names))?;
    if sweep.diverged {
        out("the losses blew up after the last row")?;
    }
    let Some(lr) = sweep.suggestion else {
        out("no suggestion: the losses fell nowhere")?;
        return Ok(());
    };
    let now = session.trainer.config().optimizer.lr();
    out(format_args!(
        "suggestion: lr = {lr:.1e} (steepest descent of the weighted sum); the configuration says {now:.1e}"
    ))?;
    for (name, task) in names.iter().zip(&sweep.task_suggestions) {
        if let Some(task) = task {
            out(format_args!("  {name} alone: {task:.1e}, {:.2} times that", task / lr))?;
        }
    }
    Ok(())
}

fn table(sweep: &LrSweep, names: &[String]) -> Table {
    let mut table = Table::new();
    let header = ["lr", "loss"].into_iter().chain(names.iter().map(String::as_str)).chain([""]);
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(header);
    for point in shown(sweep) {
        let tasks = point.tasks.iter().map(|loss| loss.map_or_else(|| "-".into(), |l| format!("{l:.4}")));
        let mark = if Some(point.lr) == sweep.suggestion { "<- steepest" } else { "" };
        let cells = [format!("{:.1e}", point.lr), format!("{:.4}", point.loss)];
        table.add_row(cells.into_iter().chain(tasks).chain([mark.to_owned()]));
    }
    for column in table.column_iter_mut().take(2 + names.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Evenly chosen points, the suggestion and the last one among them.
fn shown(sweep: &LrSweep) -> impl Iterator<Item = &LrPoint> {
    let every = sweep.points.len().div_ceil(ROWS).max(1);
    let last = sweep.points.len().saturating_sub(1);
    let wanted = move |i: usize, p: &LrPoint| i.is_multiple_of(every) || i == last || Some(p.lr) == sweep.suggestion;
    sweep.points.iter().enumerate().filter(move |(i, p)| wanted(*i, p)).map(|(_, p)| p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggestion_is_always_among_the_rows() {
        let point = |i: u32| LrPoint { lr: f64::from(i), loss: 1.0, tasks: vec![Some(0.5), None] };
        let points: Vec<LrPoint> = (0..100).map(point).collect();
        let sweep = LrSweep { points, suggestion: Some(33.0), task_suggestions: vec![None, None], diverged: false };
        assert_eq!(shown(&sweep).count(), 22);
        let text = table(&sweep, &["a".into(), "b".into()]).to_string();
        assert!(text.contains("3.3e1") && text.contains("9.9e1") && text.contains("<- steepest"), "{text}");
    }
}
