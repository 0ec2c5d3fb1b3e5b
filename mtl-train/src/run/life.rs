//! A run's life, once: what `mtl train`, every run of a study and a library user do is this.
//!
//! ```text
//! nothing --create--> config.toml, data.json, log.jsonl --train--> checkpoints/ --finish--> model.safetensors, cost.json, metrics.json
//!                                ^_________ resume: killed, stopped or paused _________|
//! ```
//! `metrics.json` is written last: a folder that has it holds a finished run. While a [`Run`] lives nobody else trains in its
//! folder.
//!
//! ```
//! use mtl_train::{RunConfig, run::life::{Ended, Limit, Run}};
//!
//! let config = RunConfig::parse(
//!     r#"
//!     data    = { kind = "synthetic-mmoe", train = 200, validation = 50, test = 50, targets = "binary" }
//!     encoder = { kind = "tabular", token_width = 2, hidden = [4] }
//!     train   = { epochs = 2, batch_size = 100 }
//!     "#,
//!     "example".as_ref(),
//! )?;
//! let (splits, folder) = (config.data.load()?, tempfile::tempdir().unwrap());
//! let root = folder.path().join("run");
//! let mut run = Run::create(&root, config.clone(), &splits)?;
//! assert_eq!(run.train(Limit::Epochs(1), &mut ())?, Ended::Paused);
//! drop(run); // as good as a kill
//! let mut run = Run::resume(&root, config, &splits)?;
//! assert_eq!(run.train(Limit::End, &mut ())?, Ended::Finished);
//! assert_eq!(run.finish(None)?.test.tasks.len(), 2);
//! # Ok::<(), mtl_train::Error>(())
//! ```

use std::{fs::File, path::Path};

use mtl_data::Splits;

use super::{cost::Cost, data::Reopen, dir::RunDir, outcome::Outcome, session::Session};
use crate::{
    analysis::inspect::Finding,
    config::RunConfig,
    error::{Error, Result},
    monitor::runlog::{Reached, RunFacts, RunLogs},
    train::{
        checkpoint::{CheckpointStore, write_atomic},
        trainer::{Ending, EpochSummary, Flow, Observer, StepSummary},
    },
};

/// How far to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// To the end of the run's own budget.
    End,
    /// To the end of so many epochs of it, to go on later.
    Epochs(u64),
}

/// How a part of the training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The budget is spent, or patience ran out: the run can be [finished](Run::finish).
    Finished,
    /// The [`Limit`] is reached.
    Paused,
    /// An observer asked to stop; what was done is saved.
    Stopped,
}

/// Checkpoints kept: the newest, and one to fall back to.
const KEEP: usize = 2;

/// A run that can train, in its folder.
#[derive(Debug)]
pub struct Run {
    dir: RunDir,
    config: RunConfig,
    session: Session,
    store: CheckpointStore,
    logs: RunLogs,
    damaged: Vec<Error>,
    notes: Vec<Finding>,
    _lock: File,
}

impl Run {
    /// A new run of `config` in a folder of its own. Everything that can be wrong with the settings is found before the folder
    /// is made. What the settings leave to the machine (threads, ranks) is written down with them.
    ///
    /// # Errors
    /// Whatever is wrong with a setting, naming it; as [`Trainer::score_on`](crate::train::trainer::Trainer::score_on) and
    /// [`RunDir::create`].
    pub fn create(root: &Path, mut config: RunConfig, splits: &Splits) -> Result<Self> {
        let mut session = ready(&config, splits)?;
        let init = first_values(&config, &mut session)?;
        config.device = config.device.recorded(session.ranks());
        let dir = RunDir::create(root, &config, session.data())?;
        let lock = dir.lock()?;
        let store = CheckpointStore::open(&dir.checkpoints(), KEEP)?;
        Self::start(dir, config, splits, session, (store, lock), init)
    }

