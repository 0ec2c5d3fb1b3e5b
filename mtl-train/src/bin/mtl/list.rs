//! `mtl list`: the registries, as they are compiled in.

use clap::{Args as ClapArgs, ValueEnum};
use comfy_table::{Table, presets::NOTHING};
use mtl_core::{metric::MetricId, step::StepMode};
use mtl_data::DatasetConfig;
use mtl_heads::HeadConfig;
use mtl_train::{
    Result, architecture::Architecture, encoder::AnyEncoder, method::MethodConfig, optim::OptimizerConfig,
    schedule::ScheduleConfig,
};

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// What to list; everything if left out.
    what: Option<What>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Architectures,
    Balancers,
    Datasets,
    Encoders,
    Heads,
    Metrics,
    Optimizers,
    Schedules,
    StepModes,
}

impl What {
    fn members(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Architectures => Architecture::all().collect(),
            Self::Balancers => MethodConfig::all().collect(),
            Self::Datasets => DatasetConfig::ALL.to_vec(),
            Self::Encoders => AnyEncoder::all().collect(),
            Self::Heads => HeadConfig::ALL.to_vec(),
            Self::Metrics => MetricId::ALL.iter().map(|m| (m.name(), m.about())).collect(),
            Self::Optimizers => OptimizerConfig::ALL.to_vec(),
            Self::Schedules => ScheduleConfig::ALL.to_vec(),
            Self::StepModes => StepMode::ALL.to_vec(),
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
    }
}

#[expect(clippy::print_stdout, reason = "what the program is for")]
pub(crate) fn run(args: &Args) -> Result<()> {
    let wanted: Vec<What> = args.what.map_or_else(|| What::value_variants().to_vec(), |w| vec![w]);
    if args.json {
        let object = wanted.iter().map(|w| {
            let members = w.members().into_iter();
            let members = members.map(|(name, about)| serde_json::json!({ "name": name, "about": about }));
            (w.name(), members.collect::<serde_json::Value>())
        });
        println!("{}", object.collect::<serde_json::Value>());
        return Ok(());
    }
    for what in wanted {
        println!("{}", what.name());
        let mut table = Table::new();
        table.load_preset(NOTHING);
        for (name, about) in what.members() {
            table.add_row([format!("  {name}"), about.to_owned()]);
        }
        println!("{table}\n");
    }
    Ok(())
}
