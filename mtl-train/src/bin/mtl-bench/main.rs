//! The main job: train the same tasks in several ways on equal budgets, and say in one table what each way is worth.
//!
//! `cargo xtask bench` sets everything up and calls this program. Suites:
//!
//! | suite | what runs |
//! |---|---|
//! | `quick` | every model once on Census-Income, the step against its floor in short form |
//! | `quality` | the same with more epochs and seeds: the figures of the README |
//! | `step` | the step against its floor, the fused optimizer against tch's |
//! | `load` | training on a quiet machine and beside a busy one |
//! | `stream` | ten million generated rows with a planted change through `mtl stream`'s run: speed, memory, curve |
//! | `ranks` | one rank with every processor inside operations against a rank for every processor |
//! | `fuzz` | mutated tables and configurations through everything that reads them |
//! | `toy` | methods on the two-objective toy: needs no data |
//! | `peer-census`, `peer-metrics` | our side of a comparison, see `cargo xtask bench --suite peers` |
//!
//! Criterion's micro-benchmarks are run by xtask. Models and epochs are chosen on validation; test figures are only reported.

mod compare;
mod console;
mod fuzz;
mod load;
mod models;
mod page;
mod peer_census;
mod peer_metrics;
mod published;
mod ranks;
mod step;
mod stream;
mod summary;
mod toy;

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};
use mtl_data::{
    DatasetConfig,
    datasets::{CensusIncome, SyntheticMmoe, SyntheticTargets},
};
use mtl_train::{Error, Result, train::checkpoint::write_atomic};
use summary::Summary;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    Quick,
    Quality,
    Step,
    Load,
    Stream,
    Ranks,
    Fuzz,
    Toy,
    PeerCensus,
    PeerMetrics,
}

