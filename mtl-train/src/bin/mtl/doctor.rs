//! `mtl doctor`: what the program runs on; with a configuration, what is wrong with its data.

use std::{path::PathBuf, process::ExitCode};

use clap::Args as ClapArgs;
use mtl_train::{
    Result,
    inspect::{Level, examine},
    machine::Machine,
};

use crate::{
    source::{Settings, config_file},
    table::table,
};

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// A configuration file (or a run's folder) whose data to check; the machine if left out.
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    match &args.config {
        Some(config) => data(&config_file(config), args),
        None => machine(args.json),
    }
}

#[expect(clippy::print_stdout, reason = "what the program is for")]
fn machine(json: bool) -> Result<ExitCode> {
    let machine = Machine::look()?;
    if json {
        println!("{:#}", serde_json::json!(machine));
        return Ok(ExitCode::SUCCESS);
    }
    println!("mtl          {}", machine.version);
    println!("libtorch     {}", machine.libtorch);
    println!("platform     {}, {}", machine.platform, machine.instructions);
    let (large, small) = (machine.threads, machine.threads_small);
    println!("threads      {large} of {} processors, {small} for models with small products", machine.processors);
    println!("waiting      {}", machine.waiting);
    let cudnn = if machine.cudnn { "with cuDNN" } else { "without cuDNN" };
    println!("cuda         {} devices, libtorch {cudnn}", machine.cuda_devices);
    let mut table = table(&["attention", "kernel"], 2);
    for choice in &machine.attention {
        table.add_row([choice.case.as_str(), choice.kernel]);
    }
    println!("{table}");
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "what the program is for")]
fn data(path: &std::path::Path, args: &Args) -> Result<ExitCode> {
    let source = args.settings.read(path)?;
    let config = source.config()?;
    let (_, findings) = examine(&config.data).map_err(|e| source.explain(e))?;
    if args.json {
        println!("{:#}", serde_json::json!(findings));
    } else if findings.is_empty() {
        println!("nothing found");
    } else {
        let mut table = table(&["level", "where", "what"], 3);
        for finding in &findings {
            table.add_row([finding.level.to_string().as_str(), &finding.place, &finding.message]);
        }
        println!("{table}");
    }
    let is_broken = findings.iter().any(|f| f.level == Level::Error);
    Ok(if is_broken { ExitCode::from(2) } else { ExitCode::SUCCESS })
}
