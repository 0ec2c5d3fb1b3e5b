//! The `mtl` program: multi-task training from a configuration file.

mod compare;
mod list;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mtl_train::Error;

/// Multi-task learning from a configuration file.
#[derive(Debug, Parser)]
#[command(name = "mtl", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train the model that a configuration file describes, choose the best epoch on validation, test it.
    Train(train::Args),
    /// Compare methods over several seeds, or choose task weights by cross-validation.
    Compare(compare::Args),
    /// List what a configuration file can name.
    List(list::Args),
}

fn main() -> ExitCode {
    mtl_core::shim::init();
    let outcome = match Cli::parse().command {
        Command::Train(args) => train::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::List(args) => list::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::from(exit_code(&e))
        }
    }
}

/// 2 for what the user gave (configuration, data, files), 1 for what happened on the way.
fn exit_code(e: &Error) -> u8 {
    use mtl_core::Error as Core;
    match e {
        Error::Step { source, .. } => exit_code(source),
        Error::Core(Core::Torch { .. } | Core::Solver { .. } | Core::NonFinite { .. }) => 1,
        _ => 2,
    }
}
