//! `cargo xtask ci`: what continuous integration runs, and nothing it does not.
//!
//! Five stages in three groups, cheapest first. All stages of a group run, so that one push shows
//! every cheap complaint; a group with a failure ends the run, because an hour of tests says little
//! about code that does not pass its lints. The last lines are the same table and the same count
//! whether the run was green or not.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::libtorch::{self, Libtorch};
use crate::test::{self, Tally};
use crate::{Outcome, process, repo, tidy};

/// Arguments of `ci`: none, so that everybody runs the same thing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Fmt,
    Tidy,
    Clippy,
    Doc,
    Test,
}

const GROUPS: [&[Stage]; 3] = [&[Stage::Fmt, Stage::Tidy], &[Stage::Clippy, Stage::Doc], &[Stage::Test]];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

#[derive(Debug)]
struct Line {
    stage: Stage,
    verdict: Verdict,
    took: Duration,
}

/// Runs all stages and prints the closing summary.
pub(crate) fn run(_args: &Args) -> Result<Outcome> {
    let root = repo::root()?;
    let start = Instant::now();
    let mut tally = Tally::default();
    let lines = drive(|stage| run_stage(stage, &root, &mut tally))?;
    println!("\n{}total {:>25.1} s", table(&lines), start.elapsed().as_secs_f64());
    println!("{tally}");
    let good = lines.iter().all(|line| line.verdict == Verdict::Passed);
    Ok(if good { Outcome::Good } else { Outcome::Failed })
}

/// Applies the order and stopping rules.
fn drive(mut run_stage: impl FnMut(Stage) -> Result<bool>) -> Result<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::new();
    for group in GROUPS {
        let stopped = lines.iter().any(|line| line.verdict != Verdict::Passed);
        for &stage in group {
            let start = Instant::now();
            let verdict = if stopped {
                Verdict::Skipped
            } else if run_stage(stage)? {
                Verdict::Passed
            } else {
                Verdict::Failed
            };
            lines.push(Line { stage, verdict, took: start.elapsed() });
        }
    }
    Ok(lines)
}

fn run_stage(stage: Stage, root: &Path, tally: &mut Tally) -> Result<bool> {
    eprintln!("\n== {}", stage.name());
    match stage {
        Stage::Fmt => succeeds(process::cargo(root, None).args(["fmt", "--all", "--check"])),
        Stage::Tidy => tidy::check(root),
        Stage::Clippy => {
            let libtorch = libtorch::provision(root)?;
            // Once as most people build it, once the part that needs no libtorch, without it.
            let builds: [&[&str]; 2] = [
                &["--workspace", "--all-targets"],
                &["--package", "mtl-core", "--package", "mtl-metrics", "--no-default-features", "--lib"],
            ];
            for build in builds {
                let mut clippy = process::cargo(root, Some(&libtorch));
                if !succeeds(clippy.arg("clippy").args(build).args(["--", "-D", "warnings"]))? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Stage::Doc => {
            let libtorch = libtorch::provision(root)?;
            succeeds(doc(root, &libtorch).args(["doc", "--workspace", "--no-deps"]))
        }
        Stage::Test => {
            let libtorch = libtorch::provision(root)?;
            *tally = test::run_all(root, &libtorch, false)?;
            Ok(tally.failed == 0)
        }
    }
}

fn doc(root: &Path, libtorch: &Libtorch) -> Command {
    let mut command = process::cargo(root, Some(libtorch));
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}

fn succeeds(command: &mut Command) -> Result<bool> {
    let advice = "install Rust with rustfmt and clippy (rustup component add rustfmt clippy)";
    Ok(process::run(command, advice)?.success())
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Fmt => "fmt",
            Stage::Tidy => "tidy",
            Stage::Clippy => "clippy",
            Stage::Doc => "doc",
            Stage::Test => "test",
        }
    }
}

fn table(lines: &[Line]) -> String {
    lines
        .iter()
        .map(|line| {
            let verdict = match line.verdict {
                Verdict::Passed => "ok",
                Verdict::Failed => "FAILED",
                Verdict::Skipped => "skipped",
            };
            format!("{:<10} {:<10} {:>9.1} s\n", line.stage.name(), verdict, line.took.as_secs_f64())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(bad: &[Stage]) -> Vec<Verdict> {
        let lines = drive(|stage| Ok(!bad.contains(&stage))).unwrap();
        lines.iter().map(|line| line.verdict).collect()
    }

    #[test]
    fn a_cheap_failure_ends_the_run_after_its_group() {
        use Verdict::{Failed, Passed, Skipped};
        assert_eq!(verdicts(&[]), [Passed; 5]);
        assert_eq!(verdicts(&[Stage::Fmt]), [Failed, Passed, Skipped, Skipped, Skipped]);
        assert_eq!(verdicts(&[Stage::Clippy]), [Passed, Passed, Failed, Passed, Skipped]);
        assert_eq!(verdicts(&[Stage::Test]), [Passed, Passed, Passed, Passed, Failed]);
    }

    #[test]
    fn table_has_one_line_a_stage() {
        let lines = drive(|_| Ok(true)).unwrap();
        assert_eq!(table(&lines).lines().count(), 5);
        assert!(table(&lines).starts_with("fmt        ok "));
    }
}
