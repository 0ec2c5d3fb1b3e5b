//! A run's folder: which file is where, and how to come back to what it holds.
//!
//! | file | holds | written |
//! |---|---|---|
//! | `config.toml` | the configuration with every default spelled out | before the first step |
//! | `data.json` | what was fitted on the data, how they were cut, which files they are, see [`crate::run::data`] | before the first step |
//! | `log.jsonl` | steps and epochs, see [`crate::monitor::runlog`] | while it runs |
//! | `steps.csv`, `epochs.csv` | the same as tables, where asked for | while it runs |
//! | `tensorboard/` | the same as TensorBoard events, where asked for | while it runs |
//! | `lock` | nothing: whoever trains holds it | while it runs |
//! | `checkpoints/` | what a run needs to go on, see [`crate::train::checkpoint`] | while it runs |
//! | `curve.jsonl` | of a stream: what was said before it was learned, see [`crate::stream`] | while it runs |
//! | `stream.json` | of a stream: how far it got, what it found | whenever it ends |
//! | `model.safetensors` | the parameters of the best epoch | at the end |
//! | `post_hoc.json` | calibration, sets, thresholds, where tasks ask for them, see [`crate::run::post_hoc`] | at the end |
//! | `metrics.json` | which epoch was chosen by what, its validation and test metrics, how far off these may be, those of constant answers | at the end |
//! | `cost.json` | what it took: seconds, memory, parameters, see [`crate::run::cost`] | at the end |
//! | `report.html` | curves, tables, maps, see [`crate::analysis::run_report`] | at the end, or by `mtl report` |
//! | `explain.html`, `explain.json` | what the answers rest on, see [`crate::analysis::explain`] | by `mtl explain` |

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::data::RunData;
use crate::{
    config::{RunConfig, changes},
    error::{Error, Result},
    train::checkpoint::write_atomic,
};

/// A folder that has it has a run.
const CONFIG: &str = "config.toml";

/// The folder of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir {
    root: PathBuf,
}

impl RunDir {
    /// A folder for a new run, with its `config.toml` and what it has to remember of its data
    /// ([`Session::data`](crate::run::session::Session::data)).
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when there is a run in it; [`Error::Io`] when it cannot be written.
    pub fn create(root: &Path, config: &RunConfig, data: &RunData) -> Result<Self> {
        let dir = Self { root: root.to_owned() };
        if dir.log().exists() {
            return Err(Error::Checkpoint {
                path: root.to_owned(),
                reason: "there is a run in this folder; go on with --resume, or choose another with --run-dir".into(),
            });
        }
        fs::create_dir_all(root).map_err(|e| Error::io(root, "cannot make run folder", e))?;
        // The configuration comes last: a folder that has one has both.
        data.save(root)?;
        write_atomic(&dir.config_file(), config.to_toml()?.as_bytes())?;
        Ok(dir)
    }

    /// The folder of a run that was made before.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no `config.toml` in it.
    pub fn open(root: &Path) -> Result<Self> {
        let dir = Self { root: root.to_owned() };
        fs::metadata(dir.config_file()).map_err(|e| Error::io(root, "is no run folder (it has no config.toml)", e))?;
        Ok(dir)
    }

    /// Whether there is a run in that folder.
    #[must_use]
    pub fn holds_run(root: &Path) -> bool {
        root.join(CONFIG).exists()
    }

    /// Makes sure that the run was trained on these data.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] saying what differs; as [`RunData::load`].
    pub fn check_data(&self, data: &RunData) -> Result<()> {
        let Some(what) = self.data()?.data.difference(&data.data) else { return Ok(()) };
        let reason = format!(
            "this run was trained on other data: {what}; restore the data, choose another folder, or remove this one"
        );
        Err(Error::Checkpoint { path: self.root.clone(), reason })
    }

