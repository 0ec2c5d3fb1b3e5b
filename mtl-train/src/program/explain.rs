//! `mtl explain`: what the answers of a trained model rest on, with a deletion test.

use std::{path::PathBuf, sync::Arc};

use crate::{
    Result,
    analysis::explain::{self, ExplainOptions, Explanation, Method, Permutation, Samples},
    monitor::console::{note, out},
};
use clap::Args as ClapArgs;
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use mtl_data::{Source, source::PartOf};

use super::{run::DataFlags, split::Split};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The run's folder.
    run: PathBuf,
    #[command(flatten)]
    data: DataFlags,
    /// Samples by id, such as those that the report lists as worst: `17,203`.
    #[arg(long, value_delimiter = ',', conflicts_with = "samples")]
    ids: Vec<u64>,
    /// So many random samples.
    #[arg(long, default_value_t = 64)]
    samples: usize,
    /// Where they are from.
    #[arg(long, value_enum, default_value_t = Split::Validation)]
    split: Split,
    /// The source that they are of, where the run has several.
    #[arg(long)]
    source: Option<String>,
    /// Ways to explain (attention, gradient-input, integrated-gradients); default what suits the model.
    #[arg(long = "method", value_delimiter = ',')]
    methods: Vec<Method>,
    /// Points between the mean and a sample, for integrated gradients.
    #[arg(long, default_value_t = 32)]
    steps: u32,
    /// Random orders that the deletion test compares with.
    #[arg(long, default_value_t = 10)]
    draws: usize,
    /// Permutations of each field of a table, by which metrics are measured again; 0 for none.
    #[arg(long, default_value_t = 5)]
    permutations: usize,
    /// Samples that they are measured on at most.
    #[arg(long, default_value_t = 2048)]
    rows: usize,
    /// Seed of samples and orders.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print the JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// Parts listed per task.
const TOP: usize = 5;

pub(super) fn run(args: &Args) -> Result<()> {
    let (dir, session, changes) = args.data.open(&args.run)?;
    let loader = args.split.loader(&session);
    let options = ExplainOptions {
        samples: if args.ids.is_empty() { Samples::Random(args.samples) } else { Samples::Ids(args.ids.clone()) },
        methods: args.methods.clone(),
        steps: args.steps,
        draws: args.draws,
        permutations: args.permutations,
        rows: args.rows,
        seed: args.seed,
        ..ExplainOptions::default()
    };
    let source: Arc<dyn Source> = match &args.source {
        None => loader.source().clone(),
        Some(name) => Arc::new(PartOf::new(loader.source().clone(), name)?),
    };
    let found = explain::explain(session.trainer.model(), &source, &options);
    let mut found = found.map_err(|e| match loader.source().parts().len() {
        0 | 1 => e,
        _ if args.source.is_some() => e,
        _ => say_source(loader.source()),
    })?;
    found.notes.splice(..0, changes);
    let name = dir.root().file_name().map_or_else(|| "run".into(), |n| n.to_string_lossy().into_owned());
    explain::write(&dir, &format!("{name}: what answers rest on"), &found)?;
    if args.json {
        out(serde_json::to_string(&found).unwrap_or_default())?;
        return Ok(());
    }
    for about in &found.notes {
        note(format_args!("note: {about}"));
    }
    out(table(&found))?;
    if let Some(permutation) = &found.permutation {
        out(importances(permutation))?;
    }
    out(dir.explanation("html").display())
}

/// The refusal of a run of several sources of which none is named.
fn say_source(source: &Arc<dyn Source>) -> crate::Error {
    let names: Vec<String> = source.parts().into_iter().map(|part| part.name).collect();
    let (expected, found) =
        (format!("one of {}: a sample brings the inputs of its source", names.join(", ")), "none".into());
    mtl_core::Error::InvalidConfig { what: "mtl explain", field: "--source", expected, found }.into()
}

/// What each task's first metric loses without the fields that it needs most.
fn importances(found: &Permutation) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY);
    table.set_header(["task", "metric", "needs most (loss when permuted)"]);
    for task in &found.whole.tasks {
        let of_task = found.of_task(task.task.as_str());
        let Some(first) = of_task.first() else { continue };
        let words = of_task.iter().take(TOP).map(|own| match own.interval {
            Some((low, high)) => format!("{} {:.4} ({low:.4} to {high:.4})", own.part, own.loss),
            None => format!("{} {:.4}", own.part, own.loss),
        });
        table.add_row([task.task.to_string(), first.metric.clone(), words.collect::<Vec<_>>().join(", ")]);
    }
    table
}

fn table(found: &Explanation) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY);
    table.set_header(["task", "explanation", "deleted", "at random", "gain", "rests most on"]);
    for a in &found.attributions {
        let f = a.faithfulness.as_ref();
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
        let parts = a
            .top(TOP)
            .into_iter()
            .filter_map(|at| Some(format!("{} {:.0}%", found.parts.get(at)?, 100.0 * a.share.get(at)?)));
        table.add_row([
            a.task.clone(),
            a.method.to_string(),
            number(f.map(|f| f.effect)),
            number(f.map(|f| f.random)),
            f.map_or_else(|| "-".into(), |f| format!("{:.3} ± {:.3}", f.gain, f.spread)),
            parts.collect::<Vec<_>>().join(", "),
        ]);
    }
    table
}
