//! `mtl list`: the registries, as they are compiled in.

use clap::{Args as ClapArgs, ValueEnum};
use comfy_table::{Table, presets::NOTHING};
use mtl_core::{answer::Answer, input::Modality, metric::Direction, nn::NumberEmbeddingConfig, step::StepMode};
use mtl_data::{DatasetConfig, Mix, Sampler};
use mtl_heads::{ClassWeighting, HeadConfig};
use mtl_metrics::{
    post_hoc::{CalibrationConfig, RejectConfig, ThresholdConfig, conformal::ScoreConfig},
    registry::Entry,
};

use crate::{
    Result,
    config::{groups, markdown},
    monitor::console::out,
    parts::{architecture::Architecture, encoder::AnyEncoder, method::MethodConfig, metrics::registry},
    stream::drift::DriftConfig,
    train::{optim::OptimizerConfig, schedule::ScheduleConfig, task_weights::TaskWeighting},
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// What to list; everything if left out.
    what: Option<What>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// The keys as the page `docs/configuration.md`.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Kinds of answers.
    Answers,
    Architectures,
    Balancers,
    /// How probabilities are calibrated after training.
    Calibrations,
    /// How classes weigh in a loss.
    ClassWeights,
    /// By what conformal sets and intervals are made.
    ConformalScores,
    Datasets,
    /// What watches the losses of a stream.
    DriftDetectors,
    Encoders,
    Heads,
    /// Every key of a configuration file.
    Keys,
    Metrics,
    /// Which of several sources each batch comes from.
    Mixers,
    /// What inputs are.
    Modalities,
    /// How numbers of a table become vectors.
    NumberEmbeddings,
    Optimizers,
    /// Which answers are left to somebody else.
    RejectOptions,
    /// Which rows an epoch has, and how often each.
    Samplers,
    Schedules,
    StepModes,
    /// How tasks weigh by their size.
    TaskWeights,
    /// From which probability on yes is said.
    Thresholds,
}

impl What {
    fn members(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Answers => Answer::all(),
            Self::Architectures => Architecture::all().collect(),
            Self::Balancers => MethodConfig::all().collect(),
            Self::Calibrations => CalibrationConfig::all(),
            Self::ClassWeights => ClassWeighting::all(),
            Self::ConformalScores => ScoreConfig::all(),
            Self::Datasets => DatasetConfig::all(),
            Self::DriftDetectors => DriftConfig::all(),
            Self::Encoders => AnyEncoder::all().collect(),
            Self::Heads => HeadConfig::all(),
            Self::Keys => Vec::new(),
            Self::Metrics => Vec::new(),
            Self::Mixers => Mix::all(),
            Self::Modalities => Modality::all(),
            Self::NumberEmbeddings => NumberEmbeddingConfig::all(),
            Self::Optimizers => OptimizerConfig::all(),
            Self::RejectOptions => RejectConfig::all(),
            Self::Samplers => Sampler::all(),
            Self::Schedules => ScheduleConfig::all(),
            Self::StepModes => StepMode::all(),
            Self::TaskWeights => TaskWeighting::all(),
            Self::Thresholds => ThresholdConfig::all(),
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
    }
}

pub(super) fn run(args: &Args) -> Result<()> {
    if args.markdown {
        return out(markdown().trim_end());
    }
    let wanted: Vec<What> = args.what.map_or_else(|| What::value_variants().to_vec(), |w| vec![w]);
    if args.json {
        let object = wanted.iter().map(|w| {
            match w {
                What::Keys => return (w.name(), serde_json::json!(groups())),
                What::Metrics => return (w.name(), registry().entries().iter().map(metric).collect()),
                _ => {}
            }
            let members = w.members().into_iter();
            let members = members.map(|(name, about)| serde_json::json!({ "name": name, "about": about }));
            (w.name(), members.collect::<serde_json::Value>())
        });
        out(object.collect::<serde_json::Value>())?;
        return Ok(());
    }
    for what in wanted {
        match what {
            What::Keys => {
                keys()?;
                continue;
            }
            What::Metrics => {
                metrics()?;
                continue;
            }
            _ => {}
        }
        out(what.name())?;
        let mut table = Table::new();
        table.load_preset(NOTHING);
        for (name, about) in what.members() {
            table.add_row([format!("  {name}"), about.to_owned()]);
        }
        out(format_args!("{table}\n"))?;
    }
    Ok(())
}

/// A metric as JSON: its usual name, what it is, which way is better, between which values, for which answers, whether heads
/// give such answers today, and what can be set.
fn metric(entry: &Entry) -> serde_json::Value {
    let facts = entry.facts();
    let bound = |x: f64| x.is_finite().then_some(x);
    serde_json::json!({
        "name": entry.usual(),
        "about": facts.about,
        "direction": facts.direction,
        "range": [bound(facts.range.0), bound(facts.range.1)],
        "answers": facts.answers,
        "usable": entry.is_fed(),
        "settings": facts.settings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn metrics() -> Result<()> {
    let registry = registry();
    let entries = registry.entries();
    let usable = entries.iter().filter(|entry| entry.is_fed()).count();
    let waiting = entries.len() - usable;
    out(format_args!("metrics  {usable}, and {waiting} that wait for heads with the answers they are for"))?;
    let mut table = Table::new();
    table.load_preset(NOTHING);
    for entry in entries {
        let facts = entry.facts();
        let better = match facts.direction {
            Direction::Maximize => "more",
            Direction::Minimize => "less",
        };
        let bound =
            |x: f64| if x.is_finite() { x.to_string() } else { if x > 0.0 { "inf" } else { "-inf" }.to_owned() };
        let range = format!("{} to {}", bound(facts.range.0), bound(facts.range.1));
        let settings: Vec<String> = facts.settings.iter().map(ToString::to_string).collect();
        let answers = facts.answers.join(", ");
        let answers = if entry.is_fed() { answers } else { format!("(not yet) {answers}") };
        table.add_row([
            format!("  {}", entry.usual()),
            facts.about.to_owned(),
            better.to_owned(),
            range,
            answers,
            settings.join("; "),
        ]);
    }
    out(format_args!("{table}\n"))
}

fn keys() -> Result<()> {
    for group in groups() {
        let kind = group.kind.map(|kind| format!(" kind = {kind:?}")).unwrap_or_default();
        out(format_args!("[{}]{kind}  {}", group.path, group.about))?;
        let mut table = Table::new();
        table.load_preset(NOTHING);
        for key in group.keys {
            let default = key.default.map_or_else(|| "required".to_owned(), |value| value.to_string());
            table.add_row([format!("  {}", key.key), default, key.about]);
        }
        out(format_args!("{table}\n"))?;
    }
    Ok(())
}
