//! `mtl report`: the report of a run, made again from its folder.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use mtl_train::{Result, console::tell, run_dir::RunDir, run_report};

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The run's folder.
    run: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let path = run_report::write(&RunDir::open(&args.run)?)?;
    tell(path.display());
    Ok(())
}
