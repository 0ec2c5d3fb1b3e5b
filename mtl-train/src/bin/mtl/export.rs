//! `mtl export`: a finished run as a folder that stands alone.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use mtl_train::{
    Result,
    console::tell,
    export::{Formats, export},
    run_dir::RunDir,
};

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
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

pub(crate) fn run(args: &Args) -> Result<()> {
    for file in export(&RunDir::open(&args.run)?, &args.to, args.format.into())? {
        tell(file.display());
    }
    Ok(())
}
