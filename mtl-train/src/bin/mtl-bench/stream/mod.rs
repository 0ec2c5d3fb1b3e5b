//! The stream suite: generated rows with a planted change of concept through a run of `mtl stream`, by a pipe, in one process.
//!
//! What it shows: rows a second (the generator included), resident memory early and late, and the curve around the change. The
//! model is a small network; a row has eight numbers and two labels.

mod rows;

use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use mtl_data::table::stream::Stop;
use mtl_train::{
    Error, Result, RunConfig,
    analysis::inspect::Finding,
    run::memory,
    stream::{Point, StreamRun, StreamWatcher, drift::Change},
};
use serde::Serialize;

/// Rows of a batch.
const BATCH: u64 = 512;
/// Parts of the stream at which memory and metrics are told.
const PARTS: u64 = 20;

/// What a run of the suite found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StreamFigures {
    /// Rows that were generated and learned.
    pub(crate) rows: u64,
    /// Seconds for all of them.
    pub(crate) seconds: f64,
    /// Rows a second.
    pub(crate) rows_per_second: f64,
    /// The row from which on labels follow another rule.
    pub(crate) change_at: u64,
    /// Resident memory and metrics at parts of the stream.
    pub(crate) parts: Vec<Part>,
    /// Rows at which a change was noticed, by task.
    pub(crate) noticed: Vec<(String, u64)>,
}

/// A look at a running stream.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Part {
    /// Rows so far.
    pub(crate) rows: u64,
    /// Megabytes (1e6 bytes) that the process holds; `None` where the system does not tell.
    pub(crate) resident_mb: Option<f64>,
    /// The primary metric of each task over the last rows, as `task metric value`.
    pub(crate) metrics: Vec<(String, f64)>,
}

/// Runs it in a folder of its own, which is removed first.
pub(crate) fn run(rows: u64, seed: u64, folder: &Path) -> Result<StreamFigures> {
    let _ = fs::remove_dir_all(folder);
    let (reader, writer) = io::pipe().map_err(|e| Error::io("pipe", "cannot make", e))?;
    let change_at = rows / 2;
    let generator = thread::spawn(move || rows::write(writer, rows, change_at, seed));
    let config = RunConfig::parse(&config(&reader, rows), "stream suite".as_ref())?;
    let mut run = StreamRun::create(folder, config, None, &Stop::default())?;
    drop(reader); // the stream has opened it for itself
    let every = (rows / PARTS).max(1);
    let mut watch = Watch { every, next: every, change_at, parts: Vec::new(), noticed: Vec::new() };
    let start = Instant::now();
    let (_, outcome) = run.run(&mut (), &mut watch)?;
    let seconds = start.elapsed().as_secs_f64();
    generator.join().map_err(|_| Error::Checkpoint { path: "generator".into(), reason: "it panicked".into() })??;
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rows_per_second = outcome.rows as f64 / seconds;
    let Watch { parts, noticed, .. } = watch;
    Ok(StreamFigures { rows: outcome.rows, seconds, rows_per_second, change_at, parts, noticed })
}

/// The path by which a reader of this process can be opened.
#[cfg(unix)]
fn path_of(reader: &io::PipeReader) -> String {
    use std::os::fd::AsRawFd;
    format!("/dev/fd/{}", reader.as_raw_fd())
}

#[cfg(not(unix))]
fn path_of(_reader: &io::PipeReader) -> String {
    "-".into() // the suite wants a system whose pipes have paths: the standard input stays empty, and says so
}

fn config(reader: &io::PipeReader, rows: u64) -> String {
    let columns: String = rows::NAMES.iter().map(|x| format!("{{ name = \"{x}\", kind = \"numeric\" }},\n")).collect();
    let warmup = (rows / 100).clamp(BATCH, 10_000);
    let window = 10 * BATCH * (rows / 1000).div_ceil(10 * BATCH).max(1);
    format!(
        r#"
        [data]
        kind = "csv"
        train = "{path}"
        schema = {{ columns = [
            {columns}
            {{ name = "above", kind = "label", label = {{ binary = {{ positive = "yes", negative = "no" }} }} }},
            {{ name = "level", kind = "label", label = "value" }},
        ] }}
        [encoder]
        kind = "mlp"
        hidden = [32, 32]
        [[task]]
        name = "above"
        primary = "accuracy"
        head = {{ kind = "multi-label" }}
        [[task]]
        name = "level"
        primary = "rmse"
        head = {{ kind = "regress" }}
        [train]
        batch_size = {BATCH}
        statistics_every = 0
        optimizer = {{ kind = "adam", lr = 2e-3 }}
        schedule = {{ kind = "constant" }}
        [stream]
        warmup_rows = {warmup}
        every = {every}
        window = {window}
        checkpoint_every = {checkpoint}
        drift = {{ kind = "page-hinkley" }}
        [log]
        every = 1000
        [device]
        threads = 1
        "#,
        path = path_of(reader),
        every = 10 * BATCH,
        checkpoint = (rows / 10).max(1),
    )
}

struct Watch {
    every: u64,
    next: u64,
    change_at: u64,
    parts: Vec<Part>,
    noticed: Vec<(String, u64)>,
}

impl StreamWatcher for Watch {
    fn point(&mut self, point: &Point) {
        if point.rows < self.next {
            return;
        }
        self.next += self.every;
        // Right after the change a few points more, or its trace would lie between two looks.
        if point.rows >= self.change_at && point.rows < self.change_at + self.every {
            self.next = self.next.min(point.rows + self.every / 10);
        }
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let resident_mb = memory::resident().map(|bytes| bytes as f64 * 1e-6);
        let metrics = point.tasks.iter().filter_map(|task| {
            let entry = task.window.first()?;
            Some((format!("{} {}", task.task, entry.metric), entry.outcome.value?))
        });
        self.parts.push(Part { rows: point.rows, resident_mb, metrics: metrics.collect() });
    }

    fn drift(&mut self, task: &str, row: u64, _change: Change) {
        self.noticed.push((task.to_owned(), row));
    }

    fn noticed(&mut self, finding: &Finding) {
        eprintln!("{finding}");
    }
}

/// Prints the figures.
#[expect(clippy::print_stdout, reason = "what the program is for")]
pub(crate) fn show(found: &StreamFigures) {
    println!("{:>12}  {:>10}  primary metrics over the last rows", "rows", "MB");
    for part in &found.parts {
        let memory = part.resident_mb.map_or_else(|| "-".into(), |mb| format!("{mb:.1}"));
        let metrics: Vec<String> = part.metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        let mark = if part.rows >= found.change_at { "after the change" } else { "" };
        println!("{:>12}  {memory:>10}  {}  {mark}", part.rows, metrics.join("  "));
    }
    for (task, row) in &found.noticed {
        match row.checked_sub(found.change_at) {
            Some(late) => println!("change of {task} noticed at row {row}, {late} rows after it was planted"),
            None => println!("change of {task} noticed at row {row}, before there was one"),
        }
    }
    let took = Duration::from_secs_f64(found.seconds);
    println!("{} rows in {took:.1?}: {:.0} rows/s, generator included", found.rows, found.rows_per_second);
}
