//! `cargo xtask`: everything a person does to this repository that plain cargo cannot do.
//!
//! The program depends on no crate of the workspace and not on tch, because its first duty is to
//! bring libtorch to a machine that has none; only then can the rest compile. Each verb lives in one
//! file with the same shape: an `Args` struct for clap and a `run` function that returns an
//! [`Outcome`]. Every verb that needs libtorch calls [`libtorch::provision`] first, which is silent
//! and takes about a millisecond once the machine is set up.
//!
//! Exit codes: 0 all is well; 1 a check of the repository failed (a test, a lint, a tidy rule);
//! 2 the environment or the command line is at fault, with a line `help:` that says what to do.

#![expect(clippy::print_stdout, reason = "a program talks to its user; only libraries must not print")]

mod archive;
mod bench;
mod builds;
mod cache;
mod ci;
mod data;
mod digest;
mod doctor;
mod libtorch;
mod manifest;
mod metadata;
mod oldest;
mod peers;
mod problem;
mod process;
mod python;
mod repo;
mod setup;
mod skip;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::problem::Problem;

/// How a verb ended when it could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything asked for is done and good.
    Good,
    /// A check of the repository failed: exit code 1.
    Failed,
    /// The machine lacks something: exit code 2.
    Environment,
}

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    about = "Set-up, data, tests, checks and benchmarks of this workspace",
    after_help = "Exit codes: 0 good, 1 a check failed, 2 environment or command line at fault.\n\
                  MTL_CACHE moves the cache (default: $XDG_CACHE_HOME/mtl or ~/.cache/mtl)."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Find or fetch libtorch and link it to .libtorch
    Setup(setup::Args),
    /// Say what this machine has, what is missing and what to do about it
    Doctor(doctor::Args),
    /// Fetch a data set into the cache and print its folder
    Data(data::Args),
    /// Run every test of the workspace
    Test(test::Args),
    /// Run the checks of the repository itself: layout, style, dependency direction
    Tidy(tidy::Args),
    /// Run what continuous integration runs: fmt, tidy, clippy, doc, oldest compiler, test
    Ci(ci::Args),
    /// Train on real data and print the tables; other suites measure speed and robustness
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli.verb) {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Ok(Outcome::Environment) => ExitCode::from(2),
        Err(error) => {
            report(&error);
            ExitCode::from(2)
        }
    }
}

fn run(verb: &Verb) -> Result<Outcome> {
    match verb {
        Verb::Setup(args) => setup::run(args),
        Verb::Doctor(args) => doctor::run(args),
        Verb::Data(args) => data::run(args),
        Verb::Test(args) => test::run(args),
        Verb::Tidy(args) => tidy::run(args),
        Verb::Ci(args) => ci::run(args),
        Verb::Bench(args) => bench::run(args),
    }
}

/// One line for what went wrong, with its causes behind colons, and one line for what to do.
fn report(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
    if let Some(problem) = error.downcast_ref::<Problem>() {
        eprintln!("help: {}", problem.help());
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_has_a_help_line() {
        for verb in Cli::command().get_subcommands() {
            assert!(verb.get_about().is_some(), "{} has no help", verb.get_name());
        }
    }
}
