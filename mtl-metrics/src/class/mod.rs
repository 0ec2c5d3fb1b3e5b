//! Metrics of tasks with one label of several classes; most take yes/no labels as well.
//!
//! | metric | what | equals | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`Accuracy`] | share of labels said right | scikit-learn `accuracy_score` | 32 bytes | undefined without labels |
//! | [`TopK`] | label among the k highest scores | scikit-learn `top_k_accuracy_score` | 40 bytes | ties: the first class wins, there the last; undefined for `c <= k`, there 1 |
//! | [`BalancedAccuracy`] | mean recall over classes | scikit-learn `balanced_accuracy_score` | 32 bytes a class | |
//! | [`Precision`], [`Recall`] | macro, micro or weighted | scikit-learn, `zero_division=nan` | 32 bytes a class | classes without a value are left out and counted, not 0 |
//! | [`FBeta`], [`MacroF1`], [`MicroF1`], [`WeightedF1`] | both in one number | scikit-learn, `zero_division=nan` | 32 bytes a class | absent yes/no labels are left out |
//! | [`CohenKappa`] | agreement beyond chance; none, linear, quadratic | scikit-learn `cohen_kappa_score` | 8 bytes a pair | |
//! | [`Mcc`] | correlation of truth and answer | scikit-learn `matthews_corrcoef` | 32 bytes a class | undefined with one class only, 0 there: 0/0, for which its kappa says NaN |
//! | [`LogLoss`] | mean negative log-likelihood, nats | scikit-learn `log_loss` | 560 bytes | logits are not clipped |
//! | [`Brier`] | squared distance of probabilities | scikit-learn `brier_score_loss` | 560 bytes | |
//! | [`Ece`], [`Mce`] | gap of confidence and accuracy | torchmetrics `CalibrationError` | 1.7 kB a bin | a confidence of 1 is in the last bin; there it has a bin beyond those asked for |
//! | [`AdaptiveEce`] | the same over bins of equal content | scikit-learn `calibration_curve(strategy="quantile")` | 4 bytes a sample | a quantile that falls on a confidence is that confidence; numpy rounds some below it, and their bins are uneven |
//! | [`Hinge`] | margin missing to the best other class | scikit-learn `hinge_loss` | 560 bytes | probabilities are refused |
//! | [`AurocOvo`] | AUROC of all pairs of classes | scikit-learn `roc_auc_score(multi_class="ovo")` | 4 bytes a score | pairs with an absent class are left out, there an error |
//! | [`ConfusionMatrix`] | counts by true and predicted class | scikit-learn `confusion_matrix` | 8 bytes a pair | |
//!
//! Views, made of a state: [`ReliabilityDiagram`], [`ConfusionReport`].

pub mod accuracy;
pub mod adaptive_ece;
pub mod auroc_ovo;
pub mod balanced_accuracy;
pub mod brier;
pub mod calibration;
pub mod confusion;
pub mod confusion_report;
pub mod counts;
pub mod ece;
pub mod f_beta;
pub mod hinge;
pub mod kappa;
pub mod log_loss;
pub mod macro_f1;
pub mod mcc;
pub mod mce;
pub mod micro_f1;
pub mod precision;
pub mod recall;
#[cfg(test)]
mod testing;
pub mod top_k;
pub mod weighted_f1;

pub use accuracy::Accuracy;
pub use adaptive_ece::AdaptiveEce;
pub use auroc_ovo::AurocOvo;
pub use balanced_accuracy::BalancedAccuracy;
pub use brier::Brier;
pub use calibration::{ReliabilityBin, ReliabilityDiagram};
pub use confusion::ConfusionMatrix;
pub use confusion_report::ConfusionReport;
pub use counts::{Average, ClassCounts, Quad};
pub use ece::Ece;
pub use f_beta::{F1, FBeta};
pub use hinge::Hinge;
pub use kappa::{CohenKappa, Spacing};
pub use log_loss::LogLoss;
pub use macro_f1::MacroF1;
pub use mcc::Mcc;
pub use mce::Mce;
pub use micro_f1::MicroF1;
pub use precision::Precision;
pub use recall::Recall;
pub use top_k::TopK;
pub use weighted_f1::WeightedF1;
