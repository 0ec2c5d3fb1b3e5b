//! Metrics of grades: classes in an order, where one off is better than three off.
//!
//! All read the confusion matrix of the top class, so their state does not grow with the data.
//!
//! | metric | what | equals | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`CohenKappa`](crate::class::CohenKappa) | agreement beyond chance, far confusions counting more (QWK) | scikit-learn `cohen_kappa_score(weights)` | 8 bytes a pair | |
//! | [`GradeMae`] | grades off, on average | scikit-learn `mean_absolute_error` | 8 bytes a pair | |
//! | [`OffByOne`] | at most one grade off | scikit-learn `accuracy_score` | 8 bytes a pair | |
//! | [`GradeKendall`] | tau-b of grades | scipy `kendalltau` | 8 bytes a pair | one grade only is undefined, there NaN |
//! | [`GradeSpearman`] | correlation of ranks of grades | scipy `spearmanr` | 8 bytes a pair | one grade only is undefined, there NaN |

pub mod grade_kendall;
pub mod grade_mae;
pub mod grade_spearman;
pub mod off_by_one;

pub use grade_kendall::GradeKendall;
pub use grade_mae::GradeMae;
pub use grade_spearman::GradeSpearman;
pub use off_by_one::OffByOne;
