//! `cargo xtask bench --suite peers`: our programs against what people use today, in turn, on the same cores and data.
//!
//! Each comparison is a Python script and a run of `mtl-bench`; both print JSON lines `{what, seconds, samples?, check}`. They
//! run one after the other, several rounds, and ratios are medians of the rounds' ratios, so that a busy moment of the machine
//! hits both. The Python environment is made once, in the cache, from pinned packages; `--python` names another that has them.
//!
//! How well, not how fast, is the question of [`tables`]: `--only tables`. It takes hours and is run when it is asked for.

mod environment;
pub(crate) mod tables;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::cache::Cache;
use crate::libtorch::Libtorch;
use crate::process;

use environment::environment;

/// What the scripts need; the versions that figures in the documents were measured with.
const PACKAGES: [&str; 8] = [
    "torch==2.11.0",
    "numpy==2.4.6",
    "pandas==3.1.1",
    "scikit-learn==1.9.1",
    "torchmetrics==1.9.0",
    "sacrebleu==2.6.0",
    "jiwer==4.0.0",
    "pycocotools==2.0.11",
];

/// One comparison.
struct Comparison {
    /// The script's file name and text.
    script: (&'static str, &'static str),
    /// Where the data are.
    data: Data,
    /// The script's arguments, one run each, after the data folder.
    theirs: &'static [&'static [&'static str]],
    /// The suite of `mtl-bench` and its further arguments.
    ours: &'static [&'static str],
}

/// What a comparison reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Data {
    /// The files of Census-Income.
    Census,
    /// What the script draws into a folder of the cache, for both sides.
    Drawn,
}

const COMPARISONS: &[Comparison] = &[
    Comparison {
        script: ("census.py", include_str!("census.py")),
        data: Data::Census,
        theirs: &[&["2", "dataloader"], &["2", "indexing"]],
        ours: &["--suite", "peer-census", "--epochs", "2"],
    },
    Comparison {
        script: ("metrics.py", include_str!("metrics.py")),
        data: Data::Drawn,
        theirs: &[&["binary"], &["maps"], &["text"], &["coco"]],
        ours: &["--suite", "peer-metrics"],
    },
];

/// A line that either side prints.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Line {
    what: String,
    seconds: f64,
    #[serde(default)]
    samples: Option<f64>,
    #[serde(default)]
    check: BTreeMap<String, f64>,
}

/// What the user chose.
#[derive(Debug)]
pub(crate) struct Choice {
    /// An interpreter that has the packages, in place of one made for it.
    pub(crate) python: Option<PathBuf>,
    /// Only scripts whose name contains this.
    pub(crate) only: Option<String>,
    /// How often each side runs.
    pub(crate) rounds: u32,
}

/// Runs the chosen comparisons so many times in turn; prints one table each.
pub(crate) fn run(root: &Path, libtorch: &Libtorch, census: &Path, choice: &Choice) -> Result<bool> {
    let cache = Cache::locate()?;
    let python = match &choice.python {
        Some(python) => python.clone(),
        None => environment(&cache, "peers", &PACKAGES)?,
    };
    let mut build = process::cargo(root, Some(libtorch));
    build.args(["build", "--release", "--package", "mtl-train", "--bin", "mtl-bench"]);
    if !process::run(&mut build, "install Rust with its cargo")?.success() {
        return Ok(false);
    }
    let drawn = cache.root().join("peer-metrics");
    let chosen = |c: &&Comparison| choice.only.as_ref().is_none_or(|only| c.script.0.contains(only));
    for comparison in COMPARISONS.iter().filter(chosen) {
        let data = if comparison.data == Data::Census { census } else { &drawn };
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for round in 1..=choice.rounds {
            eprintln!("{}: round {round} of {}", comparison.script.0, choice.rounds);
            let mut line = Vec::new();
            for arguments in comparison.theirs {
                line.extend(their_run(&cache, &python, comparison, data, arguments)?);
            }
            theirs.push(line);
            ours.push(our_run(root, libtorch, comparison, data)?);
        }
        print(&theirs, &ours);
    }
    Ok(true)
}

