//! What a finished run says.

use mtl_core::metric::Direction;
use mtl_metrics::MetricReport;
use serde::{Deserialize, Serialize};

use crate::{
    session::Session,
    trainer::{Choice, EpochSummary},
};

/// The figures of one run, in `outcome.json` of its folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The chosen epoch, from 1; `None` when validation never had a score and the last epoch counts.
    pub best_epoch: Option<u64>,
    /// Which epoch counts, and on what grounds.
    #[serde(default)]
    pub choice: Option<Choice>,
    /// Its selection score on validation.
    pub score: Option<f64>,
    /// Which way the score is better.
    pub score_direction: Direction,
    /// All metrics on validation at that epoch.
    pub validation: MetricReport,
    /// All metrics on the test split, with the weights of that epoch.
    pub test: MetricReport,
    /// Every epoch.
    pub history: Vec<EpochSummary>,
    /// Trained numbers.
    pub parameters: usize,
    /// Samples of the training split.
    pub samples: u64,
    /// Mean wall-clock seconds of training in an epoch, validation not included.
    pub seconds_per_epoch: f64,
    /// Peak of resident memory over what the process held before, in MB; `None` where it was not measured.
    pub peak_memory_mb: Option<f64>,
}

impl Outcome {
    /// The outcome of a session that has been trained to its end, whose metrics on the test split are `test`.
    #[must_use]
    pub fn new(session: &Session, test: MetricReport, peak_memory_mb: Option<f64>) -> Self {
        let history = session.trainer.history().to_vec();
        let best = history.iter().rfind(|epoch| epoch.is_best);
        let kept = best.or(history.last());
        let seconds: f64 = history.iter().map(|epoch| epoch.seconds).sum();
        #[expect(clippy::cast_precision_loss, reason = "a count of epochs")]
        let seconds_per_epoch = seconds / history.len().max(1) as f64;
        Self {
            best_epoch: best.map(|epoch| epoch.epoch + 1),
            choice: session.trainer.choice(),
            score: best.and_then(|epoch| epoch.score),
            score_direction: session.trainer.selection().direction(),
            validation: kept.map(|epoch| epoch.validation.clone()).unwrap_or_default(),
            test,
            parameters: session.trainer.model().params().numel(),
            samples: session.train.source().len(),
            seconds_per_epoch,
            peak_memory_mb,
            history,
        }
    }
}