/// Trains the same tasks in several ways and compares them.
#[derive(Debug, Parser)]
#[command(name = "mtl-bench", version)]
struct Args {
    #[arg(long, value_enum, default_value_t = Suite::Quick)]
    suite: Suite,
    /// Folder with the Census-Income files; default the cache.
    #[arg(long, conflicts_with = "synthetic")]
    data_dir: Option<PathBuf>,
    /// Use the built-in generator instead of real data.
    #[arg(long)]
    synthetic: bool,
    /// Seeds per model.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Passes over the training split; default 6 for quick, 8 for quality.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: Option<u64>,
    /// Rounds of the suites load and ranks.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Seconds of one measurement of the suites load and ranks.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Pairs of the fuzz suite.
    #[arg(long, default_value_t = 100_000)]
    pairs: u64,
    /// The first pair of the fuzz suite: a run can be cut into parts.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Rows of the stream suite.
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Seed of the fuzz and stream suites.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Ends the fuzz suite after so many minutes; default when its pairs are through.
    #[arg(long)]
    minutes: Option<f64>,
    /// Trains for so many seconds and prints the rate: how the load suite calls itself.
    #[arg(long, hide = true)]
    load_of: Option<f64>,
    /// Keeps one processor busy: the load suite's neighbor.
    #[arg(long, hide = true)]
    spin: bool,
    /// Measures the memory of one step and prints it: how the step suite calls itself.
    #[arg(long, hide = true)]
    memory_of: Option<String>,
    /// Only models whose name contains this; of the suite ranks also a configuration file (.toml) to measure instead.
    #[arg(long)]
    only: Option<String>,
    /// Folder of report.json and report.html.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// Write report.json here as well.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<()> {
    if let Some(what) = &args.memory_of {
        return step::memory::child(what);
    }
    if args.spin {
        load::spin();
        return Ok(());
    }
    if let Some(seconds) = args.load_of {
        mtl_core::shim::init();
        return load::child(seconds, &dataset(args));
    }
    if args.suite == Suite::PeerCensus {
        mtl_core::shim::init();
        let dir = mtl_data::datasets::dataset_dir(args.data_dir.as_deref(), "census-income")?;
        return peer_census::run(&dir, args.epochs.unwrap_or(2));
    }
    if args.suite == Suite::PeerMetrics {
        let missing = || Error::Checkpoint {
            path: "--data-dir".into(),
            reason: "must name the folder that `cargo xtask bench --suite peers` draws its data into, found none"
                .into(),
        };
        return peer_metrics::run(args.data_dir.as_deref().ok_or_else(missing)?);
    }
    let mut summary = Summary::new(args.suite.to_possible_value().map_or("", |v| v.get_name().to_owned().leak()));
    if args.suite == Suite::Toy {
        let toy = toy::run(|name| args.only.as_deref().is_none_or(|only| name.contains(only)))?;
        toy::print(&toy);
        summary.toy = Some(toy);
        return write(args, &summary, &[]);
    }
    if args.suite == Suite::Fuzz {
        let folder = args.out.join("fuzz");
        let limit = args.minutes.map(|minutes| Duration::from_secs_f64(60.0 * minutes.max(0.0)));
        let request =
            fuzz::Request { seed: args.seed, first: args.first, pairs: args.pairs, limit, folder: folder.clone() };
        let fuzz = fuzz::run(&request)?;
        fuzz::show(&fuzz, &folder);
        summary.fuzz = Some(fuzz);
        return write(args, &summary, &[]);
    }
    if args.suite == Suite::Stream {
        mtl_core::shim::init();
        let found = stream::run(args.rows, args.seed, &args.out.join("stream"))?;
        stream::show(&found);
        summary.stream = Some(found);
        return write(args, &summary, &[]);
    }
    if args.suite == Suite::Ranks {
        mtl_core::shim::init();
        let rates = ranks::measure(&dataset(args), args.only.as_deref(), args.rounds, args.seconds)?;
        ranks::show(&rates);
        summary.ranks = rates;
        return write(args, &summary, &[]);
    }
    if args.suite == Suite::Load {
        let (data, source) = match (&args.data_dir, args.synthetic) {
            (_, true) => (vec!["--synthetic".to_owned()], "synthetic"),
            (Some(dir), _) => (vec!["--data-dir".to_owned(), dir.display().to_string()], "real"),
            (None, _) => (Vec::new(), "real"),
        };
        summary.dataset = Some(dataset(args).name());
        summary.source = Some(source);
        summary.load = load::measure(args.rounds, args.seconds, &data)?;
        load::show(&summary.load);
        return write(args, &summary, &[]);
    }
    // Before our allocator setting, from which tch's optimizer would profit too: its users do not have it.
    summary.optimizer = Some(step::optimizer::optimizer(if args.suite == Suite::Step { 40 } else { 12 })?);
    mtl_core::shim::init();
    let mut details = Vec::new();
    if matches!(args.suite, Suite::Quick | Suite::Quality) {
        let data = dataset(args);
        let epochs = args.epochs.unwrap_or(if args.suite == Suite::Quality { 8 } else { 6 });
        details = compare::compare(&data, (epochs, args.seeds), args.only.as_deref(), &args.out, &mut summary)?;
    }
    step::measure(args.suite == Suite::Step, args.only.as_deref(), &mut summary)?;
    console::show(&summary);
    write(args, &summary, &details)
}

/// `report.json` and `report.html`.
fn write(args: &Args, summary: &Summary, details: &[compare::Detail]) -> Result<()> {
    let text = serde_json::to_string_pretty(summary)
        .map_err(|e| Error::Checkpoint { path: "report.json".into(), reason: e.to_string() })?;
    fs::create_dir_all(&args.out).map_err(|e| Error::io(&args.out, "cannot make report folder", e))?;
    write_atomic(&args.out.join("report.json"), text.as_bytes())?;
    if let Some(path) = &args.json {
        write_atomic(path, text.as_bytes())?;
    }
    let html = args.out.join("report.html");
    write_atomic(&html, page::page(summary, details).to_html().as_bytes())?;
    eprintln!("report: {}", html.display());
    Ok(())
}

fn dataset(args: &Args) -> DatasetConfig {
    if args.synthetic {
        DatasetConfig::SyntheticMmoe(SyntheticMmoe { targets: SyntheticTargets::Binary, ..SyntheticMmoe::default() })
    } else {
        DatasetConfig::CensusIncome(CensusIncome { dir: args.data_dir.clone(), ..CensusIncome::default() })
    }
}
