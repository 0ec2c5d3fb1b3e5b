//! `cargo xtask bench`: the main job. Real data, training, tables.
//!
//! The verb only brings the pieces together: libtorch and the data come from set-up, the trainings
//! and tables from the `mtl-bench` program of mtl-train, the micro-benchmarks from whatever criterion
//! targets the workspace has at the moment (cargo is asked, so that none is forgotten). When the data
//! cannot be fetched the run goes on with the generator that `mtl-bench` has built in, and says so:
//! half an answer on a plane is better than none.
//!
//! A newcomer waits for the table, so it comes first and alone: criterion and what it needs are minutes
//! of building more, and have a suite of their own. Each piece is announced before it begins, and
//! everything is built in one profile, optimized. All micro-benchmarks are one cargo call, so that what
//! they share is built once.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Deserialize;

use crate::cache::Cache;
use crate::data;
use crate::libtorch::{self, Libtorch};
use crate::peers;
use crate::process;
use crate::{Outcome, repo};

const NEED_RUST: &str = "install Rust with its cargo";

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How much to run
    #[arg(long, value_enum, default_value_t = Suite::Quick)]
    suite: Suite,
    /// Folder with the Census-Income files; default: the cache, filled on the first run
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Also write the report to this file
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
    /// Seeds per model [default: 3 for quality, 5 for peers on tables, 1 otherwise]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    seeds: Option<u32>,
    /// For peers: a Python that has their packages [default: an environment in the cache]
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// For peers: only comparisons whose name contains this; `tables` or `tables/SET,..`: quality on tables, for hours
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// For peers on tables: the small sets, one seed
    #[arg(long)]
    quick: bool,
    /// For peers on tables: leave out the rows that test, and test on others, to choose settings by
    #[arg(long)]
    dev: bool,
    /// For peers on tables: a built `mtl` [default: that of this checkout, built for it]
    #[arg(long, value_name = "PATH")]
    mtl: Option<PathBuf>,
    /// For peers and load: how often each side is measured
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// For fuzz: how many pairs [default: 100000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pairs: Option<u64>,
    /// For stream: how many rows [default: 10000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..))]
    rows: Option<u64>,
}

/// What to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// Every model once on Census-Income: a minute after the first build
    Quick,
    /// More epochs and seeds: the numbers of the README
    Quality,
    /// Criterion's micro-benchmarks: minutes, with a build of their own
    Micro,
    /// The training step against its floor
    Step,
    /// Training on a quiet machine and beside a busy one
    Load,
    /// Ten million generated rows with a planted change through a stream's run: minutes, no data
    Stream,
    /// One rank with every processor against a rank for every processor
    Ranks,
    /// Mutated tables and configurations through everything that reads them
    Fuzz,
    /// Balancing methods on the two-objective toy: seconds, no data
    Toy,
    /// Our programs and PyTorch's in turn, in a Python environment made for it
    Peers,
}

impl Suite {
    fn name(self) -> &'static str {
        match self {
            Suite::Quick => "quick",
            Suite::Quality => "quality",
            Suite::Micro => "micro",
            Suite::Step => "step",
            Suite::Load => "load",
            Suite::Stream => "stream",
            Suite::Ranks => "ranks",
            Suite::Fuzz => "fuzz",
            Suite::Toy => "toy",
            Suite::Peers => "peers",
        }
    }

    /// Whether it trains on data at all.
    fn trains(self) -> bool {
        matches!(self, Suite::Quick | Suite::Quality | Suite::Load | Suite::Ranks)
    }

    fn default_seeds(self) -> u32 {
        if self == Suite::Quality { 3 } else { 1 }
    }
}

/// Where the trainings get their rows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum DataChoice {
    Folder(PathBuf),
    Synthetic,
}

