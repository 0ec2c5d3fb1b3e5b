//! Training beside other programs: what is left of the speed of a quiet machine.
//!
//! Each measurement is a process of its own, because the way in which threads wait is settled when a program starts. A
//! measurement trains the bench's first multi-task model (on generated data one of the same width) for some seconds and counts samples, validation included, reading
//! left out. In turn, so often: every way of waiting, beside every neighbor.
//!
//! | way | what is set |
//! |---|---|
//! | `as delivered` | nothing: what a user gets |
//! | `every processor` | `OMP_NUM_THREADS`: threads as libtorch takes them, short waits |
//! | `libgomp's own` | the same and `GOMP_SPINCOUNT=300000`: as without our settings |
//!
//! | neighbor | what it is |
//! |---|---|
//! | `nobody` | the machine as it is |
//! | `a busy program` | a loop on one processor |
//! | `a low-priority login` | the same by `setsid nice -n 19`: a session of its own, which Linux gives a share of its own |

use std::{
    env, fmt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use mtl_data::{DatasetConfig, Origin};
use mtl_train::{
    Error, Result,
    run::{session::Session, threads},
    study::compare::Subject,
    train::trainer::{Flow, Observer, StepSummary},
};
use serde::{Deserialize, Serialize};

use crate::{
    console,
    models::{encoder, plan},
};

/// The least share of quiet speed that a neighbor may leave.
pub(crate) const LEAST: f64 = 0.4;

/// The longest that a neighbor lives, should it be forgotten.
const LONGEST: Duration = Duration::from_secs(120);

/// More than a measurement can finish.
const MANY_EPOCHS: u64 = 1_000_000;

/// What decides about threads and waiting; taken away from measurements unless they set it.
const SETTINGS: [&str; 4] = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "GOMP_SPINCOUNT", "OMP_WAIT_POLICY"];

/// How threads wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Way {
    Delivered,
    Every,
    Library,
}

/// Who else computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Neighbor {
    Nobody,
    Busy,
    Nice,
}

const WAYS: [Way; 3] = [Way::Delivered, Way::Every, Way::Library];
const NEIGHBORS: [Neighbor; 3] = [Neighbor::Nobody, Neighbor::Busy, Neighbor::Nice];

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LoadRate {
    pub(crate) way: Way,
    pub(crate) neighbor: Neighbor,
    /// Threads inside operations.
    pub(crate) threads: i32,
    /// Median over the rounds.
    pub(crate) samples_per_second: f64,
    /// Over the same way with nobody beside.
    pub(crate) of_quiet: f64,
}

/// What a measurement prints.
#[derive(Debug, Serialize, Deserialize)]
struct Rate {
    threads: i32,
    samples_per_second: f64,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delivered => "as delivered",
            Self::Every => "every processor",
            Self::Library => "libgomp's own",
        })
    }
}

impl fmt::Display for Neighbor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "nobody",
            Self::Busy => "a busy program",
            Self::Nice => "a low-priority login",
        })
    }
}

impl Way {
    fn set(self, command: &mut Command) {
        for name in SETTINGS {
            command.env_remove(name);
        }
        if self != Self::Delivered {
            command.env("OMP_NUM_THREADS", threads::processors().to_string());
        }
        if self == Self::Library {
            command.env("GOMP_SPINCOUNT", "300000");
        }
    }
}

/// A neighbor at work; ends when dropped.
struct AtWork(Option<Child>);

impl AtWork {
    fn start(neighbor: Neighbor, program: &Path) -> Result<Self> {
        let mut command = match neighbor {
            Neighbor::Nobody => return Ok(Self(None)),
            Neighbor::Busy => Command::new(program),
            Neighbor::Nice => {
                let mut command = Command::new("setsid");
                command.args(["nice", "-n", "19"]).arg(program);
                command
            }
        };
        command.arg("--spin").stdin(Stdio::null());
        let child = command.spawn().map_err(|e| Error::io(command.get_program(), "cannot run", e))?;
        std::thread::sleep(Duration::from_millis(300)); // until it has its share
        Ok(Self(Some(child)))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill(); // it may have ended by itself
            let _ = child.wait();
        }
    }
}

/// What a neighbor does.
pub(crate) fn spin() {
    let start = Instant::now();
    while start.elapsed() < LONGEST {
        (0..1_000_000_u64).for_each(|x| {
            std::hint::black_box(x);
        });
    }
}

