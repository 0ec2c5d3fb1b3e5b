//! `mtl train`: one run from a configuration file into a folder.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args as ClapArgs;
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use mtl_metrics::MetricReport;
use mtl_train::{
    Result,
    checkpoint::{CheckpointStore, write_atomic},
    config::RunConfig,
    dry_run::DryRun,
    interrupt::Interrupt,
    progress::Progress,
    run_dir::RunDir,
    runlog::RunLog,
    session::Session,
    trainer::Ending,
};
use serde_json::json;

use crate::{
    dry_run,
    source::{Settings, config_file},
};

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The configuration file; with --resume, a run's folder goes on with the configuration in it.
    config: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// The run's folder; default `runs/NAME`, after the configuration file.
    #[arg(long)]
    run_dir: Option<PathBuf>,
    /// Go on from the newest whole checkpoint of the run's folder.
    #[arg(long)]
    resume: bool,
    /// One batch through everything, nothing written: shapes, parameters, costs, first losses.
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// Train, validate and test on so many batches only: short for `--set train.overfit_batches=N`.
    #[arg(long, value_name = "N")]
    overfit: Option<u64>,
    /// Refuse operations that differ between runs, record the threads: short for `--set device.deterministic=true`.
    #[arg(long)]
    deterministic: bool,
    /// Log every so many steps.
    #[arg(long, default_value_t = 10)]
    log_every: u64,
    /// Instead of training, try learning rates from small to large for some steps and suggest one; writes nothing.
    #[arg(long, conflicts_with_all = ["resume", "run_dir"])]
    find_lr: bool,
}

/// Checkpoints kept.
const KEEP: usize = 2;

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut settings = args.settings.clone();
    settings.set.extend(args.overfit.map(|n| format!("train.overfit_batches={n}")));
    settings.set.extend(args.deterministic.then(|| "device.deterministic=true".to_owned()));
    let source = settings.read(&config_file(&args.config))?;
    let config = source.config()?;
    start(args, config).map_err(|e| source.explain(e))
}

fn start(args: &Args, mut config: RunConfig) -> Result<ExitCode> {
    // Everything that can be wrong is found before the folder is touched.
    let splits = config.data.load()?;
    if args.dry_run {
        dry_run::show(&DryRun::new(&config, &splits)?);
        return Ok(ExitCode::SUCCESS);
    }
    let stem = args.config.file_stem().unwrap_or_default();
    let own_folder = args.config.is_dir().then(|| args.config.clone());
    let dir = args.run_dir.clone().or(own_folder).unwrap_or_else(|| Path::new("runs").join(stem));
    let mut session = Session::new(&config, &splits)?;
    if args.find_lr {
        return crate::find_lr::run(&mut session).map(|()| ExitCode::SUCCESS);
    }
    config.device = config.device.recorded();

    let dir = match args.resume && dir.join("config.toml").exists() {
        true => RunDir::go_on(&dir, &config)?,
        false => RunDir::create(&dir, &config)?,
    };
    let _lock = dir.lock()?;
    let store = CheckpointStore::open(&dir.checkpoints(), KEEP)?;
    let log_path = dir.log();
    let found = if args.resume { store.latest()? } else { None };
    let mut log = match found {
        Some((checkpoint, damaged)) => {
            for e in damaged {
                eprintln!("warning: {e}; going on from the checkpoint before it");
            }
            session.trainer.resume(checkpoint)?;
            RunLog::resume(&log_path, args.log_every, session.trainer.step())?
        }
        None => {
            let mut log = RunLog::create(&log_path, args.log_every)?;
            log.write("run", describe(&config, &session));
            log
        }
    };

    let total = session.trainer.total_steps(&session.train);
    let mut progress = Progress::new(&stem.to_string_lossy(), session.trainer.model().tasks(), total);
    let interrupt = Interrupt::listen()?;
    let ending = {
        let mut observer = (&mut progress, &mut log, interrupt.clone());
        session.trainer.fit(&session.train, &session.validation, &mut observer, Some(&store))?
    };
    if let Some(e) = log.failure() {
        eprintln!("warning: {e}; the log is not complete");
    }
    if let Some(e) = session.trainer.observer_failure() {
        eprintln!("warning: {e}; the run went on without it");
    }
    match ending {
        Ending::Finished => finish(&dir, &session).map(|()| ExitCode::SUCCESS),
        Ending::Stopped => {
            let step = session.trainer.step();
            eprintln!("stopped after step {step}, which is saved; --resume goes on from there");
            Ok(interrupt.exit_code().map_or(ExitCode::SUCCESS, ExitCode::from))
        }
    }
}

fn describe(config: &RunConfig, session: &Session) -> serde_json::Value {
    let model = session.trainer.model();
    json!({
        "seed": config.train.seed,
        "threads": tch::get_num_threads(),
        "device": config.device.kind,
        "deterministic": config.device.deterministic,
        "parameters": model.params().numel(),
        "tasks": model.tasks().names().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// Tests the best epoch, writes weights and metrics, shows the table.
#[expect(clippy::print_stdout, reason = "what the program is for")]
fn finish(dir: &RunDir, session: &Session) -> Result<()> {
    let test = session.test()?;
    let best = session.trainer.history().iter().rfind(|e| e.is_best);
    write_atomic(&dir.weights(), &session.trainer.model().params().to_safetensors()?)?;
    let metrics =
        json!({ "best_epoch": best.map(|e| e.epoch + 1), "validation": best.map(|e| &e.validation), "test": test });
    write_atomic(&dir.metrics(), format!("{metrics:#}\n").as_bytes())?;

    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(["task", "metric", "validation", "test"]);
    for (task, result) in test.tasks.iter().enumerate() {
        for entry in &result.metrics {
            let validation = best.and_then(|e| e.validation.entry(result.task.as_str(), &entry.metric).ok());
            let validation = validation.map_or_else(|| "-".into(), |v| v.outcome.to_string());
            let name = if entry.metric == first_metric(&test, task) { result.task.to_string() } else { String::new() };
            table.add_row([name, entry.metric.clone(), validation, entry.outcome.to_string()]);
        }
    }
    println!("{table}");
    if let Some(best) = best {
        println!(
            "best epoch {} of {}, chosen on validation; run folder {}",
            best.epoch + 1,
            best.epochs,
            dir.root().display()
        );
    }
    Ok(())
}

fn first_metric(report: &MetricReport, task: usize) -> &str {
    report.tasks.get(task).and_then(|t| t.metrics.first()).map_or("", |m| m.metric.as_str())
}

#[cfg(test)]
mod tests {
    #[test]
    fn folders_are_not_touched_before_everything_is_checked() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("bad.toml");
        std::fs::write(&config, "[data]\nkind = \"census-incme\"\n").unwrap();
        let run_dir = dir.path().join("run");
        let args = super::Args {
            config,
            settings: super::Settings::default(),
            run_dir: Some(run_dir.clone()),
            resume: false,
            dry_run: false,
            overfit: None,
            deterministic: false,
            log_every: 1,
            find_lr: false,
        };
        assert!(super::run(&args).is_err());
        assert!(!run_dir.exists());
    }
}
