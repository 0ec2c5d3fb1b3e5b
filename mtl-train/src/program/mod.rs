//! The `mtl` program, as a function: multi-task training from a configuration file.
//!
//! A program with parts of its own is three lines; everything that the verbs do they do for those parts too:
//!
//! ```no_run
//! use mtl_train::{Parts, program};
//!
//! fn main() -> std::process::ExitCode {
//!     program::run(Parts::ours())
//! }
//! ```
//!
//! | file | verb |
//! |---|---|
//! | `train`, `dry_run`, `find_lr` | `mtl train`, with `--dry-run` and `--find-lr` |
//! | `stream` | `mtl stream`: judged, then learned from, batch by batch |
//! | `compare`, `eval`, `affinity`, `explain`, `report`, `export`, `predict` | each its own |
//! | `init` | a configuration for a table |
//! | `data`, `doctor`, `list` | what is there, and what is wrong with it |
//! | `run`, `source`, `split`, `table`, `post_hoc` | arguments, tables and lines that several verbs share |

mod affinity;
mod compare;
mod data;
mod doctor;
mod dry_run;
mod eval;
mod explain;
mod export;
mod find_lr;
mod folder;
mod init;
mod list;
mod post_hoc;
mod predict;
mod report;
mod run;
mod source;
mod split;
mod stream;
mod table;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    Error,
    monitor::console::{CLOSED_PIPE, is_closed_pipe, note},
    parts::Parts,
};

/// Multi-task learning from a configuration file.
#[derive(Debug, Parser)]
#[command(name = "mtl", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at a table and write a configuration that trains on it, with a reason for every line.
    Init(init::Args),
    /// Train the model that a configuration file describes, choose the best epoch on validation, test it.
    Train(train::Args),
    /// Learn from a table without end: a file that grows, or lines of the standard input; every row is judged before it is learned.
    Stream(stream::Args),
    /// Compare methods over several seeds, or choose task weights by cross-validation.
    Compare(compare::Args),
    /// The metrics of a finished run on validation or test.
    Eval(eval::Args),
    /// Which tasks of a trained model help each other, and which hurt.
    Affinity(affinity::Args),
    /// What is in a data set: sizes, fields, labels, a few rows.
    Data(data::Args),
    /// What the program runs on; with a configuration, what is wrong with it or its data.
    Doctor(doctor::Args),
    /// Say what the answers of a trained model rest on, with a deletion test.
    Explain(explain::Args),
    /// Write the report of a run again.
    Report(report::Args),
    /// Export a finished run: weights, TorchScript, description and model card in one folder.
    Export(export::Args),
    /// Answer raw rows, texts or pictures with an exported model, a run or a TorchScript file.
    Predict(predict::Args),
    /// List what a configuration file can name.
    List(list::Args),
}

/// Runs the program with the arguments of this process.
///
/// The exit code is 0 when all went well, 1 for what happened on the way (a divergence, a failure of libtorch), 2 for what the
/// user gave: arguments, configuration, data, files, parts whose names are taken.
#[must_use]
pub fn run(parts: Parts) -> ExitCode {
    mtl_core::shim::init();
    if let Err(e) = parts.into_result() {
        note(format_args!("error: {e}"));
        return ExitCode::from(exit_code(&e));
    }
    let outcome = match Cli::parse().command {
        Command::Init(args) => init::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Stream(args) => stream::run(&args),
        Command::Compare(args) => compare::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Export(args) => export::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Predict(args) => predict::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Explain(args) => explain::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Report(args) => report::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Affinity(args) => affinity::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Eval(args) => eval::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Data(args) => data::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Doctor(args) => doctor::run(&args),
        Command::List(args) => list::run(&args).map(|()| ExitCode::SUCCESS),
    };
    match outcome {
        Ok(code) => code,
        Err(e) if is_closed_pipe(&e) => ExitCode::from(CLOSED_PIPE),
        Err(e) => {
            note(format_args!("error: {e}"));
            ExitCode::from(exit_code(&e))
        }
    }
}

/// 2 for what the user gave (configuration, data, files), 1 for what happened on the way.
fn exit_code(e: &Error) -> u8 {
    use mtl_core::Error as Core;
    match e {
        Error::Step { source, .. } | Error::Setting { source, .. } => exit_code(source),
        Error::NonFinite(_) | Error::Core(Core::Torch { .. } | Core::Solver { .. } | Core::NonFinite { .. }) => 1,
        _ => 2,
    }
}
