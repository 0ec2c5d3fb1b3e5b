//! `cargo xtask setup`: libtorch, found or fetched, linked to `.libtorch`.
//!
//! The work is in [`crate::libtorch`]; every verb that builds calls it. This verb exists to do it on
//! its own, with a choice of variant, and to say what was done.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::libtorch::{self, Origin, Wish};
use crate::process;
use crate::{Outcome, repo};

/// Arguments of `setup`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Keep the CUDA libraries and fetch those that torch needs (2.5 GB, 3.6 GB on disk)
    #[arg(long)]
    cuda: bool,
    /// Take wheels from this folder before asking pip (for machines without a network)
    #[arg(long, value_name = "DIR")]
    wheels: Option<PathBuf>,
    /// Fill the cache but leave the .libtorch link as it is
    #[arg(long)]
    no_link: bool,
}

/// Provisions libtorch and reports what it is.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let root = repo::root()?;
    let start = Instant::now();
    let before = libtorch::current(&root).ok();
    let found = libtorch::ensure(&root, &Wish { cuda: args.cuda, wheels: args.wheels.clone(), no_link: args.no_link })?;
    let changed = before.is_some_and(|before| before.layout.cuda != found.layout.cuda);
    if changed && !args.no_link {
        // torch-sys decided at build time whether to link CUDA and does not see that the link moved.
        forget_build(process::cargo(&root, Some(&found)))?;
    }
    println!(
        "libtorch {} {}: {} ({}, {:.1} s)",
        found.layout.version,
        if found.layout.cuda { "with CUDA" } else { "for the CPU" },
        found.dir.display(),
        match found.origin {
            Origin::Environment => "from LIBTORCH",
            Origin::Link => "already in place",
            Origin::Python => "from the torch of Python",
            Origin::Cache => "from the cache",
            Origin::Download => "fetched",
        },
        start.elapsed().as_secs_f64()
    );
    Ok(Outcome::Good)
}

fn forget_build(mut cargo: Command) -> Result<()> {
    // Nothing built yet is no failure, so the status does not matter.
    process::run_aside(cargo.args(["clean", "--quiet", "--package", "torch-sys"]), "install Rust")?;
    Ok(())
}
