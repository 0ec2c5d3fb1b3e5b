//! The result of a search as plain data: what `cv_weights.json` holds.

use mtl_core::metric::Direction;
use mtl_data::Origin;
use mtl_metrics::stats::Estimate;
use serde::{Deserialize, Serialize};

use crate::run::outcome::Outcome;

/// What cross-validation found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The data set's name.
    pub dataset: String,
    /// Where its samples come from.
    pub origin: Origin,
    /// The tasks, in the order of the weights.
    pub tasks: Vec<String>,
    /// What judged: an expression over metrics of the held-out fold.
    pub selection: String,
    /// Which way it is better.
    pub direction: Direction,
    /// Samples in each fold.
    pub fold_sizes: Vec<usize>,
    /// By which tasks folds are not stratified, and why; empty in results of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fold_notes: Vec<String>,
    /// Epochs at which candidates were judged.
    pub rounds: Vec<u64>,
    /// Every candidate; equal weights first.
    pub candidates: Vec<CandidateScores>,
    /// Position of the chosen candidate.
    pub chosen: usize,
    /// Epochs that were trained in all folds together.
    pub epochs_trained: u64,
    /// Epochs it would have taken to train every candidate to its end.
    pub epochs_in_full: u64,
    /// The run on the whole training split with the chosen weights; the only one that saw the test split.
    pub refit: Outcome,
    /// Its folder below the search's.
    pub refit_folder: String,
    /// Runs that could not be trained, with the reason.
    pub failures: Vec<String>,
}

/// A candidate over its rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateScores {
    /// Weights in task order, mean 1.
    pub weights: Vec<f64>,
    /// The rounds it took part in.
    pub rounds: Vec<RoundScores>,
    /// Its scores less those of equal weights on the same folds, in its last round, signed so that more is better; `None`
    /// for equal weights themselves and without scores.
    pub against_equal: Option<Estimate>,
}

/// A candidate in one round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundScores {
    /// Epochs trained by then.
    pub epochs: u64,
    /// Score on every fold; `None` where it is undefined or training failed.
    pub folds: Vec<Option<f64>>,
    /// Mean with its interval over folds; `None` unless every fold has a score.
    pub estimate: Option<Estimate>,
}

impl CandidateScores {
    /// Its mean score in a round; `None` when it did not take part or a fold has no score.
    #[must_use]
    pub fn mean(&self, round: usize) -> Option<f64> {
        Some(self.rounds.get(round)?.estimate.as_ref()?.mean)
    }
}

impl Found {
    /// The chosen weights in task order, mean 1.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        self.candidates.get(self.chosen).map_or(&[], |candidate| &candidate.weights)
    }

    /// Positions of candidates, those that got furthest first, the better score first among those.
    pub(super) fn ranking(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.candidates.len()).collect();
        let key = |at: usize| {
            let candidate = self.candidates.get(at)?;
            let mean = candidate.mean(candidate.rounds.len().checked_sub(1)?)?;
            Some((candidate.rounds.len(), if self.direction == Direction::Maximize { mean } else { -mean }))
        };
        order.sort_by(|a, b| {
            let (a, b) = (key(*a).unwrap_or((0, f64::NEG_INFINITY)), key(*b).unwrap_or((0, f64::NEG_INFINITY)));
            b.0.cmp(&a.0).then(b.1.total_cmp(&a.1))
        });
        order
    }
}
