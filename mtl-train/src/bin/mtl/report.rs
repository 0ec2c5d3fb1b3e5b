//! `mtl report`: the report of a run, made again from its folder.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use mtl_train::{Result, run_dir::RunDir, run_report};

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The run's folder.
    run: PathBuf,
}

#[expect(clippy::print_stdout, reason = "what the program is for")]
pub(crate) fn run(args: &Args) -> Result<()> {
    let path = run_report::write(&RunDir::open(&args.run)?)?;
    println!("{}", path.display());
    Ok(())
}
