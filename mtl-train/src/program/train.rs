//! `mtl train`: one run from a configuration file into a folder.

use std::{path::PathBuf, process::ExitCode};

use crate::{
    Result,
    analysis::{dry_run::DryRun, intervals::Intervals, run_report},
    config::RunConfig,
    monitor::{
        console::{note, tell},
        progress::Progress,
    },
    run::{
        dir::RunDir,
        interrupt::Interrupt,
        life::{Ended, Limit, Run},
        number::Numbered,
        outcome::Outcome,
        session::Session,
    },
    train::trainer::{Observer, TimeLimit},
};
use clap::Args as ClapArgs;
use mtl_core::task::{TaskName, TaskSet};
use mtl_data::Splits;
use mtl_metrics::{MetricReport, MetricValue};

use super::{
    dry_run,
    folder::{Folder, say},
    post_hoc,
    source::{Settings, config_file},
    table::{range, table, value},
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The configuration file; with --resume, a run's folder goes on with the configuration in it.
    config: PathBuf,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    folder: Folder,
    /// One batch through everything, nothing written: shapes, parameters, costs, first losses.
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// Train, validate and test on so many batches only: short for `--set train.overfit_batches=N`.
    #[arg(long, value_name = "N")]
    overfit: Option<u64>,
    /// Refuse operations that differ between runs: short for `--set device.deterministic=true`.
    #[arg(long)]
    deterministic: bool,
    /// How long to train at most, 90s, 2m or 1h: short for `--set train.time=TIME`.
    #[arg(long, value_name = "TIME")]
    time: Option<TimeLimit>,
    /// Log every so many steps: short for `--set log.every=N`.
    #[arg(long, value_name = "N")]
    log_every: Option<u64>,
    /// Show a dashboard instead of bars.
    #[arg(long)]
    tui: bool,
    /// Instead of training, try learning rates from small to large for some steps and suggest one; writes nothing.
    #[arg(long, conflicts_with_all = ["resume", "run_dir"])]
    find_lr: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    if args.tui {
        can_show_dashboard()?;
    }
    let mut settings = args.settings.clone();
    settings.set.extend(args.overfit.map(|n| format!("train.overfit_batches={n}")));
    settings.set.extend(args.time.map(|time| format!("train.time={time}")));
    settings.set.extend(args.log_every.map(|n| format!("log.every={n}")));
    settings.set.extend(args.deterministic.then(|| "device.deterministic=true".to_owned()));
    let source = settings.read(&config_file(&args.config))?;
    let config = source.config()?;
    start(args, config).map_err(|e| source.explain(e))
}

fn start(args: &Args, config: RunConfig) -> Result<ExitCode> {
    config.without_stream()?;
    let stem = args.config.file_stem().unwrap_or_default();
    let before = if args.folder.resume { to_go_on(args) } else { None };
    let splits = match &before {
        Some(dir) => Run::data(dir, &config)?,
        None => config.data.load()?,
    };
    splits.findings.iter().for_each(note);
    if args.dry_run {
        return dry_run::show(&DryRun::new(&config, &splits)?).map(|()| ExitCode::SUCCESS);
    }
    if args.find_lr {
        let mut session = Session::new(&config, &splits)?;
        if let Some(init) = &config.init {
            note(init.finding(&init.load(&mut session)?));
        }
        return super::find_lr::run(&mut session).map(|()| ExitCode::SUCCESS);
    }
    let mut run = match &before {
        Some(dir) => Run::resume(dir, config, &splits)?,
        None => create(args, config, &splits)?,
    };
    say(run.notes(), run.damaged());

    let interrupt = Interrupt::listen()?;
    let ended = {
        let trainer = &run.session().trainer;
        let total = run.session().total_steps();
        let mut display = display(args, &stem.to_string_lossy(), trainer.model().tasks(), total)?;
        run.train(Limit::End, &mut (&mut *display, interrupt.clone()))?
    };
    for failure in run.watching_failures() {
        note(format_args!("warning: {failure}"));
    }
    match ended {
        Ended::Finished => finish(&run, &splits).map(|()| ExitCode::SUCCESS),
        Ended::Paused | Ended::Stopped => {
            let step = run.session().trainer.step();
            note(format_args!("stopped after step {step}, which is saved; --resume goes on from there"));
            Ok(interrupt.exit_code().map_or(ExitCode::SUCCESS, ExitCode::from))
        }
    }
}