/// Runs the suite.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let root = repo::root()?;
    let libtorch = libtorch::provision(&root)?;
    if let (Suite::Peers, Some(choice)) = (args.suite, tables_choice(args)) {
        let good = peers::tables::run(&root, &libtorch, &choice)?;
        return Ok(if good { Outcome::Good } else { Outcome::Failed });
    }
    if args.suite == Suite::Peers {
        let DataChoice::Folder(data) = choose_data(args.data_dir.as_deref())? else {
            return Ok(Outcome::Failed); // the reason has been said
        };
        let choice = peers::Choice { python: args.python.clone(), only: args.only.clone(), rounds: args.rounds };
        let good = peers::run(&root, &libtorch, &data, &choice)?;
        return Ok(if good { Outcome::Good } else { Outcome::Failed });
    }
    if args.suite == Suite::Micro {
        return Ok(if micro_benchmarks(&root, &libtorch)? { Outcome::Good } else { Outcome::Failed });
    }
    let pieces = if args.suite.trains() { 3 } else { 2 };
    let data = match args.suite.trains() {
        true => {
            announce(1, pieces, "data: Census-Income from the cache, fetched on the first run (9 MB)");
            choose_data(args.data_dir.as_deref())?
        }
        false => DataChoice::Synthetic,
    };
    announce(pieces - 1, pieces, "building mtl-bench, optimized: some minutes on the first run, seconds after that");
    let start = Instant::now();
    if !process::run(process::cargo(&root, Some(&libtorch)).args(BUILD), NEED_RUST)?.success() {
        return Ok(Outcome::Failed);
    }
    let took = start.elapsed().as_secs_f64();
    announce(pieces, pieces, &format!("built in {took:.0} s; running suite {}", args.suite.name()));
    let mut command = process::cargo(&root, Some(&libtorch));
    command.args(program_args(args, &data)?);
    Ok(if process::run(&mut command, NEED_RUST)?.success() { Outcome::Good } else { Outcome::Failed })
}

/// What `--only tables` and its kin ask for.
fn tables_choice(args: &Args) -> Option<peers::tables::Choice> {
    let sets = args.only.as_deref()?.strip_prefix("tables")?;
    let sets = sets.trim_start_matches('/').split(',').filter(|name| !name.is_empty());
    Some(peers::tables::Choice {
        sets: sets.map(str::to_owned).collect(),
        is_quick: args.quick,
        is_dev: args.dev,
        seeds: args.seeds.unwrap_or(if args.quick { 1 } else { 5 }),
        program: args.mtl.clone(),
        python: args.python.clone(),
    })
}

/// Says what comes next: a first run is silent for minutes otherwise.
fn announce(piece: usize, pieces: usize, what: &str) {
    eprintln!("[{piece}/{pieces}] {what}");
}

fn choose_data(given: Option<&Path>) -> Result<DataChoice> {
    if let Some(dir) = given {
        return Ok(DataChoice::Folder(absolute(dir)?));
    }
    let fetched = Cache::locate().and_then(|cache| data::fetch(&cache, &data::SETS[0]));
    Ok(match fetched {
        Ok(dir) => DataChoice::Folder(dir),
        Err(error) => {
            eprintln!("no Census-Income data ({error:#}): going on with synthetic data");
            DataChoice::Synthetic
        }
    })
}

/// The cargo arguments that build `mtl-bench`.
const BUILD: [&str; 6] = ["build", "--release", "--package", "mtl-train", "--bin", "mtl-bench"];

/// The cargo arguments that run `mtl-bench`.
fn program_args(args: &Args, data: &DataChoice) -> Result<Vec<String>> {
    let mut words: Vec<String> =
        ["run", "--quiet", "--release", "--package", "mtl-train", "--bin", "mtl-bench", "--"].map(str::to_owned).into();
    words.extend(["--suite".to_owned(), args.suite.name().to_owned()]);
    match data {
        DataChoice::Folder(dir) => {
            words.extend(["--data-dir".to_owned(), dir.display().to_string()]);
        }
        DataChoice::Synthetic => words.push("--synthetic".to_owned()),
    }
    let seeds = args.seeds.unwrap_or(args.suite.default_seeds());
    words.extend(["--seeds".to_owned(), seeds.to_string()]);
    if matches!(args.suite, Suite::Load | Suite::Ranks) {
        words.extend(["--rounds".to_owned(), args.rounds.to_string()]);
    }
    for (flag, n) in [("--pairs", args.pairs), ("--rows", args.rows)] {
        words.extend(n.into_iter().flat_map(|n| [flag.to_owned(), n.to_string()]));
    }
    words.extend(["--out".to_owned(), "target/bench".to_owned()]);
    if let Some(path) = &args.json {
        words.extend(["--json".to_owned(), absolute(path)?.display().to_string()]);
    }
    Ok(words)
}

/// The children run in the repository root, so a relative path of the user has to be resolved here.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display()))
}

