//! The `mtl` program: see [`mtl_train::program`].

use std::process::ExitCode;

use mtl_train::{Parts, program};

fn main() -> ExitCode {
    program::run(Parts::ours())
}
