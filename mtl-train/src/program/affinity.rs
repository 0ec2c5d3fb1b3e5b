//! `mtl affinity`: which tasks of a trained model help each other.

use std::path::PathBuf;

use crate::{
    Result,
    analysis::affinity::{Affinity, AffinityOptions, affinity},
    monitor::console::out,
    run::sources,
};
use clap::Args as ClapArgs;

use super::{run::DataFlags, split::Split, table::table};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The run's folder.
    run: PathBuf,
    #[command(flatten)]
    data: DataFlags,
    /// Batches to look at; of each source, where the run has several.
    #[arg(long, default_value_t = 10)]
    batches: u64,
    /// Length of a step over the norm of the shared parameters.
    #[arg(long, default_value_t = 0.01)]
    step: f64,
    /// Where the batches are from.
    #[arg(long, value_enum, default_value_t = Split::Validation)]
    split: Split,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let (_, session, _) = args.data.open(&args.run)?;
    let loader = sources::side_by_side(args.split.loader(&session))?;
    let options = AffinityOptions { batches: args.batches, step: args.step };
    let found = affinity(session.trainer.model(), &loader, &options)?;
    if args.json {
        out(format_args!("{:#}", serde_json::json!(found)))?;
        return Ok(());
    }
    out(format_args!(
        "how far a step for the row's task lowers the loss of the column's task, % ({} batches)",
        found.batches
    ))?;
    out(matrix(&found, |i, j| found.look_ahead[i][j].map(|z| format!("{:+.3}", 100.0 * z))))?;
    out("mean cosine of the gradients")?;
    let cosine = |i: usize, j: usize| found.conflict.cosine.get(i)?.get(j).map(|c| format!("{c:+.3}"));
    out(matrix(&found, cosine))?;
    Ok(())
}

fn matrix(found: &Affinity, cell: impl Fn(usize, usize) -> Option<String>) -> comfy_table::Table {
    let header: Vec<&str> = [""].into_iter().chain(found.tasks.iter().map(String::as_str)).collect();
    let mut table = table(&header, 1);
    for (i, task) in found.tasks.iter().enumerate() {
        let cells = (0..found.tasks.len()).map(|j| cell(i, j).unwrap_or_else(|| "-".into()));
        table.add_row([task.clone()].into_iter().chain(cells));
    }
    table
}
