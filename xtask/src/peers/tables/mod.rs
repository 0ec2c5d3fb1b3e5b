//! `cargo xtask bench --suite peers --only tables`: our defaults against what people use for tables.
//!
//! The question is a newcomer's: of `mtl init` and `mtl train` without an edit, and of scikit-learn, LightGBM and CatBoost with a
//! small grid, which model is better, and at what time? The rules:
//!
//! * **The same rows for all.** A set is split by each seed once, into three CSV files (`data.py`); both sides learn from the same
//!   training file and choose (epoch, rounds, setting) on the same validation file. Nobody is trained again on both.
//! * **Validation alone chooses.** Peers train a model a task, each with four settings (`peers.py`); of the five peers the one that
//!   is best on validation answers, task by task and seed by seed. Ours is one network for all tasks with no choice of settings.
//!   Labels of test rows are used for the final scores and nothing else. What `mtl init` proposes is chosen with `--dev`, where the rows
//!   that a seed tests on are left out and others test in their place.
//! * **One scorer** for all ([`score`]), and paired differences with their interval over rows ([`verdict`]).
//! * **Against ourselves:** the same configuration with each task alone says whether sharing hurts.
//! * **Time** is that of a person who waits: reading, all settings, answers; the sides take turns, with the same number of threads.
//!   Who begins changes with the seed.
//!
//! Everything is kept in the cache, `peers-tables/<digest of data.py>/<set>/<seed>`, and nothing is done twice: a broken run goes
//! on where it was, a new build of ours meets the peers' old results. So times are of one machine only while it is the same one.
//! `results.jsonl` there has a line a task. What is not compared: a table whose rows belong to tasks (school, landmine) is handed
//! to all as one table with the group as a column, since that is what `mtl init` reads.

mod judge;
mod ours;
mod score;
mod scripts;
mod sets;
mod table;
mod truth;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::environment::environment;
use crate::cache::Cache;
use crate::libtorch::Libtorch;
use crate::problem::Problem;
use crate::process;

use judge::{Seed, judge};
use ours::Program;
use scripts::Scripts;
use sets::{SETS, Set};
use truth::Truth;

/// What the scripts need.
const PACKAGES: [&str; 5] =
    ["numpy==2.4.6", "pandas==3.1.1", "scikit-learn==1.9.1", "lightgbm==4.7.0", "catboost==1.2.10"];

/// Threads of each side.
const THREADS: &str = "2";

/// What the user chose.
#[derive(Debug)]
pub(crate) struct Choice {
    /// Only these sets; empty for all.
    pub(crate) sets: Vec<String>,
    /// Only sets that take a minute a side at most.
    pub(crate) is_quick: bool,
    /// Not the rows that test, but others in their place: what settings may be chosen by.
    pub(crate) is_dev: bool,
    /// Splits of each set.
    pub(crate) seeds: u32,
    /// A built `mtl` in place of this checkout's, built for it.
    pub(crate) program: Option<PathBuf>,
    /// An interpreter that has the packages.
    pub(crate) python: Option<PathBuf>,
}

/// Runs what is not in the cache yet and prints the tables.
pub(crate) fn run(root: &Path, libtorch: &Libtorch, choice: &Choice) -> Result<bool> {
    let sets = chosen(choice)?;
    let cache = Cache::locate()?;
    let python = match &choice.python {
        Some(python) => python.clone(),
        None => environment(&cache, "peers-tables-python", &PACKAGES)?,
    };
    let program = match &choice.program {
        Some(path) => std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display()))?,
        None => {
            let mut build = process::cargo(root, Some(libtorch));
            build.args(["build", "--release", "--package", "mtl-train", "--bin", "mtl"]);
            if !process::run(&mut build, "install Rust with its cargo")?.success() {
                return Ok(false);
            }
            root.join("target/release/mtl")
        }
    };
    let program = Program::new(program, libtorch)?;
    let scripts = Scripts::write(&cache, python, choice.is_dev)?;
    let mut rows = Vec::new();
    for set in sets {
        let Some(source) = set.place.find(&cache)? else { continue };
        let mut seeds = Vec::new();
        for seed in 0..choice.seeds {
            eprintln!("{}: seed {} of {}", set.name, seed + 1, choice.seeds);
            let dir = scripts.split(set, seed, &source)?;
            let truth: Truth = truth::read(&dir.join("truth.json"))?;
            let measured =
                |first: bool| (first == (seed % 2 == 0)).then(|| program.measure(&dir, &truth, seed)).transpose();
            let before = measured(true)?;
            let peers = scripts.peers(&dir)?;
            let ours = before.or(measured(false)?).context("ours runs before or after the peers")?;
            seeds.push(Seed { truth, ours, peers });
        }
        let row = judge(set.name, &seeds).with_context(|| format!("cannot judge {}", set.name))?;
        eprintln!("{}: {}", set.name, row.verdict());
        rows.push(row);
    }
    print!("{}", table::render(&rows));
    let path = scripts.folder.join("results.jsonl");
    fs::write(&path, table::lines(&rows)).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("a line for each task in {}", path.display());
    Ok(!rows.is_empty())
}

/// The wanted sets, in the order of the list.
fn chosen(choice: &Choice) -> Result<Vec<Set>> {
    if let Some(strange) = choice.sets.iter().find(|name| SETS.iter().all(|set| set.name != **name)) {
        let names: Vec<&str> = SETS.iter().map(|set| set.name).collect();
        return Err(Problem::error(
            format!("no set is called {strange:?}"),
            format!("--only tables/NAME,.. of {}", names.join(", ")),
        ));
    }
    let is_named = |set: &Set| choice.sets.is_empty() || choice.sets.iter().any(|name| name == set.name);
    Ok(SETS.into_iter().filter(|set| is_named(set) && (set.is_quick || !choice.is_quick)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_chosen_by_name_and_size() {
        let choice = |sets: &[&str], is_quick| Choice {
            sets: sets.iter().map(|&name| name.to_owned()).collect(),
            is_quick,
            is_dev: false,
            seeds: 1,
            program: None,
            python: None,
        };
        assert!(chosen(&choice(&[], true)).unwrap().iter().all(|set| set.is_quick));
        assert_eq!(chosen(&choice(&["enb"], false)).unwrap().len(), 1);
        assert!(chosen(&choice(&["enbe"], false)).is_err());
    }
}
