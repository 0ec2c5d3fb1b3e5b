//! Metrics of yes/no questions: rankings by score, operating points, and the choice of a threshold.
//!
//! Class scores are read one class against the rest (of two classes the second), several yes/no labels one by one; the value
//! is the mean over those for which it is defined.
//!
//! | metric | what | equals | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`Auroc`] | area under the ROC curve, exact | scikit-learn `roc_auc_score` | 4 bytes a score | absent classes are left out and counted |
//! | [`PartialAuroc`] | the same up to a false positive rate | scikit-learn `roc_auc_score(max_fpr)` | 4 bytes a score | |
//! | [`AveragePrecision`] | area under the precision-recall steps; over labels the mAP | scikit-learn `average_precision_score` | 4 bytes a score | undefined without positives, there 0 |
//! | [`Ks`] | largest distance of the score distributions | scipy `ks_2samp` | 4 bytes a score | |
//! | [`Gini`] | 2 AUROC - 1 | scipy `somersd` | 4 bytes a score | |
//! | [`Eer`] | error where misses equal false alarms | torchmetrics `EER` | 4 bytes a score | |
//! | [`MinDcf`] | cost of the best threshold | NIST SRE plan | 4 bytes a score | |
//! | [`RecallAtFpr`] | found within a false positive rate | torchmetrics `SensitivityAtSpecificity` | 4 bytes a score | |
//! | [`PrecisionAtRecall`], [`RecallAtPrecision`] | one at a given other | torchmetrics `PrecisionAtFixedRecall`, `RecallAtFixedPrecision` | 4 bytes a score | |
//! | [`SpecificityAtSensitivity`] | negatives left alone at a sensitivity | torchmetrics `SpecificityAtSensitivity` | 4 bytes a score | |
//! | [`ExpectedCost`] | price of the answers | Elkan 2001 | 8 bytes a pair of classes | |
//! | [`PcocError`] | predicted over observed, distance from 1 | He et al. 2014 | 1.1 kB a class | the ratio itself has no better or worse |
//! | [`Gauc`] | AUROC within groups | Zhu et al. 2017 | 4 bytes a score, 8 a group | |
//!
//! A weight other than 1 takes 8 bytes more. Those at a given other rate are [`OperatingPoint`]s.
//! Views, made of a state: [`RocCurve`], [`PrecisionRecallCurve`], [`Threshold`].

pub mod auroc;
pub mod average_precision;
pub mod eer;
pub mod expected_cost;
pub mod gauc;
pub mod gini;
pub mod ks;
pub mod min_dcf;
pub mod operating_point;
pub mod partial_auroc;
pub mod pcoc;
pub mod precision_at_recall;
pub mod precision_recall;
pub mod recall_at_fpr;
pub mod recall_at_precision;
pub mod roc;
pub mod specificity_at_sensitivity;
pub mod sweep;
pub mod threshold;

pub use auroc::Auroc;
pub use average_precision::AveragePrecision;
pub use eer::Eer;
pub use expected_cost::ExpectedCost;
pub use gauc::Gauc;
pub use gini::Gini;
pub use ks::Ks;
pub use min_dcf::MinDcf;
pub use operating_point::OperatingPoint;
pub use partial_auroc::PartialAuroc;
pub use pcoc::PcocError;
pub use precision_at_recall::PrecisionAtRecall;
pub use precision_recall::PrecisionRecallCurve;
pub use recall_at_fpr::RecallAtFpr;
pub use recall_at_precision::RecallAtPrecision;
pub use roc::{RocCurve, RocPoint};
pub use specificity_at_sensitivity::SpecificityAtSensitivity;
pub use sweep::{Stop, Sweep};
pub use threshold::Threshold;
