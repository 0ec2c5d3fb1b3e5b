//! `mtl compare`: methods against each other and against single-task networks, or task weights by cross-validation.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use mtl_train::{
    Error, Result,
    architecture::Architecture,
    compare::{self, ByKind, Cell, Files, Plan, Seeds, Watch},
    config::StudyConfig,
    cv_weights::{self, Trial, WatchTrials},
    method::MethodConfig,
    progress::Progress,
    run_data,
    session::Session,
    trainer::Observer,
};

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The configuration file: that of a run, with sections `[compare]` and `[cv_weights]`.
    config: PathBuf,
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

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut study = StudyConfig::load(&args.config)?;
    let stem = args.config.file_stem().unwrap_or_default().to_string_lossy();
    let kind = if args.cv_weights { "weights" } else { "compare" };
    let root = args.dir.clone().unwrap_or_else(|| Path::new("runs").join(format!("{stem}-{kind}")));
    if args.cv_weights { weights(&study, &root) } else { methods(args, &mut study, &root) }
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
    match compare::run(&plan, &splits, root, &mut Terminal)? {
        Some(comparison) => {
            print(&compare::to_text(&comparison));
            eprintln!("report: {}", Files::new(root).html().display());
        }
        None => eprintln!("stopped; the same command goes on"),
    }
    Ok(())
}

fn weights(study: &StudyConfig, root: &Path) -> Result<()> {
    let splits = run_data::of_study(root, &study.run.data)?;
    match cv_weights::search(&study.run, &study.cv_weights, &splits, root, &mut Terminal)? {
        Some(found) => {
            print(&cv_weights::to_text(&found));
            eprintln!("report: {}", cv_weights::Files::new(root).html().display());
        }
        None => eprintln!("stopped; the same command goes on"),
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what the program is for")]
fn print(text: &str) {
    println!("{text}");
}

/// Shows on standard error what is being trained.
struct Terminal;

impl Terminal {
    fn bars(title: &str, session: &Session) -> Box<dyn Observer> {
        let total = session.trainer.total_steps(&session.train);
        Box::new(Progress::new(title, session.trainer.model().tasks(), total))
    }
}

impl Watch for Terminal {
    fn begin(&mut self, [number, total]: [usize; 2], cell: &Cell, session: &Session) -> Box<dyn Observer> {
        Self::bars(&format!("[{number}/{total}] {}", cell.title), session)
    }

    fn reused(&mut self, [number, total]: [usize; 2], cell: &Cell) {
        eprintln!("[{number}/{total}] {}: finished before", cell.title);
    }

    fn failed(&mut self, [number, total]: [usize; 2], cell: &Cell, error: &Error) {
        eprintln!("warning: [{number}/{total}] {}: {error}", cell.title);
    }
}

impl WatchTrials for Terminal {
    fn begin(&mut self, trial: &Trial<'_>, session: &Session) -> Box<dyn Observer> {
        Self::bars(&trial.title(), session)
    }
}
