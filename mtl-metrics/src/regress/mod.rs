//! Metrics of predicted numbers and of probabilistic forecasts. Several outputs are averaged where the value is defined.
//!
//! | metric | what | equals | state an output | differs on purpose |
//! |---|---|---|---|---|
//! | [`Mae`], [`Mse`], [`Rmse`] | mean absolute, squared, root of it | scikit-learn | 560 bytes | |
//! | [`R2`], [`ExplainedVariance`] | share of variance explained | scikit-learn | 3.3 kB | constant targets are undefined, there 1 or 0 |
//! | [`AdjustedR2`] | R2 with a price on inputs | torchmetrics `R2Score(adjusted)` | 3.3 kB | undefined with too few targets, there plain R2 |
//! | [`Mape`] | error as a share of the target | scikit-learn | 570 bytes | undefined with a target of 0, there divided by 2.2e-16 |
//! | [`Smape`], [`Wmape`] | of both sizes, of all targets | torchmetrics | 560 bytes, 1.1 kB | 0/0 is 0, undefined; there divided by 1.2e-6 |
//! | [`Mase`] | multiple of the naive forecast's error | Hyndman, Koehler 2006 | 560 bytes | |
//! | [`Rmsle`] | errors as ratios | scikit-learn | 610 bytes | |
//! | [`Tweedie`] | Poisson, gamma and other deviances | scikit-learn | 610 bytes | |
//! | [`Pinball`] | loss of a quantile | scikit-learn | 560 bytes | |
//! | [`Pearson`], [`Ccc`] | correlation, concordance | scipy; Lin 1989 | 3.3 kB | constant sequences are undefined; CCC divides by `n`, torchmetrics in part by `n - 1` |
//! | [`Spearman`], [`Kendall`] | correlations of order | scipy | 8 bytes a pair | constant sequences are undefined, there NaN |
//! | [`DirectionAccuracy`] | signs of changes | scikit-learn `accuracy_score` of signs | 32 bytes | |
//! | [`Crps`], [`Nll`] | proper scores of whatever distribution a head answers | SciPy | 560 bytes | |
//! | [`CrpsEnsemble`], [`CrpsGaussian`], [`CrpsQuantile`] | proper scores of distributions of one form | properscoring, scikit-learn | 560 bytes | |
//! | [`IntervalCoverage`], [`IntervalWidth`], [`Winkler`]; [`Central`] | intervals; the central one of a distribution | Gneiting, Raftery 2007 | 32, 560 bytes | |
//! | [`CIndex`] | order of survival times | lifelines `concordance_index` | 9 bytes a sample | undefined without a pair, there an exception |

pub mod adjusted_r2;
pub mod c_index;
pub mod ccc;
pub mod central;
pub mod crps;
pub mod crps_ensemble;
pub mod crps_gaussian;
pub mod crps_quantile;
pub mod direction;
pub mod explained_variance;
pub mod forecast;
pub mod interval_coverage;
pub mod interval_width;
pub mod kendall;
pub mod mae;
pub mod mape;
pub mod mase;
pub mod moments;
pub mod mse;
pub mod nll;
pub mod pairs;
pub mod pearson;
pub mod pinball;
pub mod r2;
pub mod rmse;
pub mod rmsle;
pub mod smape;
pub mod spearman;
pub mod tweedie;
pub mod winkler;
pub mod wmape;

pub use adjusted_r2::AdjustedR2;
pub use c_index::{CIndex, Survival};
pub use ccc::Ccc;
pub use central::{Central, Measure};
pub use crps::Crps;
pub use crps_ensemble::CrpsEnsemble;
pub use crps_gaussian::CrpsGaussian;
pub use crps_quantile::CrpsQuantile;
pub use direction::DirectionAccuracy;
pub use explained_variance::ExplainedVariance;
pub use forecast::{Ensemble, Gaussian, Intervals, Quantiles};
pub use interval_coverage::IntervalCoverage;
pub use interval_width::IntervalWidth;
pub use kendall::Kendall;
pub use mae::Mae;
pub use mape::Mape;
pub use mase::Mase;
pub use moments::Moments;
pub use mse::Mse;
pub use nll::Nll;
pub use pearson::Pearson;
pub use pinball::Pinball;
pub use r2::R2;
pub use rmse::Rmse;
pub use rmsle::Rmsle;
pub use smape::Smape;
pub use spearman::Spearman;
pub use tweedie::Tweedie;
pub use winkler::Winkler;
pub use wmape::Wmape;