/// What a measurement does: trains for so many seconds and prints its rate.
#[expect(clippy::print_stdout, reason = "what the parent reads")]
pub(crate) fn child(seconds: f64, data: &DatasetConfig) -> Result<()> {
    let splits = data.load()?;
    let plan = plan(data, &splits.info, MANY_EPOCHS, 1, None)?;
    let cells = plan.cells(&splits.info)?;
    let Some(mut cell) = cells.into_iter().find(|cell| cell.subject == Subject::Method(0)) else { return Ok(()) };
    if splits.origin == Origin::Synthetic {
        cell.config.encoder = encoder(3, &[128, 64]); // 100 fields: the width of Census-Income, 39 fields of 8
    }
    let batch_size = cell.config.train.batch_size;
    let mut session = Session::new(&cell.config, &splits)?;
    let mut stopwatch = Stopwatch::new(seconds);
    session.trainer.fit(&session.train, &session.validation, &mut stopwatch, None)?;
    let rate = Rate { threads: tch::get_num_threads(), samples_per_second: stopwatch.rate(batch_size) };
    println!("{}", serde_json::json!(rate));
    Ok(())
}

/// Counts steps from the first one, in which memory is taken, until the time is over.
pub(crate) struct Stopwatch {
    seconds: f64,
    first: Option<Instant>,
    last: Option<Instant>,
    steps: u64,
}

impl Stopwatch {
    pub(crate) fn new(seconds: f64) -> Self {
        Self { seconds, first: None, last: None, steps: 0 }
    }

    /// Samples per second in batches of that size; 0 before the second step.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub(crate) fn rate(&self, batch_size: usize) -> f64 {
        let (Some(first), Some(last)) = (self.first, self.last) else { return 0.0 };
        (self.steps * batch_size as u64) as f64 / last.duration_since(first).as_secs_f64().max(1e-9)
    }
}

impl Observer for Stopwatch {
    fn step(&mut self, _: &StepSummary<'_>) {
        let now = Instant::now();
        match self.first {
            None => self.first = Some(now),
            Some(_) => self.steps += 1,
        }
        self.last = Some(now);
    }

    fn flow(&self) -> Flow {
        let is_over = self.first.is_some_and(|first| first.elapsed().as_secs_f64() > self.seconds);
        if is_over { Flow::Stop } else { Flow::Continue }
    }
}

/// Measures everything in turn, so often; `arguments` name the data.
pub(crate) fn measure(rounds: u64, seconds: f64, arguments: &[String]) -> Result<Vec<LoadRate>> {
    let program = env::current_exe().map_err(|e| Error::io("mtl-bench", "cannot find the program", e))?;
    let mut rates: Vec<(Way, Neighbor, Vec<Rate>)> = Vec::new();
    for round in 1..=rounds {
        for neighbor in NEIGHBORS {
            for way in WAYS {
                let mut command = Command::new(&program);
                command.args(["--load-of", &seconds.to_string()]).args(arguments);
                way.set(&mut command);
                let beside = AtWork::start(neighbor, &program)?;
                let output = command.output().map_err(|e| Error::io(&program, "cannot run", e))?;
                drop(beside);
                let text = String::from_utf8_lossy(&output.stdout);
                let Some(rate) = text.lines().find_map(|line| serde_json::from_str::<Rate>(line).ok()) else {
                    let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                    return Err(Error::Checkpoint { path: program, reason: format!("no rate was measured: {reason}") });
                };
                eprintln!(
                    "round {round} of {rounds}: {way}, beside {neighbor}: {:.0} samples/s",
                    rate.samples_per_second
                );
                match rates.iter_mut().find(|(w, n, _)| (*w, *n) == (way, neighbor)) {
                    Some((_, _, found)) => found.push(rate),
                    None => rates.push((way, neighbor, vec![rate])),
                }
            }
        }
    }
    Ok(rows(&rates))
}

