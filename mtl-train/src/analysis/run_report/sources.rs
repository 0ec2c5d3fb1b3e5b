//! What was learned of each of several sources, and what came of it.

use mtl_data::{DrawnPart, Source as _, SourcePart};

use super::{data::percent, history::History, results::chosen};
use crate::{
    error::Result,
    report::{Block, Cell, Column, Row, Table, count, written},
    run::{outcome::Outcome, session::Session},
};

/// A table of the sources: how large each is, how often its turn came until the last validation, what its tasks reached there. Nothing
/// where the data are one.
///
/// # Errors
/// As [`Session::drawn`].
pub(super) fn drawn(session: &Session, history: &History, outcome: Option<&Outcome>) -> Result<Option<Block>> {
    let parts = session.drawn(history.epochs.last().map_or(0, |epoch| epoch.step))?;
    if parts.is_empty() {
        return Ok(None);
    }
    let all: u64 = parts.iter().map(|part| part.drawn).sum();
    let tasks = session.train.source().parts();
    let validation = chosen(history, outcome);
    let reached = |task: &usize| {
        let task = validation?.tasks.get(*task)?;
        let primary = task.metrics.first()?;
        let value = primary.outcome.value.map_or_else(|| "undefined".into(), written);
        Some(format!("{}: {} {value}", task.task, primary.metric))
    };
    let row = |(part, own): (&DrawnPart, &SourcePart)| {
        let reached = own.tasks.iter().filter_map(reached).collect::<Vec<_>>().join(", ");
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let passes = part.drawn as f64 / part.batches.max(1) as f64;
        let cells = vec![
            Cell::Text(count(part.samples)),
            Cell::Text(count(part.batch_size as u64)),
            Cell::Text(count(part.drawn)),
            Cell::Text(percent(part.drawn, all)),
            Cell::Text(format!("{passes:.1}")),
            Cell::Text(reached),
        ];
        Row::measured(&part.name, cells)
    };
    let table = Table {
        caption: "What was drawn of each source".into(),
        corner: "source".into(),
        columns: vec![
            Column::new("training samples"),
            Column::new("batch size"),
            Column::new("batches drawn"),
            Column::new("share"),
            Column::new("passes over it"),
            Column::words("on validation, primary metrics"),
        ],
        rows: parts.iter().zip(&tasks).map(row).collect(),
        ..Table::default()
    };
    Ok(Some(table.into()))
}
