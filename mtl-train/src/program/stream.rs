//! `mtl stream`: learn from a table without end, every row judged before it is learned from.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::Args as ClapArgs;
use mtl_data::table::stream::Stop;
use mtl_metrics::report::MetricEntry;

use super::{
    folder::{Folder, say},
    source::{Settings, config_file},
    table::{table, value},
};
use crate::{
    Result,
    analysis::inspect::Finding,
    config::RunConfig,
    monitor::console::{note, tell},
    run::{dir::RunDir, interrupt::Interrupt, number::Numbered},
    stream::{Point, StreamOutcome, StreamRun, StreamWatcher, drift::Change, of_a_run, write_page},
    train::trainer::Ending,
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The configuration file; a run's folder has one. With --from it may be left out: that run's configuration counts.
    #[arg(required_unless_present = "from")]
    config: Option<PathBuf>,
    /// The rows, `-` for the standard input: short for `--set data.train=FILE`.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The folder of a finished run whose model goes on learning; without it a new model is warmed up on the first rows.
    #[arg(long, value_name = "RUN", conflicts_with = "resume")]
    from: Option<PathBuf>,
    /// Wait for the file to grow: short for `--set stream.follow=true`.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    folder: Folder,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let mut settings = args.settings.clone();
    let quoted = |path: &Path| toml::Value::from(path.to_string_lossy().into_owned()).to_string();
    settings.set.extend(args.input.as_deref().map(|path| format!("data.train={}", quoted(path))));
    settings.set.extend(args.follow.then(|| "stream.follow=true".to_owned()));
    // One of both is there.
    let config = args.config.as_ref().or(args.from.as_ref()).cloned().unwrap_or_default();
    let source = settings.read(&config_file(&config))?;
    let mut read = source.config()?;
    if let (None, Some(from)) = (&args.config, &args.from) {
        let (config, finding) = of_a_run(read, from);
        finding.iter().for_each(note);
        read = config;
    }
    start(args, &config, read).map_err(|e| source.explain(e))
}

fn start(args: &Args, path: &Path, config: RunConfig) -> Result<ExitCode> {
    let interrupt = Interrupt::listen()?;
    let stop = Stop::default();
    end_with(&interrupt, &stop);
    let (resume, runs) = (args.folder.resume, Folder::of_file(path));
    let given = args.folder.run_dir.clone().or_else(|| (resume && path.is_dir()).then(|| path.to_owned()));
    let mut run = match resume {
        true => {
            let dir = given.or_else(|| Numbered::new(&runs).newest()).unwrap_or(runs);
            note(format_args!("note: goes on with {}", dir.display()));
            StreamRun::resume(&dir, config, &stop)?
        }
        false => {
            let settings = config.stream.clone().unwrap_or_default();
            let waits = settings.follow || args.input.as_deref() == Some(Path::new("-"));
            if args.from.is_none() && waits {
                let rows = settings.warmup_rows;
                note(format_args!("note: waits for the first {rows} rows, which teach codes, scales and classes"));
            }
            let dir = given.map_or_else(|| Numbered::new(&runs).next(), Ok)?;
            StreamRun::create(&dir, config, args.from.as_deref(), &stop)?
        }
    };
    say(run.notes(), run.damaged());
    let mut told = Told::new(run.judged());
    let (ending, outcome) = run.run(&mut interrupt.clone(), &mut told)?;
    for failure in run.watching_failures() {
        note(format_args!("warning: {failure}"));
    }
    show(&outcome, run.dir());
    // Everything that was learned is safe by now: a report that cannot be made is worth a line, not the run.
    match write_page(run.dir()) {
        Ok(path) => tell(format_args!("report {}", path.display())),
        Err(e) => note(format_args!("warning: no report: {e}")),
    }
    match ending {
        Ending::Finished => Ok(ExitCode::SUCCESS),
        Ending::Stopped => {
            note(format_args!("stopped after row {}, which is saved; --resume goes on from there", outcome.rows));
            Ok(interrupt.exit_code().map_or(ExitCode::SUCCESS, ExitCode::from))
        }
    }
}

/// Who waits for rows is told when the process is asked to end.
fn end_with(interrupt: &Interrupt, stop: &Stop) {
    let (interrupt, stop) = (interrupt.clone(), stop.clone());
    thread::spawn(move || {
        while interrupt.exit_code().is_none() {
            thread::sleep(Duration::from_millis(50));
        }
        stop.stop();
    });
}

/// Tells how it goes, a line a second at most.
struct Told {
    since: Instant,
    judged: u64,
}

impl Told {
    fn new(judged: u64) -> Self {
        Self { since: Instant::now(), judged }
    }
}

impl StreamWatcher for Told {
    fn point(&mut self, point: &Point) {
        let seconds = self.since.elapsed().as_secs_f64();
        if seconds < 1.0 {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = (point.judged - self.judged.min(point.judged)) as f64 / seconds;
        (self.since, self.judged) = (Instant::now(), point.judged);
        let first = |entries: &[MetricEntry]| {
            entries.first().map_or_else(String::new, |entry| format!("{} {}", entry.metric, value(&entry.outcome)))
        };
        let tasks: Vec<String> =
            point.tasks.iter().map(|task| format!("{} {}", task.task, first(&task.window))).collect();
        note(format_args!("row {}: {} ({rate:.0} rows/s)", point.rows, tasks.join(", ")));
    }

    fn drift(&mut self, task: &str, row: u64, change: Change) {
        note(format_args!(
            "note: row {row}: the loss of {task} has changed, from {:.4} to {:.4}",
            change.before, change.after
        ));
    }

    fn noticed(&mut self, finding: &Finding) {
        note(finding);
    }
}

/// What was found, as a table.
fn show(outcome: &StreamOutcome, dir: &RunDir) {
    let mut lines = table(&["task", "metric", "last rows", "fading"], 2);
    for (at, task) in outcome.window.tasks.iter().enumerate() {
        for (metric, entry) in task.metrics.iter().enumerate() {
            let faded = outcome.fading.as_ref().and_then(|report| report.tasks.get(at)?.metrics.get(metric));
            let faded = faded.map_or_else(|| "-".into(), |entry| value(&entry.outcome));
            let name = if metric == 0 { task.task.to_string() } else { String::new() };
            lines.add_row([name, entry.metric.clone(), value(&entry.outcome), faded]);
        }
    }
    tell(&lines);
    let StreamOutcome { rows, judged, passed, drifts, .. } = outcome;
    tell(format_args!("{rows} rows learned, {judged} of them judged before, changes noticed: {drifts}"));
    tell(format_args!(
        "passed over: {} rows that could not be read, {} unknown labels (taken as missing), {} unknown categories (code 0)",
        passed.bad_rows, passed.unknown_labels, passed.unknown_categories
    ));
    tell(format_args!("run folder {}", dir.root().display()));
}
