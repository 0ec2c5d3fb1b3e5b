//! `cargo xtask test`: every test of the workspace, and one line at the end that counts them.
//!
//! A workspace has dozens of test programs, each with its own summary. They are passed through as they come and added up, so
//! that the last line of the output answers the only question: how many passed, how many failed, how many were skipped because
//! this machine lacks something. A build error or a crashed test program has no summary; it is counted as one failure, so that
//! the last line never looks green when the run was not. libtest counts a skipped test as passed; [`skip`] is how
//! it says the truth. Those that were skipped are named above the last line, each with what it lacks.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::libtorch::{self, Libtorch};
use crate::process;
use crate::skip::{self, Note};
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
    print!("{}", tally.notes());
    println!("{tally}");
    Ok(if tally.failed == 0 { Outcome::Good } else { Outcome::Failed })
}

/// The packages and what they are built with: the part that needs no libtorch is tested as its users without libtorch get
/// it, the rest with every feature that it has.
const RUNS: [&[&str]; 3] = [
    &["--package", "mtl-metrics"],
    &["--package", "mtl-core", "--no-default-features", "--lib", "--tests"],
    &["--workspace", "--exclude", "mtl-metrics", "--all-features"],
];

/// Runs `cargo test`, adds up what its programs say and collects what was skipped.
pub(crate) fn run_all(root: &Path, libtorch: &Libtorch, fast: bool) -> Result<Tally> {
    let mut tally = Tally::default();
    if !is_free_of_libtorch(root)? {
        tally.failed += 1;
    }
    let notes = NoteFile::new()?;
    for packages in RUNS {
        let mut command = process::cargo(root, Some(libtorch));
        command.env(skip::FILE, &notes.0);
        // All failures in one run: on a slow machine the second half must not need a second run.
        command.args(["test", "--no-fail-fast"]).args(packages);
        if fast && !packages.contains(&"--lib") {
            command.args(["--lib", "--bins"]);
        }
        let before = tally.failed;
        let status = process::run_watched(&mut command, "install Rust", |line| tally.read(line))?;
        if !status.success() && tally.failed == before {
            eprintln!("cargo test failed outside the tests: a build error or a crashed test program");
            tally.failed += 1;
        }
    }
    tally.skip(notes.read()?);
    Ok(tally)
}

/// The file into which tests write that they were skipped; it goes with the run.
struct NoteFile(PathBuf);

impl NoteFile {
    /// An empty one: the tests append.
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("mtl-skipped-{}", std::process::id()));
        fs::write(&path, "").with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(path))
    }

    fn read(&self) -> Result<Vec<Note>> {
        let text = fs::read_to_string(&self.0).with_context(|| format!("cannot read {}", self.0.display()))?;
        text.lines()
            .map(|line| Note::parse(line).with_context(|| format!("not a note of a skipped test: {line:?}")))
            .collect()
    }
}

impl Drop for NoteFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that ran and passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
    /// Tests that lacked something and did not run, or not all of them; one may lack several things.
    pub(crate) skipped: Vec<Note>,
}

impl Tally {
    /// Adds another one.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
    }

    /// Adds a line of output, if it is a summary.
    fn read(&mut self, line: &str) {
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

    /// Takes tests that were skipped off those that passed, as which libtest has counted them.
    fn skip(&mut self, notes: Vec<Note>) {
        let before = self.n_skipped();
        self.skipped.extend(notes);
        self.passed = self.passed.saturating_sub(self.n_skipped() - before);
    }

    /// How many tests were skipped.
    pub(crate) fn n_skipped(&self) -> u64 {
        let tests: BTreeSet<(&str, &str)> = self.skipped.iter().map(|note| (&*note.test, &*note.place)).collect();
        tests.len() as u64
    }

    /// A line for each thing that a skipped test lacked.
    pub(crate) fn notes(&self) -> String {
        self.skipped.iter().map(|note| format!("{note}\n")).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.n_skipped())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skip::Lacking;

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
            tally.read(line);
        }
        assert_eq!(tally.to_string(), "5 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn a_skipped_test_is_no_passed_one_and_counts_once() {
        let note = |test: &str, what: &str| Note {
            lacking: Lacking::Data,
            what: what.into(),
            test: test.into(),
            place: "tests/x.rs:1".into(),
            reason: "fetch it".into(),
        };
        let mut tally = Tally { passed: 7, ..Tally::default() };
        tally.skip(vec![note("a", "census"), note("a", "atis"), note("b", "atis")]);
        assert_eq!(tally.to_string(), "5 passed, 0 failed, 2 skipped");
        assert_eq!(tally.notes().lines().next(), Some("skipped: a (tests/x.rs:1): no census (data): fetch it"));
    }

    #[test]
    fn a_line_is_read_as_the_note_that_it_was_made_of() {
        let note = |reason: &str| Note {
            lacking: Lacking::Data,
            what: "census-income".into(),
            test: "real::rows".into(),
            place: "tests/real.rs:7".into(),
            reason: reason.into(),
        };
        let line = note("fetch\tit,\nthen go on").line();
        assert_eq!(line.lines().count(), 1);
        assert_eq!(Note::parse(line.trim_end()), Some(note("fetch it, then go on")));
        for bad in ["", "data\tx\ty\tz", "weather\tx\ty\tz\tw"] {
            assert_eq!(Note::parse(bad), None, "{bad:?}");
        }
        let allows = |words: &[&str]| note("").is_allowed(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
        assert!(allows(&["browser", "data"]) && allows(&["census-income"]));
        assert!(!allows(&[]) && !allows(&["browser"]));
    }

    #[test]
    fn notes_of_tests_reach_the_run() {
        let file = NoteFile::new().unwrap();
        assert_eq!(file.read().unwrap(), []);
        fs::write(&file.0, "data\tx\ta\tb\tc\n").unwrap();
        assert_eq!(file.read().unwrap().len(), 1);
        fs::write(&file.0, "half a line").unwrap();
        assert!(file.read().is_err(), "a note that cannot be read is an error, not silence");
        let path = file.0.clone();
        drop(file);
        assert!(!path.exists());
    }
}
