//! `mtl doctor`: what the program runs on; with a configuration, what is wrong with it, its data and its comparisons.

use std::{path::PathBuf, process::ExitCode};

use crate::{
    Result,
    analysis::inspect::Examination,
    monitor::console::{note, out},
    run::machine::Machine,
};
use clap::Args as ClapArgs;

use super::{
    source::{Settings, config_file},
    table::table,
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// A configuration file (or a run's folder) to check: keys, data, every part of the model, one batch through all of them,
    /// the sections of a comparison; the machine if left out.
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    match &args.config {
        Some(config) => configuration(&config_file(config), args),
        None => machine(args.json),
    }
}

fn machine(json: bool) -> Result<ExitCode> {
    let machine = Machine::look()?;
    if json {
        out(format_args!("{:#}", serde_json::json!(machine)))?;
        return Ok(ExitCode::SUCCESS);
    }
    out(format_args!("mtl          {}", machine.version))?;
    out(format_args!("libtorch     {}", machine.libtorch))?;
    out(format_args!("platform     {}, {}", machine.platform, machine.instructions))?;
    let (large, small) = (machine.threads, machine.threads_small);
    let processors = machine.processors;
    out(format_args!("threads      {large} of {processors} processors, {small} for models with small products"))?;
    let ranks = machine.ranks_small;
    out(format_args!("ranks        1, with device.ranks = \"auto\" {ranks} for models with small products"))?;
    out(format_args!("waiting      {}", machine.waiting))?;
    let cudnn = if machine.cudnn { "with cuDNN" } else { "without cuDNN" };
    out(format_args!("cuda         {} devices, libtorch {cudnn}", machine.cuda_devices))?;
    let mut table = table(&["attention", "kernel"], 2);
    for choice in &machine.attention {
        table.add_row([choice.case.as_str(), choice.kernel]);
    }
    out(&table)?;
    Ok(ExitCode::SUCCESS)
}

fn configuration(path: &std::path::Path, args: &Args) -> Result<ExitCode> {
    let examination = Examination::new(&args.settings.read(path)?);
    if args.json {
        out(format_args!("{:#}", serde_json::json!(examination.all())))?;
        return Ok(code(&examination));
    }
    examination.faults.iter().for_each(|e| note(format_args!("error: {e}")));
    if !examination.findings.is_empty() {
        let mut table = table(&["level", "where", "what"], 3);
        for finding in &examination.findings {
            table.add_row([finding.level.to_string().as_str(), &finding.place, &finding.message]);
        }
        out(&table)?;
    } else if examination.faults.is_empty() {
        out("nothing found")?;
    }
    Ok(code(&examination))
}

fn code(examination: &Examination) -> ExitCode {
    if examination.is_broken() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
