//! What a sampler dealt, and what tasks weigh by their size: tables of the section on data.

use mtl_data::sampler::{Sampled, SampledEpoch, SampledTask};

use super::data::percent;
use crate::{
    report::{Block, Cell, Column, Row, Table, count},
    run::outcome::Outcome,
};

/// Rows of the table of epochs: more than these are told by the first and the last of them.
const MOST_EPOCHS: usize = 12;

/// The tables; none where rows come once each and tasks weigh what `[[task]]` says.
pub(super) fn blocks(outcome: Option<&Outcome>) -> Vec<Block> {
    let Some(outcome) = outcome else { return Vec::new() };
    let mut blocks = Vec::new();
    if let Some(sampled) = &outcome.sampled {
        blocks.push(classes(sampled).into());
        blocks.push(epochs(sampled).into());
    }
    if !outcome.task_weights.is_empty() {
        let row = |own: &crate::train::task_weights::TaskWeight| {
            Row::measured(&own.task, vec![Cell::Text(count(own.labels)), Cell::number(own.weight, 3)])
        };
        let table = Table {
            caption: "What tasks weigh by their size".into(),
            corner: "task".into(),
            columns: vec![Column::new("training labels"), Column::new("weight")],
            rows: outcome.task_weights.iter().map(row).collect(),
            ..Table::default()
        };
        blocks.push(table.into());
    }
    blocks
}

/// Of every class of every task: what the data have, and what the epochs had together.
fn classes(sampled: &Sampled) -> Table {
    let dealt = |task: usize, class: usize| -> u64 {
        sampled.epochs.iter().filter_map(|epoch| epoch.counts.get(task)?.get(class)).sum()
    };
    let rows_of = |(at, task): (usize, &SampledTask)| {
        let all: u64 = task.counts.iter().sum();
        let all_dealt: u64 = (0..task.counts.len()).map(|class| dealt(at, class)).sum();
        let row = |(class, name): (usize, &String)| {
            let (has, had) = (task.counts.get(class).copied().unwrap_or(0), dealt(at, class));
            let cells = vec![
                Cell::Text(count(has)),
                Cell::Text(percent(has, all)),
                Cell::Text(count(had)),
                Cell::Text(percent(had, all_dealt)),
            ];
            Row::measured(format!("{}: {name}", task.name), cells)
        };
        task.classes.iter().enumerate().map(row).collect::<Vec<_>>()
    };
    let made = match sampled.made {
        0 => String::new(),
        made => format!(", {} of which it made", count(made)),
    };
    Table {
        caption: format!("What the sampler `{}` dealt of {} rows{made}", sampled.sampler, count(sampled.rows)),
        corner: "label".into(),
        columns: vec![
            Column::new("rows of the data"),
            Column::new("share"),
            Column::new("rows dealt in training"),
            Column::new("share"),
        ],
        rows: sampled.tasks.iter().enumerate().flat_map(rows_of).collect(),
        ..Table::default()
    }
}

/// Of every epoch: rows, different ones, repeats.
fn epochs(sampled: &Sampled) -> Table {
    let row = |epoch: &SampledEpoch| {
        let numbers = [epoch.rows, epoch.distinct, epoch.repeats, epoch.most];
        Row::measured(epoch.epoch.to_string(), numbers.map(|n| Cell::Text(count(n))).to_vec())
    };
    let (all, half) = (&sampled.epochs, MOST_EPOCHS / 2);
    let shown: Vec<&SampledEpoch> = match all.len() > MOST_EPOCHS {
        true => all[..half].iter().chain(&all[all.len() - half..]).collect(),
        false => all.iter().collect(),
    };
    let left_out = all.len() - shown.len();
    Table {
        caption: "Rows of each epoch".into(),
        corner: "epoch".into(),
        columns: ["rows", "different ones", "repeats", "of one row at most"].map(Column::new).to_vec(),
        rows: shown.into_iter().map(row).collect(),
        footnotes: (left_out > 0)
            .then(|| format!("{left_out} epochs between them are left out."))
            .into_iter()
            .collect(),
    }
}