fn micro_benchmarks(root: &Path, libtorch: &Libtorch) -> Result<bool> {
    let mut command = process::cargo(root, None);
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = process::capture(&mut command, NEED_RUST)?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cannot read `cargo metadata`")?;
    announce(1, 1, "building and running criterion's micro-benchmarks, optimized: minutes on the first run");
    let mut command = process::cargo(root, Some(libtorch));
    command.args(metadata.bench_args());
    Ok(process::run(&mut command, NEED_RUST)?.success())
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Metadata {
    /// The cargo arguments that run every benchmark, each for a short time.
    fn bench_args(&self) -> Vec<&str> {
        let mut words = vec!["bench"];
        words.extend(self.benches().flat_map(|(package, bench)| ["--package", package, "--bench", bench]));
        words.extend(["--", "--quick", "--noplot"]);
        words
    }

    /// Package and target of every benchmark, in cargo's order.
    fn benches(&self) -> impl Iterator<Item = (&str, &str)> {
        self.packages.iter().flat_map(|package| {
            package
                .targets
                .iter()
                .filter(|target| target.kind.iter().any(|kind| kind == "bench"))
                .map(|target| (package.name.as_str(), target.name.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(suite: Suite) -> Args {
        Args {
            suite,
            data_dir: None,
            json: None,
            seeds: None,
            python: None,
            only: None,
            quick: false,
            dev: false,
            mtl: None,
            rounds: 3,
            pairs: None,
            rows: None,
        }
    }

    #[test]
    fn the_program_gets_its_documented_arguments() {
        let words = program_args(&args(Suite::Quick), &DataChoice::Folder("d".into())).unwrap();
        assert_eq!(
            words.join(" "),
            "run --quiet --release --package mtl-train --bin mtl-bench -- \
             --suite quick --data-dir d --seeds 1 --out target/bench"
        );
        let words = program_args(&args(Suite::Quality), &DataChoice::Synthetic).unwrap();
        assert!(words.join(" ").contains("--suite quality --synthetic --seeds 3"));
        let words = program_args(&args(Suite::Ranks), &DataChoice::Synthetic).unwrap();
        assert!(words.join(" ").contains("--suite ranks --synthetic --seeds 1 --rounds 3"));
        let words = program_args(&args(Suite::Load), &DataChoice::Folder("d".into())).unwrap();
        assert!(words.join(" ").contains("--suite load --data-dir d --seeds 1 --rounds 3"));
        let words = program_args(&Args { pairs: Some(7), ..args(Suite::Fuzz) }, &DataChoice::Synthetic).unwrap();
        assert!(words.join(" ").contains("--suite fuzz --synthetic --seeds 1 --pairs 7"));
    }

    #[test]
    fn tables_are_asked_for_by_name() {
        let asked = |only: &str, quick| tables_choice(&Args { only: Some(only.into()), quick, ..args(Suite::Peers) });
        let choice = asked("tables/enb,jura", false).unwrap();
        assert_eq!((choice.sets, choice.seeds), (vec!["enb".to_owned(), "jura".to_owned()], 5));
        let choice = asked("tables", true).unwrap();
        assert_eq!((choice.sets.len(), choice.seeds, choice.is_quick), (0, 1, true));
        assert!(asked("census", false).is_none() && tables_choice(&args(Suite::Peers)).is_none());
    }

    #[test]
    fn a_given_folder_is_used_without_looking_into_the_cache() {
        let choice = choose_data(Some(Path::new("some/where"))).unwrap();
        let DataChoice::Folder(dir) = choice else {
            panic!("a folder was given");
        };
        assert!(dir.is_absolute() && dir.ends_with("some/where"));
    }

    #[test]
    fn benchmarks_are_found_in_cargo_metadata() {
        let text = r#"{"packages": [
            {"name": "a", "targets": [{"name": "a", "kind": ["lib"]}, {"name": "fast", "kind": ["bench"]}]},
            {"name": "b", "targets": [{"name": "b", "kind": ["bin"]}]}]}"#;
        let metadata: Metadata = serde_json::from_str(text).unwrap();
        assert_eq!(metadata.benches().collect::<Vec<_>>(), [("a", "fast")]);
        assert_eq!(metadata.bench_args().join(" "), "bench --package a --bench fast -- --quick --noplot");
    }
}
