//! Metrics of tasks with one label of several classes.
//!
//! | metric | what | equals | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`Accuracy`] | share of labels said right | scikit-learn `accuracy_score` | 16 bytes | undefined without labels |
//! | [`MacroF1`] | mean F1 over classes | scikit-learn `f1_score(average="macro")` | 24 bytes a class | absent yes/no labels are left out |
//! | [`LogLoss`] | mean negative log-likelihood, nats | scikit-learn `log_loss` | 552 bytes | logits are not clipped |
//! | [`ConfusionMatrix`] | counts by true and predicted class | scikit-learn `confusion_matrix` | 8 bytes a pair | |

pub mod accuracy;
pub mod confusion;
pub mod log_loss;
pub mod macro_f1;

pub use accuracy::Accuracy;
pub use confusion::ConfusionMatrix;
pub use log_loss::LogLoss;
pub use macro_f1::MacroF1;
