//! One candidate on one fold: trained in its own folder, a round at a time.
//!
//! The folder is that of any run. Beside it lies `history.json`, which holds all epochs so far: once it is long enough for
//! a round, the run is not touched again, and its checkpoints may go.

use std::path::PathBuf;

use mtl_core::metric::Direction;
use mtl_data::{Folds, Splits};
use serde::{Deserialize, Serialize};

use crate::{
    config::RunConfig,
    error::Result,
    run::{
        data::RunData,
        dir::RunDir,
        json,
        life::{Ended, Limit, Run},
        session::Session,
    },
    study::files::read_json,
    train::trainer::{EpochSummary, Observer},
};

/// The data of every fold: what is learned from, what judges. The test split of the data does not occur in it.
pub(super) fn splits(whole: &Splits, folds: &Folds) -> Result<Vec<Splits>> {
    let parts = folds.parts().iter().enumerate();
    parts.map(|(at, part)| Ok(whole.recut(&folds.without(at), part)?)).collect()
}

/// The epochs of a fold's run so far.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    /// Whether there will be no more epochs, because patience ran out or the budget is spent.
    ended: bool,
    epochs: Vec<EpochSummary>,
}

/// A candidate's run on a fold.
#[derive(Debug)]
pub(super) struct FoldRun {
    pub(super) folder: PathBuf,
    pub(super) config: RunConfig,
}

impl FoldRun {
    /// The best selection score within so many epochs, training as far as that takes. The outer `None`: a watcher asked to
    /// stop; the inner one: there is no score.
    pub(super) fn score(
        &self,
        splits: &Splits,
        epochs: u64,
        direction: Direction,
        begin: &mut dyn FnMut(&Session) -> Box<dyn Observer>,
    ) -> Result<Option<Option<f64>>> {
        if let Some(dir) = self.dir()? {
            dir.check_data(&RunData::of(&self.config.data, splits))?;
        }
        let file = self.history_file();
        let known: Option<History> = read_json(&file)?;
        let history = match known.filter(|h| h.ended || h.epochs.len() as u64 >= epochs) {
            Some(history) => history,
            None => {
                let mut run = Run::enter(&self.folder, self.config.clone(), splits)?;
                if run.epochs() < epochs {
                    let mut watcher = begin(run.session());
                    if run.train(Limit::Epochs(epochs), &mut *watcher)? == Ended::Stopped {
                        return Ok(None);
                    }
                }
                let all = run.session().trainer.history().to_vec();
                let n = all.len() as u64;
                let history = History { ended: n < epochs || n >= run.session().total_rounds(), epochs: all };
                json::write(&file, &history)?;
                history
            }
        };
        let within = history.epochs.iter().take(usize::try_from(epochs).unwrap_or(usize::MAX));
        let better = |a: f64, b: f64| if direction.better(b, a) { b } else { a };
        Ok(Some(within.filter_map(|epoch| epoch.score).reduce(better)))
    }

    /// Removes the checkpoints of a run that will not be gone on with.
    pub(super) fn drop_checkpoints(&self) -> Result<()> {
        self.dir()?.map_or(Ok(()), |dir| dir.drop_checkpoints())
    }

    /// The run's folder, once there is a run in it.
    fn dir(&self) -> Result<Option<RunDir>> {
        RunDir::holds_run(&self.folder).then(|| RunDir::open(&self.folder)).transpose()
    }

    fn history_file(&self) -> PathBuf {
        self.folder.join("history.json")
    }
}
