//! `mtl data`: what is in a data set.

use std::path::PathBuf;

use crate::{
    Result,
    analysis::inspect::{DataSummary, FieldScan, LabelScan},
    monitor::console::out,
};
use clap::Args as ClapArgs;
use mtl_data::{DatasetConfig, Splits};

use super::{
    source::{Settings, config_file},
    table::{count, table},
};

/// Fields and classes shown one by one; of more, only how many there are.
const SHOWN: usize = 12;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// A configuration file, a run's folder, or the name of a data set (`mtl list datasets`).
    what: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// Samples to show.
    #[arg(long, default_value_t = 3)]
    rows: u64,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let name = args.what.to_string_lossy();
    let summary = if args.what.exists() || DatasetConfig::by_name(&name).is_err() && name.ends_with(".toml") {
        let source = args.settings.read(&config_file(&args.what))?;
        let loaded = source.config()?.data.load().map_err(|e| source.explain(e.into()))?;
        if !loaded.sources.is_empty() {
            return sources(&loaded, args);
        }
        DataSummary::new(&loaded, args.rows)?
    } else {
        DataSummary::new(&DatasetConfig::by_name(&name)?.load()?, args.rows)?
    };
    show(&summary, args.json)
}

/// Each source, one after the other.
fn sources(loaded: &Splits, args: &Args) -> Result<()> {
    let mut all = serde_json::Map::new();
    for source in &loaded.sources {
        let summary = DataSummary::new(&source.splits, args.rows)?;
        match args.json {
            true => drop(all.insert(source.name.clone(), serde_json::json!(summary))),
            false => {
                out(format_args!("source {}", source.name))?;
                show(&summary, false)?;
            }
        }
    }
    if args.json { out(format_args!("{:#}", serde_json::Value::Object(all))) } else { Ok(()) }
}

fn show(summary: &DataSummary, json: bool) -> Result<()> {
    if json {
        out(format_args!("{:#}", serde_json::json!(summary)))?;
        return Ok(());
    }
    let [train, validation, test] = &summary.splits;
    let mut splits = table(&["split", "samples"], 1);
    for (name, scan) in [("train", train), ("validation", validation), ("test", test)] {
        splits.add_row([name.to_owned(), scan.samples.to_string()]);
    }
    out(&splits)?;
    for (at, input) in train.inputs.iter().enumerate() {
        out(format_args!("{}  {}", input.name, input.describe()))?;
        for (name, scan) in [("validation", validation), ("test", test)] {
            let other = scan.inputs.get(at).filter(|other| other.unknown.is_some());
            other.map_or(Ok(()), |other| out(format_args!("  {name}  {}", other.found())))?;
        }
    }
    if !train.fields.is_empty() {
        let mut fields = table(&["field", "kind", "values"], 2);
        for field in train.fields.iter().take(SHOWN) {
            fields.add_row(described(field));
        }
        out(&fields)?;
        rest(train.fields.len(), "fields")?;
    }
    let mut labels = table(&["task", "label", "train", "validation", "test"], 2);
    for (idx, task) in train.labels.iter().enumerate() {
        let scans: Vec<&LabelScan> = [train, validation, test].iter().filter_map(|s| s.labels.get(idx)).collect();
        let line = |label: &str, cell: &dyn Fn(&LabelScan) -> String| {
            let cells = scans.iter().map(|scan| cell(scan));
            [String::new(), label.to_owned()].into_iter().chain(cells).collect::<Vec<_>>()
        };
        let mut first = line("known", &|scan| count(scan.known));
        first[0].clone_from(&task.task);
        labels.add_row(first);
        if scans.iter().any(|s| s.missing > 0) {
            labels.add_row(line("missing", &|scan| format!("{:.1} %", 100.0 * scan.missing_share())));
        }
        for (at, (name, _)) in task.counts.iter().enumerate().take(SHOWN) {
            labels.add_row(line(name, &|scan| scan.counts.get(at).map_or_else(String::new, |(_, n)| count(*n))));
        }
        for (at, (name, _)) in task.numbers.iter().enumerate().take(SHOWN) {
            labels.add_row(line(name, &|scan| {
                let spread = scan.numbers.get(at).map(|(_, spread)| *spread);
                spread.map_or_else(String::new, |[mean, min, max]| format!("{mean:.3} ({min:.3} to {max:.3})"))
            }));
        }
    }
    out(&labels)?;
    for row in &summary.rows {
        let pairs = |pairs: &[(String, String)]| {
            let shown: Vec<_> = pairs.iter().take(SHOWN).map(|(name, value)| format!("{name}={value}")).collect();
            shown.join("  ") + if pairs.len() > SHOWN { "  .." } else { "" }
        };
        out(format_args!("row {}  {}\n  labels  {}", row.id, pairs(&row.fields), pairs(&row.labels)))?;
    }
    Ok(())
}

fn rest(n: usize, what: &str) -> Result<()> {
    if n > SHOWN {
        out(format_args!("and {} more {what} (all with --json)", n - SHOWN))?;
    }
    Ok(())
}

fn described(field: &FieldScan) -> [String; 3] {
    match field {
        FieldScan::Categorical { name, counts } => {
            let used = counts.iter().skip(1).filter(|n| **n > 0).count();
            [name.clone(), "categorical".into(), format!("{used} values")]
        }
        FieldScan::Numeric { name, mean, min, max, .. } => {
            [name.clone(), "numeric".into(), format!("{min:.3} to {max:.3}, mean {mean:.3}")]
        }
    }
}