/// The folder that the user names, by a flag or as the configuration.
fn given(args: &Args) -> Option<PathBuf> {
    args.folder.run_dir.clone().or_else(|| args.config.is_dir().then(|| args.config.clone()))
}

/// The folder of the run that goes on: as given, else the newest; `None` when there is no run in it.
fn to_go_on(args: &Args) -> Option<PathBuf> {
    let (given, base) = (given(args), Folder::of_file(&args.config));
    let is_given = given.is_some();
    let dir = given.or_else(|| Numbered::new(&base).newest()).filter(|dir| RunDir::holds_run(dir))?;
    if !is_given && dir != base {
        note(format_args!("note: goes on with {}, the newest run of this file", dir.display()));
    }
    Some(dir)
}

/// A new run, in the folder as given, else in that of the next number of the file's name.
fn create(args: &Args, config: RunConfig, splits: &Splits) -> Result<Run> {
    if let Some(given) = given(args) {
        return Run::create(&given, config, splits);
    }
    let runs = Numbered::new(&Folder::of_file(&args.config));
    let (before, next) = (runs.newest(), runs.next()?);
    let run = Run::create(&next, config, splits)?;
    if let Some(before) = before {
        note(format_args!("note: {} has a run, this one goes to {}", before.display(), next.display()));
    }
    Ok(run)
}

/// Bars, or the dashboard.
fn display(args: &Args, title: &str, tasks: &TaskSet, total: u64) -> Result<Box<dyn Observer>> {
    match args.tui {
        false => Ok(Box::new(Progress::new(title, tasks, total))),
        true => dashboard(title, tasks, total),
    }
}

#[cfg(feature = "tui")]
fn can_show_dashboard() -> Result<()> {
    match std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        true => Ok(()),
        false => Err(refuse_dashboard("a terminal as standard output", "none")),
    }
}

#[cfg(not(feature = "tui"))]
fn can_show_dashboard() -> Result<()> {
    Err(refuse_dashboard("a program with the dashboard: cargo build -p mtl-train --features tui", "one without"))
}

fn refuse_dashboard(expected: &str, found: &str) -> crate::Error {
    let (expected, found) = (expected.into(), found.into());
    mtl_core::Error::InvalidConfig { what: "mtl train", field: "--tui", expected, found }.into()
}

#[cfg(feature = "tui")]
fn dashboard(title: &str, tasks: &TaskSet, total: u64) -> Result<Box<dyn Observer>> {
    let started = crate::monitor::tui::Tui::start(title, tasks, total);
    Ok(Box::new(started.map_err(|e| crate::Error::io("terminal", "cannot show a dashboard", e))?))
}

#[cfg(not(feature = "tui"))]
fn dashboard(_title: &str, _tasks: &TaskSet, _total: u64) -> Result<Box<dyn Observer>> {
    can_show_dashboard().map(|()| Box::new(()) as Box<dyn Observer>)
}

/// Tests the best epoch, writes weights, metrics and report, shows the table.
fn finish(run: &Run, splits: &Splits) -> Result<()> {
    let outcome = run.finish(None)?;
    // Everything that was trained is safe by now: a report that cannot be made is worth a line, not the run.
    let report = run_report::write_with(run.dir(), run.config(), Some(splits), Some(run.session()));

    let intervals = outcome.intervals.clone().unwrap_or_default();
    let level = format!("{:.0} % interval", 100.0 * intervals.level);
    let mut table = table(&["task", "metric", "validation", "test", &level, "constant"], 2);
    // Why a constant answer has no value is said below the table, once a task: the reason is a sentence.
    let mut without: Vec<String> = Vec::new();
    for figure in figures(&outcome, &intervals) {
        let constant = figure.constant.map_or_else(
            || "-".into(),
            |constant| match &constant.undefined {
                None => value(constant),
                Some(reason) => {
                    let line = format!("no constant answer of {}: {reason}", figure.of);
                    if !without.contains(&line) {
                        without.push(line);
                    }
                    "-".into()
                }
            },
        );
        let validation = figure.validation.map_or_else(|| "-".into(), value);
        let interval = figure.test.value.zip(figure.interval).map_or_else(|| "-".into(), |(x, ends)| range(x, ends));
        let metric = figure.metric.to_owned();
        table.add_row([figure.shown, metric, validation, value(figure.test), interval, constant]);
    }
    tell(&table);
    for entry in outcome.test.joint.iter().filter(|entry| entry.left_out > 0) {
        tell(format_args!("{}: {} test samples are not labeled in all of its tasks", entry.name, entry.left_out));
    }
    tell(format_args!("interval: of this model over other test samples, by {}", intervals.methods()));
    tell("constant: what answers without a look at the input have on test");
    without.iter().for_each(tell);
    for own in outcome.post_hoc.iter().flat_map(|found| &found.tasks) {
        tell(format_args!("\n{}, fitted on validation; on test:", own.task));
        let told = |line: &dyn std::fmt::Display| -> Result<()> {
            tell(line);
            Ok(())
        };
        post_hoc::show(own.task.as_str(), &own.fitted, &own.test, &told)?;
    }
    if let Some(choice) = &outcome.selection {
        tell(choice.sentence());
    }
    tell(format_args!("run folder {}", run.dir().root().display()));
    match report {
        Ok(path) => tell(format_args!("report {}", path.display())),
        Err(e) => note(format_args!("warning: no report: {e}")),
    }
    Ok(())
}

