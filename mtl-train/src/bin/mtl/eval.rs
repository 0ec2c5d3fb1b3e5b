//! `mtl eval`: the metrics of a finished run on one of its splits.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use mtl_train::{Result, console::out, run_dir::RunDir};

use crate::{
    split::Split,
    table::{table, value},
};

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The run's folder.
    run: PathBuf,
    /// Which samples.
    #[arg(long, value_enum, default_value_t = Split::Test)]
    split: Split,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let session = RunDir::open(&args.run)?.session()?;
    let report = match args.split {
        Split::Validation => session.validate()?,
        Split::Test => session.test()?,
    };
    if args.json {
        out(format_args!("{:#}", serde_json::json!(report)))?;
        return Ok(());
    }
    let mut table = table(&["task", "metric", "value"], 2);
    for result in &report.tasks {
        for (idx, entry) in result.metrics.iter().enumerate() {
            let task = if idx == 0 { result.task.to_string() } else { String::new() };
            table.add_row([task, entry.metric.clone(), value(&entry.outcome)]);
        }
    }
    out(&table)
}
