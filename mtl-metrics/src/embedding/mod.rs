//! Embeddings: whether near means alike, and how alike two representations are.
//!
//! | metric | what | equal to | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`EmbeddingRecall`] | whether the k nearest include one of the class | its formula | 24 bytes | queries without a class mate are left out |
//! | [`LinearCka`] | similarity of two representations | its formula | 4 bytes a number | constant representations are undefined |
//! | [`Rsa`] | whether two representations find the same samples alike | scipy `pdist`, `spearmanr` | 4 bytes a number | constant samples are left out |

mod cka;
mod retrieval;
mod rsa;

pub use cka::{LinearCka, PairedRows, Representations};
pub use retrieval::{Distance, EmbeddingRecall, Embeddings, RecallCounts};
pub use rsa::Rsa;
