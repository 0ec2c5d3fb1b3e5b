//! A program with parts of one's own: a head, an encoder, a sharing architecture and a balancing method that the toolkit does not
//! have, each named in a configuration file beside ours.
//!
//! Goal: `kind = "poisson"` in TOML, with everything that comes with it: keys that are checked with a caret, `list`, resume,
//! reports, predictions. Run it with `cargo run -p mtl-train --example own_parts -- list heads`.
//! Expect: the last line of the list is ours.
#![allow(missing_docs, reason = "an example: what users read is the documentation of settings")]

use std::process::ExitCode;

use mtl_train::program;

#[path = "parts.rs"]
mod parts;

fn main() -> ExitCode {
    program::run(parts::parts())
}
