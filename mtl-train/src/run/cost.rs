//! What a run took: `cost.json` of its folder. It is apart from what the run found, because no two runs take the same.

use mtl_core::metric::Direction;
use serde::{Deserialize, Serialize};

use super::{dir::RunDir, json, session::Session};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;

/// What a run took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Numbers in the model.
    pub parameters: usize,
    /// Samples to learn from.
    pub samples: u64,
    /// Epochs, or validations where these come more or less often.
    pub epochs: u64,
    /// Passes over the training split, parts of one included, where validations are not epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passes: Option<f64>,
    /// Seconds of training in them, validation not included.
    pub seconds: f64,
    /// Which way the selection score is better.
    pub score_direction: Direction,
    /// Peak of resident memory over what the process held before, in MB; `None` where it was not measured.
    pub peak_memory_mb: Option<f64>,
}

impl Cost {
    /// What the session took.
    #[must_use]
    pub fn of(session: &Session, peak_memory_mb: Option<f64>) -> Self {
        let history = session.trainer.history();
        let is_epoch = session.trainer.config().validate_every.is_epoch();
        Self {
            parameters: session.trainer.model().params().numel(),
            samples: session.train.source().len(),
            epochs: history.len() as u64,
            passes: if is_epoch { None } else { session.trainer.passes(&session.train) },
            seconds: history.iter().map(|epoch| epoch.seconds).sum(),
            score_direction: session.trainer.selection().direction(),
            peak_memory_mb,
        }
    }

    /// Mean seconds of training in a pass over the training split.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count of epochs")]
    pub fn seconds_per_epoch(&self) -> f64 {
        self.seconds / self.passes.filter(|passes| *passes > 0.0).unwrap_or(self.epochs.max(1) as f64)
    }

    /// Writes it into a run's folder.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written.
    pub fn write(&self, dir: &RunDir) -> Result<()> {
        json::write(&dir.cost(), self)
    }

    /// That of a finished run; `None` for one that has not finished, or that an older version finished.
    ///
    /// # Errors
    /// [`Error::Io`] when `cost.json` cannot be read, [`Error::Checkpoint`] when it is damaged.
    pub fn read(dir: &RunDir) -> Result<Option<Self>> {
        json::read(&dir.cost(), |e| format!("is damaged: {e}"))
    }
}
