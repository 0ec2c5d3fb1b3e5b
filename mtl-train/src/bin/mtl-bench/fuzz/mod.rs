//! Mutated tables and configurations, pair by pair through everything that reads them, counted by verdict.
//!
//! Pair `i` of a run is a function of seed and `i`: a run can be cut into parts (`--first`), and a pair that failed can be made again.
//! What failed is left in `OUT/fuzz/faults`, with its message; a crash that no handler can catch leaves its pair in
//! `OUT/fuzz/current`.
//!
//! | file | holds |
//! |---|---|
//! | `pairs` | the valid pairs that it starts from |
//! | `mutate` | what chance does to them |
//! | `judge` | what the toolkit makes of a pair, and what counts as a fault |

mod judge;
mod mutate;
mod pairs;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use judge::{Verdict, judge};
use mtl_core::rng::{Rng, derive};
use mtl_train::{Error, Result};
use pairs::Pair;
use serde::Serialize;

/// So many faults are kept; the others are only counted.
const KEPT: usize = 200;

/// How a run went.
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct Fuzz {
    pub(crate) first: u64,
    pub(crate) pairs: u64,
    pub(crate) seconds: f64,
    /// Pairs by where their way ended.
    pub(crate) verdicts: BTreeMap<&'static str, u64>,
    /// Faults by their first words.
    pub(crate) faults: BTreeMap<String, u64>,
}

/// What to run.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) seed: u64,
    pub(crate) first: u64,
    pub(crate) pairs: u64,
    /// Stops after the pair at which so much time is over.
    pub(crate) limit: Option<Duration>,
    /// `OUT/fuzz`.
    pub(crate) folder: PathBuf,
}

/// Pair `index` of a run.
fn pair(seed: u64, index: u64) -> Pair {
    let valid = pairs::valid();
    let mut rng = Rng::new(derive(seed, "fuzz", index));
    let at = usize::try_from(rng.below(valid.len() as u64)).unwrap_or(0);
    valid.get(at).map_or_else(
        || Pair { config: Vec::new(), train: Vec::new(), test: Vec::new() },
        |pair| mutate::mutated(pair, &mut rng),
    )
}

/// Runs so many pairs.
pub(crate) fn run(request: &Request) -> Result<Fuzz> {
    let failed = |e: io::Error| Error::io(&request.folder, "cannot write", e);
    let current = request.folder.join("current");
    fs::create_dir_all(&current).map_err(failed)?;
    let mut fuzz = Fuzz { first: request.first, ..Fuzz::default() };
    let start = Instant::now();
    for index in request.first..request.first.saturating_add(request.pairs) {
        let pair = pair(request.seed, index);
        let verdict = judge(&pair, &current).map_err(failed)?;
        *fuzz.verdicts.entry(judge::name(verdict.stage)).or_default() += 1;
        if let Some(fault) = &verdict.fault {
            if fuzz.faults.values().sum::<u64>() < KEPT as u64 {
                keep(&request.folder, index, &current, &verdict).map_err(failed)?;
            }
            *fuzz.faults.entry(kind(fault)).or_default() += 1;
        }
        fuzz.pairs += 1;
        fuzz.seconds = start.elapsed().as_secs_f64();
        if fuzz.pairs.is_multiple_of(1000) {
            let (done, faults) = (fuzz.pairs, fuzz.faults.values().sum::<u64>());
            eprintln!("{done} of {} pairs, {faults} faults, {:.0} s", request.pairs, fuzz.seconds);
        }
        if request.limit.is_some_and(|limit| start.elapsed() >= limit) {
            break;
        }
    }
    Ok(fuzz)
}

/// The words of a fault before its first colon after the stage, so that equal ones are counted together.
fn kind(fault: &str) -> String {
    fault.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).take(90).collect()
}

fn keep(folder: &Path, index: u64, current: &Path, verdict: &Verdict) -> io::Result<()> {
    let dir = folder.join("faults").join(index.to_string());
    fs::create_dir_all(&dir)?;
    for name in ["run.toml", "train.csv", "test.csv"] {
        fs::copy(current.join(name), dir.join(name))?;
    }
    let text = format!("{:?}\n{}\n", verdict.stage, verdict.fault.as_deref().unwrap_or_default());
    fs::write(dir.join("fault.txt"), text)
}

/// Counts by verdict, then the faults.
#[expect(clippy::print_stdout, reason = "what the program is for")]
pub(crate) fn show(fuzz: &Fuzz, folder: &Path) {
    for (verdict, n) in &fuzz.verdicts {
        println!("{n:9}  {verdict}");
    }
    let faults: u64 = fuzz.faults.values().sum();
    println!("{:9}  pairs from {} on, {:.0} s; {faults} faults", fuzz.pairs, fuzz.first, fuzz.seconds);
    for (fault, n) in &fuzz.faults {
        println!("{n:9}  {fault}");
    }
    if faults > 0 {
        println!("the pairs are in {}", folder.join("faults").display());
    }
}

#[cfg(test)]
mod tests {
    use super::{judge::Stage, *};

    #[test]
    fn the_valid_pairs_go_all_the_way() {
        let folder = tempfile::tempdir().unwrap();
        for (at, pair) in pairs::valid().iter().enumerate() {
            let verdict = judge(pair, folder.path()).unwrap();
            assert_eq!(verdict, Verdict { stage: Stage::Trained, fault: None, message: None }, "pair {at}");
        }
    }

    #[test]
    fn some_hundred_pairs_bring_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        let request = Request { seed: 1, first: 0, pairs: 300, limit: None, folder: folder.path().to_owned() };
        let fuzz = run(&request).unwrap();
        assert!(fuzz.faults.is_empty(), "{:?}", fuzz.faults);
        assert!(fuzz.pairs == 300 && fuzz.verdicts.len() >= 4, "{:?}", fuzz.verdicts);
    }
}
