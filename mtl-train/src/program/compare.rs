//! `mtl compare`: methods against each other and against single-task networks, or task weights by cross-validation.

use std::{
    io::{IsTerminal, stderr},
    path::{Path, PathBuf},
};

use crate::{
    Error, Result,
    config::StudyConfig,
    monitor::{
        console::{note, tell},
        progress::Progress,
    },
    parts::{architecture::Architecture, method::MethodConfig},
    run::{cost::Cost, data as run_data, outcome::Outcome, session::Session},
    study::{
        compare::{self, ByKind, Cell, Plan, Seeds, Watch},
        cv_weights::{self, Trial, WatchTrials},
    },
    train::trainer::Observer,
};
use clap::Args as ClapArgs;
use mtl_metrics::report::TaskReport;

use super::{source::Settings, table::value};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The configuration file: that of a run, with sections `[compare]` and `[cv_weights]`.
    config: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// Sharing architectures instead of those of the file, by name.
    #[arg(long, value_delimiter = ',', conflicts_with = "cv_weights")]
    sharing: Vec<String>,
    /// Balancers instead of those of the file, by name.
    #[arg(long, value_delimiter = ',', conflicts_with = "cv_weights")]
    balancer: Vec<String>,
    /// Seeds per method instead of those of the file.
    #[arg(long, conflicts_with = "cv_weights", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// Train every task alone as well, whatever the file says.
    #[arg(long, conflicts_with = "cv_weights")]
    with_stl: bool,
    /// Choose fixed task weights by cross-validation on the training split instead.
    #[arg(long)]
    cv_weights: bool,
    /// The folder of all runs; default `runs/NAME-compare` or `runs/NAME-weights`, after the configuration file. What has
    /// finished there is read back, what was interrupted goes on.
    #[arg(long)]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let source = args.settings.read(&args.config)?;
    let mut study = source.study()?;
    let stem = args.config.file_stem().unwrap_or_default().to_string_lossy();
    let kind = if args.cv_weights { "weights" } else { "compare" };
    let root = args.dir.clone().unwrap_or_else(|| Path::new("runs").join(format!("{stem}-{kind}")));
    study.run.without_stream().map_err(|e| source.explain(e))?;
    let done = if args.cv_weights { weights(&study, &root) } else { methods(args, &mut study, &root) };
    done.map_err(|e| source.explain(e))
}

fn methods(args: &Args, study: &mut StudyConfig, root: &Path) -> Result<()> {
    let section = &mut study.compare;
    if !args.sharing.is_empty() {
        section.sharing = args.sharing.iter().map(|n| Ok(ByKind(Architecture::by_name(n)?))).collect::<Result<_>>()?;
    }
    if !args.balancer.is_empty() {
        section.balancer =
            args.balancer.iter().map(|n| Ok(ByKind(MethodConfig::by_name(n)?))).collect::<Result<_>>()?;
    }
    if let Some(n) = args.seeds {
        section.seeds = Seeds::Count(n);
    }
    section.baselines |= args.with_stl;
    let plan = Plan::new(study.run.clone(), &study.compare)?;
    let splits = run_data::of_study(root, &study.run.data)?;
    splits.findings.iter().for_each(note);
    match compare::run(&plan, &splits, root, &mut Terminal)? {
        Some(comparison) => {
            tell(compare::to_text(&comparison));
            note(format_args!("report: {}", compare::files(root).html().display()));
        }
        None => note("stopped; the same command goes on"),
    }
    Ok(())
}

fn weights(study: &StudyConfig, root: &Path) -> Result<()> {
    let splits = run_data::of_study(root, &study.run.data)?;
    splits.findings.iter().for_each(note);
    match cv_weights::search(&study.run, &study.cv_weights, &splits, root, &mut Terminal)? {
        Some(found) => {
            tell(cv_weights::to_text(&found));
            note(format_args!("report: {}", cv_weights::files(root).html().display()));
        }
        None => note("stopped; the same command goes on"),
    }
    Ok(())
}

/// Shows on standard error what is being trained: bars on a terminal, and a line for every run that has ended.
struct Terminal;

impl Terminal {
    /// Without a terminal a run is a line, not a line per epoch.
    fn bars(title: &str, session: &Session) -> Box<dyn Observer> {
        if !stderr().is_terminal() {
            return Box::new(());
        }
        let total = session.total_steps();
        Box::new(Progress::new(title, session.trainer.model().tasks(), total))
    }
}

impl Watch for Terminal {
    fn begin(&mut self, [number, total]: [usize; 2], cell: &Cell, session: &Session) -> Box<dyn Observer> {
        Self::bars(&format!("[{number}/{total}] {}", cell.title), session)
    }

    fn reused(&mut self, [number, total]: [usize; 2], cell: &Cell) {
        note(format_args!("[{number}/{total}] {}: finished before", cell.title));
    }

    fn done(&mut self, [number, total]: [usize; 2], cell: &Cell, outcome: &Outcome, cost: &Cost) {
        note(format_args!("[{number}/{total}] {}: {}", cell.title, run_line(outcome, cost)));
    }

    fn failed(&mut self, [number, total]: [usize; 2], cell: &Cell, error: &Error) {
        note(format_args!("warning: [{number}/{total}] {}: failed: {error}", cell.title));
    }
}

impl WatchTrials for Terminal {
    fn begin(&mut self, trial: &Trial<'_>, session: &Session) -> Box<dyn Observer> {
        Self::bars(&trial.title(), session)
    }

    fn done(&mut self, trial: &Trial<'_>, score: Option<f64>) {
        let score = score.map_or_else(|| "undefined".to_owned(), |score| format!("{score:.4}"));
        note(format_args!("{}: score {score}", trial.title()));
    }

    fn failed(&mut self, trial: &Trial<'_>, error: &Error) {
        note(format_args!("warning: {}: failed: {error}", trial.title()));
    }
}

/// Tasks named in the line of a run.
const NAMED: usize = 4;

/// `epoch 4 of 10, 12.3 s, income auroc 0.9433, age rmse 9.1`: the chosen epoch on validation.
fn run_line(outcome: &Outcome, cost: &Cost) -> String {
    let (epochs, noun) = (cost.epochs, if cost.passes.is_none() { "epoch" } else { "validation" });
    let best =
        outcome.best_epoch.map_or_else(|| format!("{epochs} {noun}s"), |best| format!("{noun} {best} of {epochs}"));
    let mut parts = vec![best, format!("{:.1} s", cost.seconds)];
    let tasks = outcome.validation.as_ref().map_or(&[][..], |validation| &validation.tasks);
    let first =
        |task: &TaskReport| task.metrics.first().map(|m| format!("{} {} {}", task.task, m.metric, value(&m.outcome)));
    parts.extend(tasks.iter().take(NAMED).filter_map(first));
    if tasks.len() > NAMED {
        parts.push(format!("and {} tasks more", tasks.len() - NAMED));
    }
    parts.extend(outcome.score().map(|score| format!("score {score:.4}")));
    parts.join(", ")
}
