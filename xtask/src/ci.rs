//! `cargo xtask ci`: what continuous integration runs, and nothing it does not.
//!
//! Six stages in three groups, cheapest first. All stages of a group run, so that one push shows
//! every cheap complaint; a group with a failure ends the run, because an hour of tests says little
//! about code that does not pass its lints. The last lines are the same table and the same count
//! whether the run was green or not.
//!
//! What was skipped because this machine lacks it is a failure here, unless `--allow-missing` names it; the closing count shows
//! it either way.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::libtorch::{self, Libtorch};
use crate::skip::Note;
use crate::test::{self, Tally};
use crate::{Outcome, builds, metadata, oldest, process, repo, tidy};

/// Arguments of `ci`: none that choose what runs, so that everybody runs the same thing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Let pass what is skipped for want of this: data, browser, python, system, compiler, or one thing (census-income)
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    allow_missing: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Fmt,
    Tidy,
    Clippy,
    Doc,
    Oldest,
    Test,
}

const GROUPS: [&[Stage]; 3] = [&[Stage::Fmt, Stage::Tidy], &[Stage::Clippy, Stage::Doc, Stage::Oldest], &[Stage::Test]];

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
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let root = repo::root()?;
    let start = Instant::now();
    let mut tally = Tally::default();
    let lines = drive(|stage| run_stage(stage, &root, &args.allow_missing, &mut tally))?;
    println!("\n{}total {:>25.1} s", table(&lines), start.elapsed().as_secs_f64());
    print!("{}", tally.notes());
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

fn run_stage(stage: Stage, root: &Path, allowed: &[String], tally: &mut Tally) -> Result<bool> {
    eprintln!("\n== {}", stage.name());
    match stage {
        Stage::Fmt => succeeds(process::cargo(root, None).args(["fmt", "--all", "--check"])),
        Stage::Tidy => tidy::check(root),
        Stage::Clippy => {
            let libtorch = libtorch::provision(root)?;
            for build in builds::builds(&metadata::members(root)?) {
                let mut clippy = process::cargo(root, Some(&libtorch));
                if !succeeds(clippy.arg("clippy").args(build).args(["--", "-D", "warnings"]))? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Stage::Doc => {
            let libtorch = libtorch::provision(root)?;
            succeeds(doc(root, &libtorch).args(["doc", "--workspace", "--no-deps", "--all-features"]))
        }
        Stage::Oldest => match oldest::check(root, &libtorch::provision(root)?)? {
            oldest::Verdict::Good => Ok(true),
            oldest::Verdict::Broken => Ok(false),
            oldest::Verdict::Unknown(note) => {
                let may_lack = may_lack(std::slice::from_ref(&note), allowed);
                tally.skipped.push(note);
                Ok(may_lack)
            }
        },
        Stage::Test => {
            let libtorch = libtorch::provision(root)?;
            let found = test::run_all(root, &libtorch, false)?;
            let may_lack = may_lack(&found.skipped, allowed);
            tally.add(found);
            Ok(tally.failed == 0 && may_lack)
        }
    }
}

/// Whether all that was skipped may be; says how to allow it where it may not.
fn may_lack(skipped: &[Note], allowed: &[String]) -> bool {
    let refused: Vec<&Note> = skipped.iter().filter(|note| !note.is_allowed(allowed)).collect();
    for note in &refused {
        eprintln!("{note}\n    that fails here: --allow-missing {} lets it pass", note.what);
    }
    refused.is_empty()
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
            Stage::Oldest => "oldest",
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
    use crate::skip::Lacking;

    fn verdicts(bad: &[Stage]) -> Vec<Verdict> {
        let lines = drive(|stage| Ok(!bad.contains(&stage))).unwrap();
        lines.iter().map(|line| line.verdict).collect()
    }

    #[test]
    fn a_cheap_failure_ends_the_run_after_its_group() {
        use Verdict::{Failed, Passed, Skipped};
        assert_eq!(verdicts(&[]), [Passed; 6]);
        assert_eq!(verdicts(&[Stage::Fmt]), [Failed, Passed, Skipped, Skipped, Skipped, Skipped]);
        assert_eq!(verdicts(&[Stage::Clippy]), [Passed, Passed, Failed, Passed, Passed, Skipped]);
        assert_eq!(verdicts(&[Stage::Test]), [Passed, Passed, Passed, Passed, Passed, Failed]);
    }

    #[test]
    fn table_has_one_line_a_stage() {
        let lines = drive(|_| Ok(true)).unwrap();
        assert_eq!(table(&lines).lines().count(), 6);
        assert!(table(&lines).starts_with("fmt        ok "));
    }

    #[test]
    fn what_is_missing_fails_unless_it_is_allowed() {
        let note = Note {
            lacking: Lacking::Browser,
            what: "chromium".into(),
            test: "no_page_scrolls_sideways".into(),
            place: "pages/browser.rs:1".into(),
            reason: "install it".into(),
        };
        let allowed = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            may_lack(std::slice::from_ref(&note), &words)
        };
        assert!(!allowed(&[]) && !allowed(&["data"]));
        assert!(allowed(&["browser"]) && allowed(&["data", "chromium"]));
        assert!(may_lack(&[], &[]), "nothing was skipped");
    }
}
