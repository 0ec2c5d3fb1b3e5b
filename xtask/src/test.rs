//! `cargo xtask test`: every test of the workspace, and one line at the end that counts them.
//!
//! A workspace has dozens of test programs, each with its own summary. They are passed through as
//! they come and added up, so that the last line of the output answers the only question: how many
//! passed, how many failed. A build error or a crashed test program has no summary; it is counted as
//! one failure, so that the last line never looks green when the run was not.

use std::fmt;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::libtorch::{self, Libtorch};
use crate::process;
use crate::{Outcome, repo};

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Unit tests only: no integration tests, no doc tests
    #[arg(long)]
    fast: bool,
}

/// Runs the tests and prints the closing line.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let root = repo::root()?;
    let libtorch = libtorch::provision(&root)?;
    let start = Instant::now();
    let tally = run_all(&root, &libtorch, args.fast)?;
    println!();
    println!("tests took {:.1} s", start.elapsed().as_secs_f64());
    println!("{tally}");
    Ok(if tally.failed == 0 { Outcome::Good } else { Outcome::Failed })
}

/// The packages and what they are built with: the part that needs no libtorch is tested as its users without libtorch get
/// it, the rest as everybody else does.
const RUNS: [&[&str]; 3] = [
    &["--package", "mtl-metrics"],
    &["--package", "mtl-core", "--no-default-features", "--lib", "--tests"],
    &["--workspace", "--exclude", "mtl-metrics"],
];

/// Runs `cargo test` and adds up what its programs say.
pub(crate) fn run_all(root: &Path, libtorch: &Libtorch, fast: bool) -> Result<Tally> {
    let mut tally = Tally::default();
    if !is_free_of_libtorch(root)? {
        tally.failed += 1;
    }
    for packages in RUNS {
        let mut command = process::cargo(root, Some(libtorch));
        // All failures in one run: on a slow machine the second half must not need a second run.
        command.args(["test", "--no-fail-fast"]).args(packages);
        if fast && !packages.contains(&"--lib") {
            command.args(["--lib", "--bins"]);
        }
        let before = tally.failed;
        let status = process::run_watched(&mut command, "install Rust", |line| tally.add(line))?;
        if !status.success() && tally.failed == before {
            eprintln!("cargo test failed outside the tests: a build error or a crashed test program");
            tally.failed += 1;
        }
    }
    Ok(tally)
}

/// Whether metrics can be had without libtorch: what cargo would build for them.
fn is_free_of_libtorch(root: &Path) -> Result<bool> {
    let mut command = process::cargo(root, None);
    command.args(["tree", "--package", "mtl-metrics", "--edges", "normal,build", "--prefix", "none"]);
    let output = process::capture(&mut command, "install Rust")?;
    let tree = String::from_utf8_lossy(&output.stdout);
    let is_free = output.status.success() && !tree.lines().any(|line| line.starts_with("tch "));
    if !is_free {
        eprintln!("mtl-metrics depends on tch: only crates that touch tensors may say features = [\"torch\"]\n{tree}");
    }
    Ok(is_free)
}

/// Counts over all test programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
}

impl Tally {
    /// Adds a line of output, if it is a summary.
    fn add(&mut self, line: &str) {
        let Some(summary) = line.trim_start().strip_prefix("test result: ") else {
            return;
        };
        let count = |what: &str| {
            summary
                .split(['.', ';'])
                .find_map(|part| part.trim().strip_suffix(what)?.trim().parse::<u64>().ok())
                .unwrap_or(0)
        };
        self.passed += count("passed");
        self.failed += count("failed");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_add_up_and_other_lines_do_not_count() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests\n",
            "test a ... ok\n",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
            "a test printed: 9 passed; 9 failed\n",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s\n",
        ] {
            tally.add(line);
        }
        assert_eq!(tally.to_string(), "5 passed, 1 failed");
    }
}
