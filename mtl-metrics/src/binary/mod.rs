//! Metrics of yes/no questions that rank by score.
//!
//! | metric | what | equals | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`Auroc`] | area under the ROC curve, exact | scikit-learn `roc_auc_score` | 4 bytes a score | absent classes are left out |
//! | [`RocCurve`] | its corners, thinned for a plot | scikit-learn `roc_curve` | | no threshold at the origin |

pub mod auroc;
pub mod roc;

pub use auroc::Auroc;
pub use roc::{RocCurve, RocPoint};
