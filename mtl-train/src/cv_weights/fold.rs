//! One candidate on one fold: trained in its own folder, a round at a time.
//!
//! The folder is that of any run. Beside it lies `history.json`, which holds all epochs so far: once it is long enough for
//! a round, the run is not touched again, and its checkpoints may go.

use std::{path::PathBuf, sync::Arc};

use mtl_core::metric::Direction;
use mtl_data::{
    Folds, Source, Splits, Subset,
    kept::{Cut, Part},
};
use serde::{Deserialize, Serialize};

use crate::{
    compare::{CellDir, Limit, read_json, write_json},
    config::RunConfig,
    error::Result,
    run_data::RunData,
    session::Session,
    trainer::{EpochSummary, Observer},
};

/// The data of every fold: what is learned from, what judges. The test split of the data does not occur in it.
pub(super) fn splits(whole: &Splits, folds: &Folds) -> Result<Vec<Splits>> {
    let mut all = Vec::with_capacity(folds.parts().len());
    for (at, part) in folds.parts().iter().enumerate() {
        let cut = Cut { train: Part::at(&folds.without(at)), validation: Part::at(part), test: Part::at(part) };
        let train: Arc<dyn Source> = Arc::new(Subset::new(whole.train.clone(), folds.without(at))?);
        let held_out: Arc<dyn Source> = Arc::new(Subset::new(whole.train.clone(), part.clone())?);
        all.push(whole.recut(train, held_out, cut));
    }
    Ok(all)
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
    pub(super) dir: CellDir,
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
        self.dir.check_data(&RunData::of(&self.config.data, splits))?;
        let file = self.history_file();
        let known: Option<History> = read_json(&file)?;
        let history = match known.filter(|h| h.ended || h.epochs.len() as u64 >= epochs) {
            Some(history) => history,
            None => {
                let (session, reached) = self.dir.train(&self.config, splits, Limit::Epochs(epochs), begin)?;
                if !reached {
                    return Ok(None);
                }
                let all = session.trainer.history().to_vec();
                let n = all.len() as u64;
                let history = History { ended: n < epochs || n >= self.config.train.epochs, epochs: all };
                write_json(&file, &history)?;
                history
            }
        };
        let within = history.epochs.iter().take(usize::try_from(epochs).unwrap_or(usize::MAX));
        let better = |a: f64, b: f64| if direction.better(b, a) { b } else { a };
        Ok(Some(within.filter_map(|epoch| epoch.score).reduce(better)))
    }

    fn history_file(&self) -> PathBuf {
        self.dir.root().join("history.json")
    }
}
