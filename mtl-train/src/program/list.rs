//! `mtl list`: the registries, as they are compiled in.

use crate::{
    Result,
    architecture::Architecture,
    config::{groups, markdown},
    console::out,
    encoder::AnyEncoder,
    method::MethodConfig,
    optim::OptimizerConfig,
    schedule::ScheduleConfig,
};
use clap::{Args as ClapArgs, ValueEnum};
use comfy_table::{Table, presets::NOTHING};
use mtl_core::{metric::MetricId, step::StepMode};
use mtl_data::{DatasetConfig, TaskSampler};
use mtl_heads::HeadConfig;

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
    Architectures,
    Balancers,
    Datasets,
    Encoders,
    Heads,
    /// Every key of a configuration file.
    Keys,
    Metrics,
    Optimizers,
    /// In which order data sets take turns where each task has its own.
    Samplers,
    Schedules,
    StepModes,
}

impl What {
    fn members(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Architectures => Architecture::all().collect(),
            Self::Balancers => MethodConfig::all().collect(),
            Self::Datasets => DatasetConfig::all(),
            Self::Encoders => AnyEncoder::all().collect(),
            Self::Heads => HeadConfig::all(),
            Self::Keys => Vec::new(),
            Self::Metrics => MetricId::ALL.iter().map(|m| (m.name(), m.about())).collect(),
            Self::Optimizers => OptimizerConfig::all(),
            Self::Samplers => TaskSampler::all(),
            Self::Schedules => ScheduleConfig::all(),
            Self::StepModes => StepMode::all(),
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
            if *w == What::Keys {
                return (w.name(), serde_json::json!(groups()));
            }
            let members = w.members().into_iter();
            let members = members.map(|(name, about)| serde_json::json!({ "name": name, "about": about }));
            (w.name(), members.collect::<serde_json::Value>())
        });
        out(object.collect::<serde_json::Value>())?;
        return Ok(());
    }
    for what in wanted {
        if what == What::Keys {
            keys()?;
            continue;
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
