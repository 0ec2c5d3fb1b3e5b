//! What the model costs: parameters by owner, multiply-adds, time, memory.

use super::history::History;
use crate::{
    error::Result,
    model::{Model, Summary},
    report::{Block, Cell, Column, KeyValues, Row, Table},
};

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
        let mut rows = vec![row("shared by all tasks", size.shared)];
        rows.extend(history.facts.tasks.iter().zip(&size.per_task).map(|(task, n)| row(&format!("only {task}"), *n)));
        rows.push(row("all", size.total()));
        let table = Table {
            caption: "Parameters".into(),
            corner: "owner".into(),
            columns: vec![Column::new("numbers"), Column::new("percent")],
            rows,
            ..Table::default()
        };
        blocks.push(table.into());
    }
    let mut items: Vec<(String, String)> = Vec::new();
    if let Some(size) = size {
        items.push(("multiply-adds of a forward pass".into(), format!("{} per sample", grouped(size.multiply_adds))));
    }
    let seconds: f64 = history.epochs.iter().map(|e| e.seconds).sum();
    if let Some(last) = history.epochs.last() {
        let per_epoch = seconds / history.epochs.len() as f64;
        items.push(("training time".into(), format!("{seconds:.1} s, {per_epoch:.2} s per epoch, without validation")));
        items.push(("samples per second".into(), format!("{:.0} in the last epoch", last.samples_per_second)));
        items.push(("optimizer steps".into(), grouped(last.step)));
    }
    if let Some(bytes) = history.peak_memory {
        let mebibytes = bytes as f64 / f64::from(1 << 20);
        items.push(("most memory held".into(), format!("{mebibytes:.0} MiB by the process, data included")));
    }
    blocks.push(KeyValues::list(items).into());
    blocks
}

/// Digits in groups of three.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<String> =
        digits.as_bytes().rchunks(3).rev().map(|g| String::from_utf8_lossy(g).into_owned()).collect();
    groups.join("\u{202f}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!((grouped(0), grouped(999)), ("0".into(), "999".into()));
    }
}
