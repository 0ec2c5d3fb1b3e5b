//! One run in a folder of its own: started, gone on with, finished once, read back ever after.
//!
//! ```text
//! nothing --train--> config.toml, log.jsonl, checkpoints/ --finish--> model.safetensors, metrics.json, outcome.json
//!                         ^________________|  killed: train goes on from the newest checkpoint
//! ```
//!
//! `outcome.json` is written last: a folder that has it is finished, and its checkpoints are removed, because nothing will
//! go on from them. The folder is a run's folder like any other ([`RunDir`]), so `mtl report` and `mtl predict` work on it.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use mtl_data::Splits;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::Outcome;
use crate::{
    checkpoint::{CheckpointStore, write_atomic},
    config::RunConfig,
    error::{Error, Result},
    run_data::RunData,
    run_dir::RunDir,
    run_report,
    runlog::{Reached, RunFacts, RunLogs},
    session::Session,
    trainer::{EpochSummary, Flow, Observer, StepSummary},
};

/// Twelve hexadecimal digits that stand for a whole configuration, defaults included, and for what else `context` says.
/// Where the files of data lie does not matter: what they hold is compared, see [`CellDir::check_data`].
///
/// # Errors
/// As [`RunConfig::to_toml`].
pub fn fingerprint(config: &RunConfig, context: &str) -> Result<String> {
    let mut hash = Sha256::new();
    for part in ["mtl-cell-2", &config.without_places().to_toml()?, context] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    Ok(hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

/// How far to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// To the end of the run's own budget.
    End,
    /// To the end of so many epochs of it, to go on later.
    Epochs(u64),
}

/// The folder of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellDir {
    root: PathBuf,
}

/// Checkpoints kept: the newest, and one to fall back to.
const KEEP: usize = 2;

impl CellDir {
    /// The folder; nothing is made before training starts.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What the run said when it finished; `None` while it has not.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::Checkpoint`] when it is damaged.
    pub fn outcome(&self) -> Result<Option<Outcome>> {
        read_json(&self.root.join("outcome.json"))
    }

    /// Makes sure that the run in the folder, if there is one, was trained on these data.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] saying what differs; as [`RunData::load`](crate::run_data::RunData::load).
    pub fn check_data(&self, data: &RunData) -> Result<()> {
        if !self.root.join("config.toml").exists() {
            return Ok(());
        }
        let Some(what) = RunDir::open(&self.root)?.data()?.data.difference(&data.data) else { return Ok(()) };
        let reason = format!(
            "this run was trained on other data: {what}; restore the data, choose another folder with --dir, or remove this \
             one"
        );
        Err(Error::Checkpoint { path: self.root.clone(), reason })
    }

    /// Trains up to `limit`, from the newest checkpoint if there is one. `begin` is told of the session before it starts
    /// and gives someone to watch it; that one may ask to stop.
    ///
    /// Gives the session, and whether the limit was reached (false: the watcher asked to stop).
    ///
    /// # Errors
    /// Whatever [`Session::new`] and [`Trainer::fit`](crate::trainer::Trainer::fit) say; [`Error::Checkpoint`] when the
    /// folder holds another run.
    pub fn train<'w>(
        &self,
        config: &RunConfig,
        splits: &Splits,
        limit: Limit,
        begin: &mut dyn FnMut(&Session) -> Box<dyn Observer + 'w>,
    ) -> Result<(Session, bool)> {
        let mut session = Session::new(config, splits)?;
        let dir = match self.root.join("config.toml").exists() {
            true => RunDir::open(&self.root)?,
            false => RunDir::create(&self.root, config, session.data())?,
        };
        self.check_data(session.data())?;
        if dir.config()?.without_places() != config.without_places() {
            let reason = "this folder holds a run with another configuration; remove it to train this one".into();
            return Err(Error::Checkpoint { path: self.root.clone(), reason });
        }
        let _lock = dir.lock()?;
        let store = CheckpointStore::open(&dir.checkpoints(), KEEP)?;
        let facts = RunFacts::of(config, splits, &session);
        let mut logs = match store.latest()? {
            Some((checkpoint, _)) => {
                session.trainer.resume(checkpoint)?;
                RunLogs::resume(&dir, &config.log, &facts.tasks, Reached::by(&session.trainer))?
            }
            None => RunLogs::create(&dir, &config.log, &facts, &config.to_toml()?)?,
        };
        let epochs = match limit {
            Limit::End => config.train.epochs,
            Limit::Epochs(n) => n.min(config.train.epochs),
        };
        let done = |session: &Session| session.trainer.history().len() as u64;
        if limit != Limit::End && done(&session) >= epochs {
            return Ok((session, true));
        }
        let mut watcher = begin(&session);
        let mut bound = EpochBound { last: epochs, reached: false };
        let mut observer = (&mut *watcher, &mut bound, &mut logs);
        let ending = session.trainer.fit(&session.train, &session.validation, &mut observer, Some(&store))?;
        let reached = ending == crate::trainer::Ending::Finished || done(&session) >= epochs;
        Ok((session, reached))
    }

    /// Evaluates the test split, once, with the weights of the chosen epoch, and writes what is left of the run.
    ///
    /// # Errors
    /// Those of evaluation; [`Error::Io`] when a file cannot be written.
    pub fn finish(&self, session: &Session, peak_memory_mb: Option<f64>) -> Result<Outcome> {
        let dir = RunDir::open(&self.root)?;
        let (test, intervals) = session.test_with_intervals()?;
        let outcome = Outcome::new(session, test.clone(), peak_memory_mb);
        write_atomic(&dir.weights(), &session.trainer.model().params().to_safetensors()?)?;
        let metrics = run_report::Outcome::of(session, test, intervals)?;
        write_atomic(&dir.metrics(), metrics.to_json()?.as_bytes())?;
        write_json(&self.root.join("outcome.json"), &outcome)?;
        self.drop_checkpoints()?;
        Ok(outcome)
    }

    /// Removes the checkpoints of a run that nobody will go on with.
    ///
    /// # Errors
    /// [`Error::Io`] when they cannot be removed.
    pub fn drop_checkpoints(&self) -> Result<()> {
        let path = self.root.join("checkpoints");
        match fs::remove_dir_all(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(path, "cannot remove checkpoints", e)),
            _ => Ok(()),
        }
    }
}

