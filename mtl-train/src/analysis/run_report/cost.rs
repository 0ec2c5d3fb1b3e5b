//! What the model costs: parameters by owner, multiply-adds, time, memory.

use super::history::History;
use crate::{
    error::Result,
    report::{Block, Cell, Column, Details, KeyValues, Row, Table, count, fixed, written},
    train::model::{Model, Summary},
};

/// Tasks with a row each in the open.
const FEW_TASKS: usize = 8;

/// The size of a model, measured on a batch of its data.
///
/// # Errors
/// As [`Model::summary`].
pub(super) fn size(model: &Model, batch: &mtl_core::batch::Inputs) -> Result<Summary> {
    model.summary(batch)
}

/// The tables of cost.
pub(super) fn blocks(history: &History, size: Option<&Summary>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    if let Some(size) = size {
        let total = size.total() as f64;
        let row = |name: &str, n: usize| {
            Row::measured(name, vec![Cell::number(n as f64, 0), Cell::number(100.0 * n as f64 / total.max(1.0), 1)])
        };
        let own: Vec<Row> =
            history.facts.tasks.iter().zip(&size.per_task).map(|(task, n)| row(&format!("only {task}"), *n)).collect();
        let table = |caption: &str, rows| Table {
            caption: caption.into(),
            corner: "owner".into(),
            columns: vec![Column::new("numbers"), Column::new("percent")],
            rows,
            ..Table::default()
        };
        let (shared, all) = (row("shared by all tasks", size.shared), row("all", size.total()));
        if own.len() <= FEW_TASKS {
            blocks.push(table("Parameters", [vec![shared], own, vec![all]].concat()).into());
        } else {
            let of_tasks = row(&format!("only one of {} tasks", own.len()), size.per_task.iter().sum());
            blocks.push(table("Parameters", vec![shared, of_tasks, all]).into());
            blocks.push(Details::new("Parameters of every task", vec![table("", own).into()]).into());
        }
    }
    let mut items: Vec<(String, String)> = Vec::new();
    if let Some(size) = size {
        items.push(("multiply-adds of a forward pass".into(), format!("{} per sample", count(size.multiply_adds))));
    }
    let seconds: f64 = history.epochs.iter().map(|e| e.seconds).sum();
    if let Some(last) = history.epochs.last() {
        let (noun, per_epoch) = (history.noun(), seconds / history.epochs.len() as f64);
        items.push((
            "training time".into(),
            format!("{} s, {} s per {noun}, without validation", written(seconds), written(per_epoch)),
        ));
        let when = if noun == "epoch" { "in the last epoch" } else { "before the last validation" };
        items.push(("samples per second".into(), format!("{} {when}", fixed(last.samples_per_second, 0))));
        items.push(("optimizer steps".into(), count(last.step)));
    }
    if let Some(bytes) = history.peak_memory {
        let megabytes = fixed(bytes as f64 / 1e6, 0);
        items.push(("most memory held".into(), format!("{megabytes} MB by the process, data included")));
    }
    blocks.push(KeyValues::list(items).into());
    blocks
}