    /// The run in a folder, from its newest whole checkpoint; from its start where it has none. Of the settings only budgets may
    /// have grown. `splits` are those of [`Run::data`], or data that were loaded once for several runs.
    ///
    /// # Errors
    /// As [`Run::create`] for the settings; [`Error::Checkpoint`] when somebody trains there, when other settings than budgets
    /// changed, or when the run was trained on other data.
    pub fn resume(root: &Path, config: RunConfig, splits: &Splits) -> Result<Self> {
        let mut config = as_recorded(root, config)?;
        let dir = RunDir::may_go_on(root, &config)?;
        let lock = dir.lock()?;
        let mut session = ready(&config, splits)?;
        config.device = config.device.recorded(session.ranks());
        dir.check_data(session.data())?;
        let dir = RunDir::go_on(root, &config)?;
        let store = CheckpointStore::open(&dir.checkpoints(), KEEP)?;
        let Some((checkpoint, damaged)) = store.latest()? else {
            let init = first_values(&config, &mut session)?;
            return Self::start(dir, config, splits, session, (store, lock), init);
        };
        session.trainer.resume(checkpoint)?;
        let facts = RunFacts::of(&config, splits, &session);
        let logs = RunLogs::resume(&dir, &config.log, &facts.tasks, Reached::by(&session.trainer))?;
        let notes = session.notes();
        Ok(Self { dir, config, session, store, logs, damaged, notes, _lock: lock })
    }

    /// The run of `config` in that folder: it goes on where there is one, else it is new.
    ///
    /// # Errors
    /// As [`Run::resume`] and [`Run::create`].
    pub fn enter(root: &Path, config: RunConfig, splits: &Splits) -> Result<Self> {
        match RunDir::holds_run(root) {
            true => Self::resume(root, config, splits),
            false => Self::create(root, config, splits),
        }
    }

    /// The data of the run in a folder that is to go on with `config`: with what was learned of them when it started; nothing
    /// is fitted anew.
    ///
    /// # Errors
    /// As [`RunDir::may_go_on`] and [`RunDir::reload`].
    pub fn data(root: &Path, config: &RunConfig) -> Result<Splits> {
        let config = as_recorded(root, config.clone())?;
        Ok(RunDir::may_go_on(root, &config)?.reload(&config, &Reopen::default())?.splits)
    }

    /// From the first step.
    fn start(
        dir: RunDir,
        config: RunConfig,
        splits: &Splits,
        session: Session,
        (store, lock): (CheckpointStore, File),
        init: Option<Finding>,
    ) -> Result<Self> {
        let facts = RunFacts::of(&config, splits, &session);
        let mut logs = RunLogs::create(&dir, &config.log, &facts, &config.to_toml()?)?;
        let mut notes = session.notes();
        if let Some(init) = init {
            logs.noticed(&init);
            notes.push(init);
        }
        Ok(Self { dir, config, session, store, logs, damaged: Vec::new(), notes, _lock: lock })
    }

    /// Trains up to `limit`, while the observer does not ask to stop. Steps are logged and checkpoints written in the folder.
    ///
    /// # Errors
    /// Whatever [`Session::fit`] says.
    pub fn train(&mut self, limit: Limit, observer: &mut dyn Observer) -> Result<Ended> {
        let last = match limit {
            Limit::End => None,
            Limit::Epochs(n) => Some(n),
        };
        if last.is_some_and(|last| self.epochs() >= last) {
            return Ok(Ended::Paused);
        }
        let mut bound = EpochBound { last, reached: false };
        let mut all = (observer, &mut bound, &mut self.logs);
        let ending = self.session.fit(&mut all, Some(&self.store))?;
        Ok(match ending {
            Ending::Finished => Ended::Finished,
            Ending::Stopped if bound.reached => Ended::Paused,
            Ending::Stopped => Ended::Stopped,
        })
    }

