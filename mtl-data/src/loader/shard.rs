//! A rank's part of every batch.
//!
//! With several ranks ([`mtl_core::world`]) a batch is what all of them take together: the order of samples, and where batches are cut,
//! hang on the seed alone, and each rank builds the samples that fall to it. A run that goes on with another number of ranks
//! thus goes on with the same batches: it neither loses a sample of the epoch nor sees one twice.
//!
//! A batch of fewer samples than there are ranks is not divided: a rank without a sample could run no layer. Every rank takes it whole, and
//! whoever trains counts it once.

use mtl_core::world::part;
use serde::{Deserialize, Serialize};

/// Which part of every batch is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Whose, from 0.
    pub rank: usize,
    /// How many ranks there are; >= 1.
    pub size: usize,
}

impl Default for Shard {
    fn default() -> Self {
        Self { rank: 0, size: 1 }
    }
}

impl Shard {
    /// The samples of a batch that fall to this rank.
    #[must_use]
    pub fn of<'a>(&self, batch: &'a [u64]) -> &'a [u64] {
        if batch.len() < self.size { batch } else { &batch[part(batch.len(), self.rank, self.size)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_up_the_batch_and_a_small_one_is_everybodys() {
        let batch: Vec<u64> = (10..17).collect();
        assert_eq!(Shard::default().of(&batch), batch);
        let of = |size, batch: &[u64]| -> Vec<Vec<u64>> {
            (0..size).map(|rank| Shard { rank, size }.of(batch).to_vec()).collect()
        };
        assert_eq!(of(3, &batch), [vec![10, 11, 12], vec![13, 14], vec![15, 16]]);
        assert_eq!(of(3, &batch[..2]), [[10, 11], [10, 11], [10, 11]]);
    }
}
