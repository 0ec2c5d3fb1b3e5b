//! Task weights by cross-validation: tuned fixed weights, without a look at validation or test data.
//!
//! Recent studies find that fixed weights, tuned, are hard to beat; tuning them by hand on the validation split is how
//! they get tuned too well. Here weights are judged on parts of the *training* split that the model did not see:
//!
//! ```text
//! training split = fold 1 + .. + fold k            disjoint, stratified by labels, seeded
//! for weights w among the candidates, for every fold f:
//!     train on all folds but f with fixed weights w, score on f
//! keep the better 1/eta of the candidates, train them eta times as long, score again, ..
//! refit with the best weights on the whole training split; validation chooses the epoch; test is evaluated once
//! ```
//!
//! Candidates lie on the simplex, as a grid or a [Sobol sequence](sobol); a weight vector is scaled to mean 1, so that
//! equal weights are all 1 and the learning rate keeps its meaning. Equal weights are always among the candidates and never
//! dropped: the last table says what tuning was worth against them, with an interval over folds.
//!
//! A score is the best selection score on the held-out fold up to that epoch, as selection would keep it. All candidates
//! see the same folds, first values and batches, so their scores are paired.
//!
//! **Reference**: successive halving: K. Jamieson, A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
//! Optimization", AISTATS 2016. Fixed weights: V. Kurin et al., "In Defense of the Unitary Scalarization for Deep Multi-Task
//! Learning", NeurIPS 2022; D. Xin et al., "Do Current Multi-Task Optimization Methods in Deep Learning Even Help?",
//! NeurIPS 2022.
//! **Differs from** successive halving as published in going on from checkpoints instead of starting anew in every round,
//! and in keeping equal weights as a reference.

mod candidates;
mod config;
mod fold;
mod found;
mod halving;
mod page;
mod search;
mod simplex;
pub mod sobol;
mod text;

pub use candidates::{Candidates, GridConfig, SobolConfig};
pub use config::CvWeightsConfig;
pub use found::{CandidateScores, Found, RoundScores};
pub use halving::{rounds, survivors};
pub use page::page;
pub use search::{Trial, WatchTrials, check, files, search};
pub use simplex::{from_cube, grid};
pub use text::to_text;