/// What a file holds, `None` when there is none.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(path, "cannot read", e)),
    };
    serde_json::from_str(&text).map(Some).map_err(|e| Error::Checkpoint {
        path: path.to_owned(),
        reason: format!("is damaged ({e}); remove its folder to train that run again"),
    })
}

/// Writes a value as JSON, all or nothing.
pub(crate) fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Error::Checkpoint { path: path.to_owned(), reason: e.to_string() })?;
    write_atomic(path, format!("{text}\n").as_bytes())
}

/// Stops a run at the end of an epoch.
struct EpochBound {
    last: u64,
    reached: bool,
}

impl Observer for EpochBound {
    fn step(&mut self, _step: &StepSummary<'_>) {}

    fn epoch(&mut self, epoch: &EpochSummary) {
        self.reached = epoch.epoch + 1 >= self.last;
    }

    fn flow(&self) -> Flow {
        if self.reached { Flow::Stop } else { Flow::Continue }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(seed: u64) -> RunConfig {
        let text = format!(
            r#"
            data    = {{ kind = "synthetic-mmoe", train = 300, validation = 60, test = 60, targets = "binary" }}
            encoder = {{ kind = "tabular", token_width = 2, hidden = [4] }}
            train   = {{ epochs = 4, batch_size = 64, seed = {seed} }}
            device  = {{ threads = 1 }}
            "#
        );
        RunConfig::parse(&text, "test".as_ref()).unwrap()
    }

    fn nobody<'w>(_: &Session) -> Box<dyn Observer + 'w> {
        Box::new(())
    }

    #[test]
    fn in_pieces_or_at_once_the_weights_are_the_same() {
        let (config, folder) = (config(3), tempfile::tempdir().unwrap());
        let splits = config.data.load().unwrap();
        let (whole, pieces) = (CellDir::new(folder.path().join("whole")), CellDir::new(folder.path().join("pieces")));
        let (session, reached) = whole.train(&config, &splits, Limit::End, &mut nobody).unwrap();
        assert!(reached && whole.outcome().unwrap().is_none());
        let outcome = whole.finish(&session, None).unwrap();
        for epochs in [1, 3, 3] {
            let (session, reached) = pieces.train(&config, &splits, Limit::Epochs(epochs), &mut nobody).unwrap();
            assert!(reached);
            assert_eq!(session.trainer.history().len() as u64, epochs);
        }
        let (session, reached) = pieces.train(&config, &splits, Limit::End, &mut nobody).unwrap();
        assert!(reached);
        let again = pieces.finish(&session, None).unwrap();
        assert_eq!(again.test, outcome.test);
        let bytes = |cell: &CellDir| fs::read(cell.root().join("model.safetensors")).unwrap();
        assert!(bytes(&whole) == bytes(&pieces));
        assert_eq!(pieces.outcome().unwrap().unwrap(), again);
        assert!(!pieces.root().join("checkpoints").exists());
    }

    #[test]
    fn a_folder_belongs_to_one_configuration() {
        let (one, folder) = (config(1), tempfile::tempdir().unwrap());
        let splits = one.data.load().unwrap();
        let cell = CellDir::new(folder.path().join("cell"));
        cell.train(&one, &splits, Limit::Epochs(1), &mut nobody).unwrap();
        let e = cell.train(&config(2), &splits, Limit::End, &mut nobody).unwrap_err().to_string();
        assert!(e.contains("another configuration"), "{e}");
        fs::write(cell.root().join("outcome.json"), "{").unwrap();
        assert!(cell.outcome().unwrap_err().to_string().contains("is damaged"));
        assert_ne!(fingerprint(&one, "").unwrap(), fingerprint(&config(2), "").unwrap());
        assert_ne!(fingerprint(&one, "").unwrap(), fingerprint(&one, "fold 1").unwrap());
    }
}