    /// Removes the checkpoints of a run that nobody will go on with.
    ///
    /// # Errors
    /// [`Error::Io`] when they cannot be removed.
    pub fn drop_checkpoints(&self) -> Result<()> {
        let path = self.checkpoints();
        match fs::remove_dir_all(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(path, "cannot remove checkpoints", e)),
            _ => Ok(()),
        }
    }

    /// Makes sure that nobody else trains in this folder while the returned file lives.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when somebody does; [`Error::Io`] when the file cannot be made.
    pub fn lock(&self) -> Result<File> {
        let path = self.root.join("lock");
        let file = File::create(&path).map_err(|e| Error::io(&path, "cannot make", e))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::Checkpoint {
                path: self.root.clone(),
                reason: "another process is training in this folder".into(),
            }),
            Err(TryLockError::Error(e)) => Err(Error::io(&path, "cannot lock", e)),
        }
    }

    /// The folder of a run that is to go on with `config`, which is written down if it differs.
    ///
    /// # Errors
    /// As [`RunDir::may_go_on`].
    pub fn go_on(root: &Path, config: &RunConfig) -> Result<Self> {
        let dir = Self::may_go_on(root, config)?;
        if dir.config()? != *config {
            write_atomic(&dir.config_file(), config.to_toml()?.as_bytes())?;
        }
        Ok(dir)
    }

    /// The folder of a run that may go on with `config`; nothing is written.
    ///
    /// # Errors
    /// As [`RunDir::open`] and [`RunConfig::load`]; [`Error::Checkpoint`] naming the settings when others than budgets
    /// changed (see [`crate::config::changes`]): the run would belong to no configuration. Where files lie is no such
    /// setting: what they hold is compared when they are loaded.
    pub fn may_go_on(root: &Path, config: &RunConfig) -> Result<Self> {
        let dir = Self::open(root)?;
        let changes = changes(&dir.config()?.without_places(), &config.without_places());
        let refused: Vec<String> = changes.iter().filter(|c| !c.is_harmless()).map(ToString::to_string).collect();
        if !refused.is_empty() {
            return Err(Error::Checkpoint {
                path: dir.config_file(),
                reason: format!(
                    "the run was started with other settings: {}; only budgets such as train.epochs may grow, so take \
                     them back, or start another run with --run-dir",
                    refused.join(", ")
                ),
            });
        }
        Ok(dir)
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `config.toml`.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.root.join(CONFIG)
    }

    /// `log.jsonl`.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.root.join("log.jsonl")
    }

    /// `tensorboard/`.
    #[must_use]
    pub fn tensorboard(&self) -> PathBuf {
        self.root.join("tensorboard")
    }

    /// `checkpoints/`.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// `model.safetensors`.
    #[must_use]
    pub fn weights(&self) -> PathBuf {
        self.root.join("model.safetensors")
    }

    /// `curve.jsonl`.
    #[must_use]
    pub fn curve(&self) -> PathBuf {
        self.root.join("curve.jsonl")
    }

    /// `stream.json`.
    #[must_use]
    pub fn stream(&self) -> PathBuf {
        self.root.join("stream.json")
    }

    /// `post_hoc.json`.
    #[must_use]
    pub fn post_hoc(&self) -> PathBuf {
        self.root.join("post_hoc.json")
    }

    /// `metrics.json`.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.json")
    }

    /// `cost.json`.
    #[must_use]
    pub fn cost(&self) -> PathBuf {
        self.root.join("cost.json")
    }

    /// `report.html`.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }

    /// `explain.html`, `explain.json`: by extension.
    #[must_use]
    pub fn explanation(&self, extension: &str) -> PathBuf {
        self.root.join("explain").with_extension(extension)
    }

    /// What the run remembers of its data.
    ///
    /// # Errors
    /// As [`RunData::load`].
    pub fn data(&self) -> Result<RunData> {
        RunData::load(&self.root)
    }

    /// The run's configuration.
    ///
    /// # Errors
    /// As [`RunConfig::load`].
    pub fn config(&self) -> Result<RunConfig> {
        RunConfig::load(&self.config_file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{run::session::Session, train::trainer::TrainConfig};

    #[test]
    fn a_finished_run_answers_as_it_did() {
        let config = RunConfig::parse(
            r#"
            data    = { kind = "synthetic-mmoe", train = 200, validation = 50, test = 50, targets = "binary" }
            encoder = { kind = "tabular", token_width = 2, hidden = [4] }
            train   = { epochs = 1, batch_size = 100 }
            "#,
            "test".as_ref(),
        )
        .unwrap();
        let splits = config.data.load().unwrap();
        let mut session = Session::new(&config, &splits).unwrap();
        session.trainer.fit(&session.train, &session.validation, &mut (), None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        let dir = RunDir::create(&root, &config, session.data()).unwrap();
        let e = dir.trained(&config, &splits).unwrap_err().to_string();
        assert!(e.contains("has the run finished?"), "{e}");
        write_atomic(&dir.weights(), &session.trainer.model().params().to_safetensors().unwrap()).unwrap();
        let found = RunDir::open(&root).unwrap();
        assert_eq!(found.config().unwrap(), config);
        let again = found.trained(&found.config().unwrap(), &splits).unwrap();
        assert_eq!(again.test().unwrap(), session.test().unwrap());
        let held = dir.lock().unwrap();
        assert!(dir.lock().unwrap_err().to_string().ends_with("another process is training in this folder"));
        drop(held);
        dir.lock().unwrap();
        let longer = RunConfig { train: TrainConfig { epochs: Some(2), ..config.train.clone() }, ..config.clone() };
        assert_eq!(RunDir::go_on(&root, &longer).unwrap().config().unwrap(), longer, "the new budget is written down");
        let other = RunConfig { train: TrainConfig { seed: 5, batch_size: 7, ..longer.train.clone() }, ..longer };
        let e = RunDir::go_on(&root, &other).unwrap_err().to_string();
        assert!(e.contains("train.batch_size was 100, is 7, train.seed was 0, is 5"), "{e}");
        assert!(RunDir::go_on(&root, &config).unwrap_err().to_string().contains("train.epochs was 2, is 1"));
        fs::write(dir.log(), "").unwrap();
        assert!(RunDir::create(&root, &config, session.data()).unwrap_err().to_string().contains("--resume"));
        assert!(RunDir::open(folder.path()).unwrap_err().to_string().contains("no run folder"));
    }
}