fn rows(rates: &[(Way, Neighbor, Vec<Rate>)]) -> Vec<LoadRate> {
    let median = |found: &[Rate]| {
        let mut values: Vec<f64> = found.iter().map(|rate| rate.samples_per_second).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let quiet = |way: Way| {
        let found = rates.iter().find(|(w, n, _)| (*w, *n) == (way, Neighbor::Nobody));
        found.map_or(f64::NAN, |(_, _, found)| median(found))
    };
    let rows = WAYS.iter().flat_map(|way| rates.iter().filter(move |(w, _, _)| w == way));
    rows.map(|(way, neighbor, found)| LoadRate {
        way: *way,
        neighbor: *neighbor,
        threads: found.first().map_or(0, |rate| rate.threads),
        samples_per_second: median(found),
        of_quiet: median(found) / quiet(*way),
    })
    .collect()
}

/// The table and what it says about the bar.
#[expect(clippy::print_stdout, reason = "what the program is for")]
pub(crate) fn show(rates: &[LoadRate]) {
    let mut table = console::table(&["threads and waits", "beside", "threads", "samples/s", "of quiet"]);
    for rate in rates {
        let numbers =
            [rate.threads.to_string(), format!("{:.0}", rate.samples_per_second), format!("{:.2}", rate.of_quiet)];
        table.add_row([vec![rate.way.to_string(), rate.neighbor.to_string()], numbers.to_vec()].concat());
    }
    println!("{}", console::right(table, 2));
    for line in verdicts(rates) {
        println!("{line}");
    }
}

fn verdicts(rates: &[LoadRate]) -> Vec<String> {
    let rate = |way, neighbor| rates.iter().find(|rate| (rate.way, rate.neighbor) == (way, neighbor));
    let beside = |neighbor| {
        let rate = rate(Way::Delivered, neighbor)?;
        let verdict = if rate.of_quiet >= LEAST { "kept" } else { "MISSED" };
        Some(format!("beside {neighbor}: {:.2} of quiet, at least {LEAST}: {verdict}", rate.of_quiet))
    };
    let quiet = || {
        let [ours, theirs] = [Way::Delivered, Way::Library].map(|way| rate(way, Neighbor::Nobody));
        let ratio = ours?.samples_per_second / theirs?.samples_per_second;
        Some(format!("quiet: {ratio:.2} of the speed with libgomp's own waits on every processor"))
    };
    [beside(Neighbor::Busy), beside(Neighbor::Nice), quiet()].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(samples_per_second: f64) -> Rate {
        Rate { threads: 1, samples_per_second }
    }

    #[test]
    fn medians_are_set_against_the_same_way_with_nobody_beside() {
        let rates = [
            (Way::Delivered, Neighbor::Nobody, vec![rate(100.0), rate(300.0), rate(200.0)]),
            (Way::Library, Neighbor::Nobody, vec![rate(250.0)]),
            (Way::Delivered, Neighbor::Busy, vec![rate(100.0)]),
            (Way::Delivered, Neighbor::Nice, vec![rate(70.0)]),
        ];
        let rows = rows(&rates);
        let of_quiet: Vec<String> = rows.iter().map(|row| format!("{:.2}", row.of_quiet)).collect();
        assert_eq!(of_quiet, ["1.00", "0.50", "0.35", "1.00"], "{rows:?}");
        let lines = verdicts(&rows);
        assert!(lines[0].ends_with("0.50 of quiet, at least 0.4: kept"), "{lines:?}");
        assert!(lines[1].ends_with("MISSED") && lines[2].starts_with("quiet: 0.80"), "{lines:?}");
    }

    #[test]
    fn each_way_starts_from_an_environment_of_its_own() {
        let set = |way: Way| {
            let mut command = Command::new("x");
            command.env("GOMP_SPINCOUNT", "7");
            way.set(&mut command);
            let name = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
                value.map(|_| name.to_string_lossy().into_owned())
            };
            command.get_envs().filter_map(name).collect::<Vec<_>>()
        };
        assert!(set(Way::Delivered).is_empty());
        assert_eq!(set(Way::Every), ["OMP_NUM_THREADS"]);
        assert_eq!(set(Way::Library), ["GOMP_SPINCOUNT", "OMP_NUM_THREADS"]);
    }

    #[test]
    fn a_neighbor_ends_with_its_guard() {
        let beside = AtWork::start(Neighbor::Busy, Path::new("cat")).unwrap();
        let id = beside.0.as_ref().unwrap().id();
        drop(beside);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
        assert!(AtWork::start(Neighbor::Busy, Path::new("no-such-program")).is_err());
    }
}
