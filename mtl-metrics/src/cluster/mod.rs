//! Clusters: how two partitions of the same samples agree.
//!
//! | metric | what | equal to | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`Agreement`] | NMI, homogeneity, completeness, V-measure, ARI, accuracy by the best matching | scikit-learn; scipy `linear_sum_assignment` | 24 bytes a pair that occurs | trivial partitions are undefined (1 there) |

mod agreement;
pub(crate) mod assignment;
mod contingency;

pub use agreement::Agreement;
pub use contingency::{Assignments, Contingency};
