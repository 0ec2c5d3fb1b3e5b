//! A rank's part of every batch.
//!
//! With several ranks ([`mtl_core::world`]) a batch is what all of them take together: the order of samples, and where batches are cut,
//! hang on the seed alone, and each rank builds the samples that fall to it. A run that goes on with another number of ranks
//! thus goes on with the same batches: it neither loses a sample of the epoch nor sees one twice.
//!
//! ```text
//! learned from   batch b = 0 1 2 3 4 5 6      rank 0 of 3: 0 1 2    rank 1: 3 4    rank 2: 5 6
//! judged on      batches 0 1 2 3 4            rank 0 of 3: 0 3      rank 1: 1 4    rank 2: 2       (whole batches, equal bits)
//! ```
//! A batch of fewer samples than there are ranks is not divided: a rank without a sample could run no layer. Every rank takes it whole, and
//! whoever trains counts it once.

use std::ops::Range;

use mtl_core::{batch::Batch, world::part};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Which part of every batch is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Whose, from 0.
    pub rank: usize,
    /// How many ranks there are; above `rank`.
    pub size: usize,
}

/// A rank's part of a batch.
#[derive(Debug)]
pub struct Part {
    /// The samples that fall to the rank.
    pub batch: Batch,
    /// How many samples all ranks have together.
    pub whole: usize,
}

impl Default for Shard {
    fn default() -> Self {
        Self { rank: 0, size: 1 }
    }
}

impl Shard {
    /// Whether a batch of `n` samples is divided; if not, every rank has it whole.
    #[must_use]
    pub fn divides(self, n: usize) -> bool {
        n >= self.size
    }

    /// The places of a batch of `n` samples that fall to this rank.
    #[must_use]
    pub fn range(self, n: usize) -> Range<usize> {
        if self.divides(n) { part(n, self.rank, self.size) } else { 0..n }
    }

    /// The samples of a batch that fall to this rank.
    #[must_use]
    pub fn of(self, batch: &[u64]) -> &[u64] {
        &batch[self.range(batch.len())]
    }

    /// The part of a batch that is there already; itself where that is all of it.
    ///
    /// # Errors
    /// Those of [`Batch::select`].
    pub fn cut(self, batch: Batch) -> Result<Part> {
        let (whole, range) = (batch.len(), self.range(batch.len()));
        let batch = if range.len() == whole { batch } else { batch.select(&range.collect::<Vec<_>>())? };
        Ok(Part { batch, whole })
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
        assert!(!Shard { rank: 0, size: 3 }.divides(2) && Shard { rank: 0, size: 3 }.divides(3));
    }
}
