//! `mtl export`: a finished run as a folder that stands alone.

use std::path::PathBuf;

use crate::{
    Error, Result,
    deploy::export::{Formats, export},
    monitor::console::{note, tell},
    run::{data::Reopen, dir::RunDir},
};
use clap::{Args as ClapArgs, ValueEnum};
use mtl_data::OnChange;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The folder of a finished run.
    run: PathBuf,
    /// The folder to make.
    #[arg(long)]
    to: PathBuf,
    /// What it holds beside description and model card.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// The weights by name.
    Safetensors,
    /// The network as a program, for Python and C++.
    Torchscript,
    /// Both.
    #[default]
    Both,
}

impl From<Format> for Formats {
    fn from(format: Format) -> Self {
        match format {
            Format::Safetensors => Self::Safetensors,
            Format::Torchscript => Self::Torchscript,
            Format::Both => Self::Both,
        }
    }
}

/// The package is the run's, whatever became of its data; but whoever exports should know that they changed.
fn tell_of_changes(run: &RunDir) -> Result<()> {
    let config = run.config()?;
    // A stream is read once: there is nothing to compare.
    if config.stream.is_some() {
        return Ok(());
    }
    let how = Reopen { on_change: OnChange::Allow, ..Reopen::default() };
    match run.reload(&config, &how) {
        Ok(reloaded) => {
            for change in reloaded.changes {
                note(format_args!("warning: {change}; what is exported is the run's"));
            }
        }
        // Data that are gone are no news to whoever removed them.
        Err(Error::Data(mtl_data::Error::Gone { .. })) => {}
        Err(e) => note(format_args!("warning: {e}; what is exported is the run's")),
    }
    Ok(())
}

pub(super) fn run(args: &Args) -> Result<()> {
    let run = RunDir::open(&args.run)?;
    let files = export(&run, &args.to, args.format.into())?;
    tell_of_changes(&run)?;
    for file in files {
        tell(file.display());
    }
    Ok(())
}
