//! Our side: `mtl init`, `mtl train`, `mtl predict`, as a user types them, with no edit between.
//!
//! `mtl init` gets the training file and the targets, with the validation and test files by their flags. That the test file
//! has labels decides nothing: training reports on it at its end, and there is no way to hand it to the trainer. Two settings
//! are not the program's own: the seed of the run and the number of threads, which is that of the peers.
//!
//! What was measured is kept beside the data, in a folder named by the program's digest: a new build is measured anew.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::THREADS;
use super::truth::{Answers, Truth, read, read_lines};
use crate::digest;
use crate::libtorch::Libtorch;
use crate::process;

/// The program that is measured.
#[derive(Debug)]
pub(super) struct Program {
    path: PathBuf,
    /// The folder of libtorch's libraries.
    libraries: PathBuf,
    /// Name of the folder of what it measured.
    folder: String,
}

/// What became of one configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Trained {
    /// From `mtl init` to the answers; of a single task without `mtl init`.
    pub(super) seconds: f64,
    /// Answers to the test part, by tasks.
    pub(super) test: BTreeMap<String, Answers>,
    /// The program's message where it had none.
    pub(super) failed: Option<String>,
}

/// What it makes of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ours {
    /// One network for all tasks: what `mtl init` proposes.
    pub(super) together: Trained,
    /// The same configuration with one task, for each; empty for a set of one.
    pub(super) alone: BTreeMap<String, Trained>,
}

impl Program {
    /// The built program.
    pub(super) fn new(path: PathBuf, libtorch: &Libtorch) -> Result<Self> {
        let digest = digest::sha256(&path)?;
        let folder = format!("ours-{}", digest.get(..12).unwrap_or(&digest));
        Ok(Self { path, libraries: libtorch.dir.join("lib"), folder })
    }

    /// What it makes of the set whose files lie in `dir`; as measured before, if it was.
    pub(super) fn measure(&self, dir: &Path, truth: &Truth, seed: u32) -> Result<Ours> {
        let work = dir.join(&self.folder);
        let done = work.join("ours.json");
        if done.is_file() {
            return read(&done);
        }
        if work.exists() {
            // What a run that was broken off left; its times are not those of a whole one.
            fs::remove_dir_all(&work).with_context(|| format!("cannot remove {}", work.display()))?;
        }
        fs::create_dir_all(&work).with_context(|| format!("cannot create {}", work.display()))?;
        let start = Instant::now();
        let mut init = self.command(&work);
        init.args(["init", "../train.csv", "--validation", "../validation.csv", "--test", "../test.csv"]);
        init.args(["--out", "together.toml"]);
        init.args(truth.tasks.iter().flat_map(|task| ["--targets", &task.name]));
        let drafted = succeed(init)?;
        let drawn_up = start.elapsed().as_secs_f64();
        let mut ours = Ours {
            together: match drafted {
                Err(message) => Trained { seconds: drawn_up, test: BTreeMap::new(), failed: Some(message) },
                Ok(()) => self.train(&work, "together", truth, seed)?,
            },
            alone: BTreeMap::new(),
        };
        ours.together.seconds += drawn_up;
        if truth.tasks.len() > 1 && work.join("together.toml").is_file() {
            for (at, task) in truth.tasks.iter().enumerate() {
                let name = format!("alone-{at}");
                choose_task(&work, &name, &task.name)?;
                let one = Truth { tasks: vec![task.clone()], test_rows: truth.test_rows.clone() };
                ours.alone.insert(task.name.clone(), self.train(&work, &name, &one, seed)?);
            }
        }
        let partial = work.join("ours.json.partial");
        fs::write(&partial, serde_json::to_string(&ours)?)
            .and_then(|()| fs::rename(&partial, &done))
            .with_context(|| format!("cannot write {}", done.display()))?;
        Ok(ours)
    }

    /// Trains on `NAME.toml` and answers the test part.
    fn train(&self, work: &Path, name: &str, truth: &Truth, seed: u32) -> Result<Trained> {
        let start = Instant::now();
        let answers = format!("{name}.jsonl");
        let mut train = self.command(work);
        train.args(["train", &format!("{name}.toml"), "--run-dir", name, "--set", &format!("train.seed={seed}")]);
        train.args(["--set", &format!("device.threads={THREADS}")]);
        let mut predict = self.command(work);
        predict.args(["predict", name, "--input", "../test.csv", "--output", &answers]);
        let mut failed = None;
        for command in [train, predict] {
            if failed.is_none() {
                failed = succeed(command)?.err();
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        let mut test = BTreeMap::new();
        if failed.is_none() {
            let lines: Vec<BTreeMap<String, Value>> = read_lines(&work.join(&answers))?;
            for task in &truth.tasks {
                test.insert(task.name.clone(), Answers::ours(&lines, task)?);
            }
        }
        Ok(Trained { seconds, test, failed })
    }

    fn command(&self, work: &Path) -> Command {
        let mut command = Command::new(&self.path);
        let others =
            env::var_os("LD_LIBRARY_PATH").into_iter().flat_map(|paths| env::split_paths(&paths).collect::<Vec<_>>());
        let paths = std::iter::once(self.libraries.clone()).chain(others);
        command.current_dir(work).env("OMP_NUM_THREADS", THREADS);
        // A program of another checkout finds its libtorch by this alone.
        if let Ok(paths) = env::join_paths(paths) {
            command.env("LD_LIBRARY_PATH", paths);
        }
        command
    }
}

/// The last line of what a program complained of; `Err` only where it cannot be started.
fn succeed(mut command: Command) -> Result<Result<(), String>> {
    let output =
        process::capture(&mut command, "build it with `cargo build --release --bin mtl`, or name it with --mtl")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let errors = text.lines().rev().filter(|line| line.starts_with("error"));
    let said = errors.chain(text.lines().rev()).next().unwrap_or("no message").to_owned();
    Ok(if output.status.success() { Ok(()) } else { Err(format!("{}: {said}", process::display(&command))) })
}

/// `NAME.toml`: the proposed configuration with this task alone. Columns of the others stay what they are, labels.
fn choose_task(work: &Path, name: &str, task: &str) -> Result<()> {
    let path = work.join("together.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut config: toml::Table = text.parse().with_context(|| format!("cannot understand {}", path.display()))?;
    let tasks = config.get_mut("task").and_then(toml::Value::as_array_mut);
    let tasks = tasks.with_context(|| format!("{} lists no task", path.display()))?;
    tasks.retain(|entry| entry.get("name").and_then(toml::Value::as_str) == Some(task));
    let path = work.join(format!("{name}.toml"));
    fs::write(&path, toml::to_string(&config)?).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_task_is_left_of_a_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let text =
            "# a comment\n[data]\nkind = \"csv\"\n[[task]]\nname = \"a\"\n[[task]]\nname = \"b\"\nprimary = \"rmse\"\n";
        fs::write(dir.path().join("together.toml"), text).unwrap();
        choose_task(dir.path(), "alone-1", "b").unwrap();
        let found: toml::Table = fs::read_to_string(dir.path().join("alone-1.toml")).unwrap().parse().unwrap();
        let expected: toml::Table =
            "[data]\nkind = \"csv\"\n[[task]]\nname = \"b\"\nprimary = \"rmse\"\n".parse().unwrap();
        assert_eq!(found, expected);
    }
}