    /// Evaluates the test split, once, with the weights of the chosen epoch, and writes weights and metrics. Peak memory
    /// is written down where somebody has measured it.
    ///
    /// # Errors
    /// Those of evaluation; [`Error::Io`] when a file cannot be written.
    pub fn finish(&self, peak_memory_mb: Option<f64>) -> Result<Outcome> {
        Cost::of(&self.session, peak_memory_mb).write(&self.dir)?;
        let fits = self.session.fit_post_hoc()?;
        let mut said = self.session.answered();
        let (test, intervals) = self.session.test_seen_by(&mut said)?;
        write_atomic(&self.dir.weights(), &self.session.trainer.model().params().to_safetensors()?)?;
        let mut outcome = Outcome::of(&self.session, test, intervals)?;
        if let Some((fits, on_fit)) = fits {
            fits.write(&self.dir.post_hoc())?;
            outcome.post_hoc = Some(fits.outcome(on_fit, fits.judge(self.session.plan(), &said)?));
        }
        outcome.write(&self.dir)?;
        Ok(outcome)
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// The settings as they are written down there.
    #[must_use]
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// Model and data.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Epochs done, of all parts of the training.
    #[must_use]
    pub fn epochs(&self) -> u64 {
        self.session.trainer.history().len() as u64
    }

    /// What its user should know before it trains.
    #[must_use]
    pub fn notes(&self) -> &[Finding] {
        &self.notes
    }

    /// The checkpoints that were newer than the one it goes on from, and what is wrong with each.
    #[must_use]
    pub fn damaged(&self) -> &[Error] {
        &self.damaged
    }

    /// What went wrong with those who watch: logs that could not be written, an observer that failed. The run goes on without
    /// them.
    pub fn watching_failures(&self) -> impl Iterator<Item = String> {
        self.logs.watching_failures(&self.session.trainer)
    }
}

/// A session whose selection has something to choose by, and whose tasks something to be fitted on.
fn ready(config: &RunConfig, splits: &Splits) -> Result<Session> {
    let session = Session::new(config, splits)?;
    session.trainer.score_on(&session.validation)?;
    // What the labels do not allow to be fitted is found before the first step, not after the last one.
    session.fit_post_hoc()?;
    Ok(session)
}

/// The first values that the configuration asks for, and what is said of them.
fn first_values(config: &RunConfig, session: &mut Session) -> Result<Option<Finding>> {
    config.init.as_ref().map(|init| Ok(init.finding(&init.load(session)?))).transpose()
}

/// `config` with the threads and ranks of the run in the folder, where it does not say: sums depend on their number, and a resumed run has
/// the bits of one that was never stopped.
pub(crate) fn as_recorded(root: &Path, mut config: RunConfig) -> Result<RunConfig> {
    config.device = config.device.as_in(&RunDir::open(root)?.config()?.device);
    Ok(config)
}

/// Stops a run at the end of an epoch.
struct EpochBound {
    last: Option<u64>,
    reached: bool,
}

impl Observer for EpochBound {
    fn step(&mut self, _step: &StepSummary<'_>) {}

    fn epoch(&mut self, epoch: &EpochSummary) {
        self.reached = self.last.is_some_and(|last| epoch.epoch + 1 >= last);
    }

    fn flow(&self) -> Flow {
        if self.reached { Flow::Stop } else { Flow::Continue }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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

    #[test]
    fn in_pieces_or_at_once_the_weights_are_the_same() {
        let (config, folder) = (config(3), tempfile::tempdir().unwrap());
        let splits = config.data.load().unwrap();
        let (whole, pieces) = (folder.path().join("whole"), folder.path().join("pieces"));
        let mut run = Run::enter(&whole, config.clone(), &splits).unwrap();
        assert_eq!(run.train(Limit::End, &mut ()).unwrap(), Ended::Finished);
        assert!(Outcome::at(&whole).unwrap().is_none());
        let outcome = run.finish(None).unwrap();
        for epochs in [1, 3, 3] {
            let mut run = Run::enter(&pieces, config.clone(), &splits).unwrap();
            assert_eq!(run.train(Limit::Epochs(epochs), &mut ()).unwrap(), Ended::Paused);
            assert_eq!(run.epochs(), epochs);
        }
        let mut run = Run::enter(&pieces, config.clone(), &splits).unwrap();
        assert_eq!(run.train(Limit::End, &mut ()).unwrap(), Ended::Finished);
        let again = run.finish(None).unwrap();
        assert_eq!((again.test, again.validation), (outcome.test.clone(), outcome.validation.clone()));
        let bytes = |root: &Path| fs::read(RunDir::open(root).unwrap().weights()).unwrap();
        assert!(bytes(&whole) == bytes(&pieces));
        assert_eq!(Outcome::at(&whole).unwrap().unwrap(), outcome);
    }

    #[test]
    fn a_folder_belongs_to_one_run() {
        let (one, folder) = (config(1), tempfile::tempdir().unwrap());
        let splits = one.data.load().unwrap();
        let root = folder.path().join("run");
        let run = Run::create(&root, one.clone(), &splits).unwrap();
        let e = Run::resume(&root, one.clone(), &splits).unwrap_err().to_string();
        assert!(e.contains("another process is training"), "{e}");
        drop(run);
        let e = Run::create(&root, one.clone(), &splits).unwrap_err().to_string();
        assert!(e.contains("there is a run in this folder"), "{e}");
        let e = Run::resume(&root, config(2), &splits).unwrap_err().to_string();
        assert!(e.contains("train.seed was 1, is 2"), "{e}");
        let other = RunConfig::parse(
            "data = { kind = \"synthetic-mmoe\", train = 200, validation = 60, test = 60, targets = \"binary\" }",
            "test".as_ref(),
        );
        let e = Run::resume(&root, one, &other.unwrap().data.load().unwrap()).unwrap_err().to_string();
        assert!(e.contains("was trained on other data"), "{e}");
    }
}