/// A line of the closing table.
struct Figure<'a> {
    /// In the column of tasks.
    shown: String,
    /// Whose it is: a task, or a metric over several.
    of: &'a str,
    metric: &'a str,
    validation: Option<&'a MetricValue>,
    test: &'a MetricValue,
    interval: Option<[f64; 2]>,
    constant: Option<&'a MetricValue>,
}

/// The metrics of each task, then those over several.
fn figures<'a>(outcome: &'a Outcome, intervals: &Intervals) -> Vec<Figure<'a>> {
    let (validation, constant) =
        (outcome.validation.as_ref(), outcome.constant.as_ref().map(|constant| &constant.test));
    let mut figures = Vec::new();
    for result in &outcome.test.tasks {
        let of = result.task.as_str();
        for (at, entry) in result.metrics.iter().enumerate() {
            let metric = entry.metric.as_str();
            let beside = |report: Option<&'a MetricReport>| Some(&report?.entry(of, metric).ok()?.outcome);
            figures.push(Figure {
                shown: if at == 0 { of.to_owned() } else { String::new() },
                of,
                metric,
                validation: beside(validation),
                test: &entry.outcome,
                interval: intervals.get(of, metric).and_then(|found| found.interval),
                constant: beside(constant),
            });
        }
    }
    for entry in &outcome.test.joint {
        let name = entry.name.as_str();
        let beside = |report: Option<&'a MetricReport>| Some(&report?.joint(name).ok()?.outcome);
        figures.push(Figure {
            shown: entry.tasks.iter().map(TaskName::as_str).collect::<Vec<_>>().join(" + "),
            of: name,
            metric: name,
            validation: beside(validation),
            test: &entry.outcome,
            interval: intervals.joint(name).and_then(|found| found.interval),
            constant: beside(constant),
        });
    }
    figures
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    fn args(config: PathBuf, run_dir: Option<PathBuf>) -> super::Args {
        super::Args {
            config,
            settings: super::Settings::default(),
            folder: super::Folder { run_dir, resume: false },
            dry_run: false,
            overfit: None,
            deterministic: false,
            time: None,
            log_every: None,
            tui: false,
            find_lr: false,
        }
    }

    #[test]
    fn folders_are_not_touched_before_everything_is_checked() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("bad.toml");
        std::fs::write(&config, "[data]\nkind = \"census-incme\"\n").unwrap();
        let run_dir = dir.path().join("run");
        let args = args(config, Some(run_dir.clone()));
        assert!(super::run(&args).is_err());
        assert!(!run_dir.exists());
    }

    /// `cargo xtask test` looks at a program with the dashboard, plain `cargo test` at one without.
    #[test]
    fn without_the_dashboard_or_a_terminal_the_program_says_what_it_wants() {
        let args = super::Args { tui: true, ..args("none.toml".into(), None) };
        let e = super::run(&args).unwrap_err().to_string();
        let expected = match (cfg!(feature = "tui"), std::io::IsTerminal::is_terminal(&std::io::stdout())) {
            (false, _) => "--features tui",
            (true, false) => "a terminal as standard output",
            (true, true) => "none.toml",
        };
        assert!(e.contains(expected), "{e}");
    }
}
