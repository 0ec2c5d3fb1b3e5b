//! `mtl report`: the report of a run, made again from its folder.

use std::path::PathBuf;

use crate::{Result, analysis::run_report, monitor::console::tell, run::dir::RunDir, stream};
use clap::Args as ClapArgs;

use super::run::{DataFlags, warn};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The run's folder.
    run: PathBuf,
    #[command(flatten)]
    data: DataFlags,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let dir = RunDir::open(&args.run)?;
    let (path, changes) = match dir.config()?.stream {
        Some(_) => (stream::write_page(&dir)?, Vec::new()),
        None => run_report::write(&dir, &args.data.reopen())?,
    };
    warn(&changes);
    tell(path.display());
    Ok(())
}