fn their_run(
    cache: &Cache,
    python: &Path,
    comparison: &Comparison,
    data: &Path,
    arguments: &[&str],
) -> Result<Vec<Line>> {
    let (name, text) = comparison.script;
    let script = cache.root().join(name);
    fs::write(&script, text).with_context(|| format!("cannot write {}", script.display()))?;
    let mut command = Command::new(python);
    command.arg(&script).arg(data).args(arguments).env("OMP_NUM_THREADS", "2");
    lines(&process::capture(&mut command, "name an interpreter that has the packages with --python")?.stdout)
}

fn our_run(root: &Path, libtorch: &Libtorch, comparison: &Comparison, data: &Path) -> Result<Vec<Line>> {
    let mut command = process::cargo(root, Some(libtorch));
    command.args(["run", "--quiet", "--release", "--package", "mtl-train", "--bin", "mtl-bench", "--"]);
    command.args(comparison.ours).arg("--data-dir").arg(data).env("OMP_NUM_THREADS", "2");
    lines(&process::capture(&mut command, "")?.stdout)
}

fn lines(output: &[u8]) -> Result<Vec<Line>> {
    let text = String::from_utf8_lossy(output);
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).with_context(|| format!("not a result: {line}"))).collect()
}

/// One row per line of theirs, beside that line of ours with whose name it begins.
fn print(theirs: &[Vec<Line>], ours: &[Vec<Line>]) {
    let Some(first) = theirs.first() else { return };
    println!("{:44} {:>10} {:>10} {:>8} {:>14} {:>14}", "", "theirs, s", "ours, s", "ratio", "theirs /s", "ours /s");
    for (index, line) in first.iter().enumerate() {
        let pairs: Vec<(&Line, &Line)> = theirs
            .iter()
            .zip(ours)
            .filter_map(|(t, o)| {
                let t = t.get(index)?;
                Some((t, o.iter().find(|o| t.what.starts_with(&o.what))?))
            })
            .collect();
        let over = |value: &dyn Fn(&(&Line, &Line)) -> f64| median(pairs.iter().map(value).collect());
        let rate = |line: &Line| line.samples.map_or(f64::NAN, |n| n / line.seconds);
        // With samples the ratio is that of rates: both sides may have held out a slightly different number of rows.
        let ratio = |(t, o): &(&Line, &Line)| match (t.samples, o.samples) {
            (Some(_), Some(_)) => rate(o) / rate(t),
            _ => t.seconds / o.seconds,
        };
        let rates = match line.samples {
            Some(_) => format!(" {:14.0} {:14.0}", over(&|p| rate(p.0)), over(&|p| rate(p.1))),
            None => String::new(),
        };
        println!(
            "{:44} {:10.3} {:10.3} {:7.2}x{rates}",
            line.what,
            over(&|p| p.0.seconds),
            over(&|p| p.1.seconds),
            over(&ratio),
        );
        if let Some((theirs, ours)) = pairs.last() {
            for (name, value) in &theirs.check {
                let ours = ours.check.get(name).map_or_else(|| "-".to_owned(), |v| format!("{v:.6}"));
                println!("    {name:40} {value:10.6} {ours:>10}");
            }
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_from_among_other_lines() {
        let text = b"warning: x\n{\"what\": \"a\", \"seconds\": 2.0, \"samples\": 10, \"check\": {\"auc\": 0.5}}\n";
        let found = lines(text).unwrap();
        assert_eq!((found.len(), found[0].seconds, found[0].samples), (1, 2.0, Some(10.0)));
        assert_eq!(found[0].check["auc"].to_bits(), 0.5_f64.to_bits());
        assert!(lines(b"{broken").is_err());
        assert_eq!(median(vec![3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
    }

    #[test]
    fn every_script_says_how_it_is_called() {
        for comparison in COMPARISONS {
            let (name, text) = comparison.script;
            assert!(text.contains(&format!("Usage: {name} ")), "{name}");
            assert!(!comparison.theirs.is_empty() && comparison.ours.first() == Some(&"--suite"));
        }
    }
}
