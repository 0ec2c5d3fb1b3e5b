//! Metrics of several yes/no labels that look at the labels of a sample together, or at the top of a ranking.
//!
//! What is averaged label by label lives in [`crate::binary`] and [`crate::class`] and takes yes/no labels as well: mAP is
//! [`AveragePrecision`](crate::binary::AveragePrecision), the mean AUC over valid assays is [`Auroc`](crate::Auroc) with the
//! others counted in `left_out`, micro and macro F1 are in [`crate::class`].
//!
//! | metric | what | equals | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`SubsetAccuracy`] | all labels of a sample right | scikit-learn `accuracy_score` | 560 bytes | rows with a missing label are skipped |
//! | [`HammingLoss`] | labels said wrong | scikit-learn `hamming_loss` | 32 bytes | |
//! | [`SamplesF1`] | F1 of each sample's labels | scikit-learn, `zero_division=nan` | 560 bytes | samples with neither are skipped, there 0 |
//! | [`CoverageError`] | how deep all true labels are | scikit-learn `coverage_error` | 560 bytes | |
//! | [`Lrap`] | precision at true labels | scikit-learn `label_ranking_average_precision_score` | 560 bytes | |
//! | [`RankingLoss`] | label pairs in the wrong order | scikit-learn `label_ranking_loss` | 560 bytes | |
//! | [`OneError`] | the top label is false | Schapire, Singer 2000 | 560 bytes | |
//! | [`Enrichment`] | actives at the top over chance | rdkit `CalcEnrichment` | 4 bytes a score | ties share their places |
//! | [`Bedroc`] | early recognition | rdkit `CalcBEDROC` | 4 bytes a score | ties share their places |

pub mod bedroc;
pub mod coverage_error;
pub mod enrichment;
pub mod hamming;
pub mod lrap;
pub mod one_error;
pub mod ranking_loss;
pub mod samples_f1;
pub mod subset_accuracy;

pub use bedroc::Bedroc;
pub use coverage_error::CoverageError;
pub use enrichment::Enrichment;
pub use hamming::HammingLoss;
pub use lrap::Lrap;
pub use one_error::OneError;
pub use ranking_loss::RankingLoss;
pub use samples_f1::SamplesF1;
pub use subset_accuracy::SubsetAccuracy;
