//! Metrics of clusters and of embeddings.
//!
//! | metric | what | equal to | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`Agreement`] | NMI, homogeneity, completeness, V-measure, ARI, accuracy by the best matching | scikit-learn; scipy `linear_sum_assignment` | 24 bytes a pair that occurs | trivial partitions are undefined (1 there) |
//! | [`EmbeddingRecall`] | whether the k nearest include one of the class | its formula | 24 bytes | queries without a class mate are left out |
//! | [`LinearCka`] | similarity of two representations | its formula | 4 bytes a number | constant representations are undefined |
//! | [`Rsa`] | whether two representations find the same samples alike | scipy `pdist`, `spearmanr` | 4 bytes a number | constant samples are left out |

mod agreement;
pub(crate) mod assignment;
mod cka;
mod contingency;
mod retrieval;
mod rsa;

pub use agreement::Agreement;
pub use cka::{LinearCka, PairedRows, Representations};
pub use contingency::{Assignments, Contingency};
pub use retrieval::{Distance, EmbeddingRecall, Embeddings, RecallCounts};
pub use rsa::Rsa;
