//! Statistics of comparisons: how far off may a value be, and is one method better than another or did it have luck?
//!
//! | item | question |
//! |---|---|
//! | [`Estimate`] | how far off may a mean over seeds be: t interval, also of paired differences |
//! | [`Bootstrap`] | how far off may any statistic of these samples be, samples drawn singly or by group |
//! | [`RandomGroups`] | the same of very many samples, read twice |
//! | [`Delong`] | how far off may an AUROC be, without resamples |
//!
//! | two systems, same samples | question | from |
//! |---|---|---|
//! | [`SignFlip`] | is the mean difference more than random signs make it | pairs of scores |
//! | [`Wilcoxon`] | is one better on most pairs, by ranks of differences | pairs of scores |
//! | [`McNemar`] | does one err more often | right or wrong, sample by sample |
//! | [`ApproximateRandomization`] | do they differ on a metric of the corpus (BLEU, WER) | counts, sentence by sentence |
//! | [`DelongTest`] | do their AUROCs differ | scores and labels |
//! | [`FiveByTwo`] | do two ways of training differ | five times two-fold cross-validation |
//!
//! | several methods, several tasks | question |
//! |---|---|
//! | [`ranks`] | who is first, second, .. in one block; ties share |
//! | [`Friedman`] | do several methods differ at all, over many blocks |
//! | [`nemenyi_difference`] | how far apart must two mean ranks be |
//! | [`StudentizedRange`] | the distribution behind it |
//! | [`Holm`] | which of the tests over tasks may be claimed together |
//!
//! Nothing here knows of tasks or networks: slices in, numbers out. A value that is not defined is an `Err` with the reason
//! inside the result ([`OrReason`](crate::OrReason)); input that cannot be used is an error of the call. Random draws have
//! streams of their own ([`Draws`]): the same seed gives the same bits at any number of threads.
//!
//! Distributions with a name (Student, chi square, F) are those of the `statrs` crate; `tests/golden/stats.rs` holds all of
//! it against scipy and statsmodels. What differs on purpose:
//!
//! | item | reference | here |
//! |---|---|---|
//! | [`Bootstrap`] | scipy `bootstrap`: NaN where degenerate | undefined; groups and Poisson counts besides |
//! | [`Delong`] | pROC: an interval of no width when the variance is 0 | undefined |
//! | [`SignFlip`] | scipy `permutation_test`: p = 1 when all differ by 0 | undefined; ties by the size of differences |
//! | [`Wilcoxon`] | scipy `wilcoxon`: a number or NaN when all differences are zero | undefined |
//! | [`McNemar`] | statsmodels `mcnemar`: p = 1 without any disagreement | undefined |
//! | [`ApproximateRandomization`] | sacreBLEU: draws as extreme as the real one do not count | they do |
//! | [`FiveByTwo`] | mlxtend: infinite or NaN without variance | undefined |

mod alternative;
mod approximate_randomization;
mod bootstrap;
mod delong;
mod draws;
mod estimate;
mod five_by_two;
mod friedman;
mod holm;
mod mcnemar;
mod nemenyi;
mod normal;
mod permutation;
mod placements;
mod random_groups;
mod rank;
mod studentized_range;
mod wilcoxon;

pub use alternative::{Alternative, Basis};
pub use approximate_randomization::ApproximateRandomization;
pub use bootstrap::{BcaTerms, Bootstrap, BootstrapInterval, Interval, Resampling, Units};
pub use delong::{Delong, DelongTest};
pub use draws::Draws;
pub use estimate::Estimate;
pub use five_by_two::FiveByTwo;
pub use friedman::Friedman;
pub use holm::Holm;
pub use mcnemar::McNemar;
pub use nemenyi::nemenyi_difference;
pub use permutation::SignFlip;
pub use random_groups::{GroupedInterval, RandomGroups};
pub use rank::ranks;
pub use studentized_range::StudentizedRange;
pub use wilcoxon::{Wilcoxon, WilcoxonMethod};
