//! Scores as sortable integers, sorted in linear time: the ground of every ranking metric.
//!
//! An `f32` becomes a `u32` whose order is that of the numbers, so that ties are equal integers and sorting needs no
//! comparison of floats: a least-significant-digit radix sort with three passes of 11 bits, whose histograms are taken
//! in one reading. How often a positive ranks before a negative is then a count, held in integers to the end:
//!
//! ```text
//! 2U  = sum over positives of ( #negatives below + #negatives not above )        ties count one half
//! AUC = 2U / (2 P N)
//! ```
//!
//! **Complexity** `O(n)` time; 4 bytes a score and as much scratch for each of the sorted lists.
//! **Reference** E. M. Reingold et al., LSD radix sort; H. B. Mann, D. R. Whitney, *On a test of whether one of two
//! random variables is stochastically larger*, 1947 (U).

use mtl_core::{Error, Result};

use crate::{
    chunks::map_each,
    value::{NO_LABEL, OrReason},
};

const PASSES: u32 = 3;
const DIGIT_BITS: u32 = 11;
const BUCKETS: usize = 1 << DIGIT_BITS;
/// Below this, comparing is faster than counting.
const SMALL: usize = 1 << 11;
/// Below this, a second thread costs more than it brings.
const PARALLEL: usize = 1 << 16;
const SIGN: u32 = 1 << 31;

/// Order-preserving key of a score that is not NaN: `a < b` exactly when `key(a) < key(b)`; both zeros are one.
#[must_use]
#[inline]
pub fn key(score: f32) -> u32 {
    let bits = (score + 0.0).to_bits(); // -0.0 + 0.0 is 0.0
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// The score of a key.
#[must_use]
pub fn score(key: u32) -> f32 {
    f32::from_bits(if key & SIGN == 0 { !key } else { key & !SIGN })
}

/// The keys in rising order.
#[must_use]
pub fn radix_sorted(keys: &[u32]) -> Vec<u32> {
    let mut sorted = keys.to_vec();
    if keys.len() < SMALL {
        sorted.sort_unstable();
        return sorted;
    }
    let mut counts = [[0_usize; BUCKETS]; PASSES as usize];
    for &key in keys {
        for (pass, counts) in (0..PASSES).zip(&mut counts) {
            counts[digit(key, pass)] += 1;
        }
    }
    let mut scratch = vec![0; keys.len()];
    for (pass, counts) in (0..PASSES).zip(&mut counts) {
        if counts.contains(&keys.len()) {
            continue; // one digit for all: nothing to move
        }
        let mut offset = 0;
        for count in counts.iter_mut() {
            offset += std::mem::replace(count, offset);
        }
        for &key in &sorted {
            let next = &mut counts[digit(key, pass)];
            scratch[*next] = key;
            *next += 1;
        }
        std::mem::swap(&mut sorted, &mut scratch);
    }
    sorted
}

#[inline]
fn digit(key: u32, pass: u32) -> usize {
    (key >> (pass * DIGIT_BITS)) as usize & (BUCKETS - 1)
}

/// Both lists sorted, on two threads when they are long.
pub(crate) fn both_sorted(positives: &[u32], negatives: &[u32]) -> (Vec<u32>, Vec<u32>) {
    if positives.len().min(negatives.len()) < PARALLEL {
        return (radix_sorted(positives), radix_sorted(negatives));
    }
    let mut sorted = map_each(2, |side| radix_sorted([positives, negatives][side])).into_iter();
    (sorted.next().unwrap_or_default(), sorted.next().unwrap_or_default())
}

/// How positives rank against negatives, counted exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairCounts {
    /// Twice the number of pairs with the positive above, ties counted once.
    pub twice_above: u128,
    /// Positives.
    pub positives: u64,
    /// Negatives.
    pub negatives: u64,
}

impl PairCounts {
    /// Counts the pairs of two lists of keys, each in rising order.
    #[must_use]
    pub fn of_sorted(positives: &[u32], negatives: &[u32]) -> Self {
        let (mut below, mut not_above, mut twice_above) = (0, 0, 0_u128);
        for &key in positives {
            while below < negatives.len() && negatives[below] < key {
                below += 1;
            }
            not_above = not_above.max(below);
            while not_above < negatives.len() && negatives[not_above] <= key {
                not_above += 1;
            }
            twice_above += (below + not_above) as u128;
        }
        Self { twice_above, positives: positives.len() as u64, negatives: negatives.len() as u64 }
    }

    /// Counts the pairs of two lists of keys in any order.
    #[must_use]
    pub fn of_keys(positives: &[u32], negatives: &[u32]) -> Self {
        let (positives, negatives) = both_sorted(positives, negatives);
        Self::of_sorted(&positives, &negatives)
    }

    /// Counts the pairs of two lists of scores.
    ///
    /// ```
    /// let pairs = mtl_metrics::ranks::PairCounts::of_scores(&[0.9, 0.4], &[0.4, 0.1, 0.2])?;
    /// assert_eq!((pairs.twice_above, pairs.auc()), (11, Ok(11.0 / 12.0)));
    /// # Ok::<(), mtl_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Label`] for NaN.
    pub fn of_scores(positives: &[f32], negatives: &[f32]) -> Result<Self> {
        let keys = |scores: &[f32]| -> Result<Vec<u32>> {
            if let Some(sample) = scores.iter().position(|s| s.is_nan()) {
                let (task, expected, found) = ("(unnamed)".to_owned(), "a number".to_owned(), "NaN".to_owned());
                return Err(Error::Label { task, what: "score", expected, found, sample: sample as u64 });
            }
            Ok(scores.iter().map(|&s| key(s)).collect())
        };
        Ok(Self::of_keys(&keys(positives)?, &keys(negatives)?))
    }

    /// The share of pairs with the positive above, ties half.
    ///
    /// # Errors
    /// The reason when there is no pair.
    pub fn auc(&self) -> OrReason<f64> {
        match (self.positives, self.negatives) {
            (0, 0) => Err(NO_LABEL.to_owned()),
            (0, _) => Err("no positive sample".to_owned()),
            (_, 0) => Err("no negative sample".to_owned()),
            (p, n) => Ok(self.twice_above as f64 / (2 * u128::from(p) * u128::from(n)) as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_keep_the_order_and_read_back() {
        let rising = [f32::NEG_INFINITY, f32::MIN, -1.0, -1e-45, 0.0, 1e-45, 0.5, 1.0, f32::MAX, f32::INFINITY];
        assert!(rising.windows(2).all(|w| key(w[0]) < key(w[1])));
        assert!(rising.iter().all(|&s| score(key(s)).to_bits() == s.to_bits()));
        assert_eq!(key(-0.0), key(0.0));
    }

    proptest! {
        #[test]
        fn sorting_sorts(seed in any::<u64>(), n in 0_usize..9000, bits in 1_u32..=32) {
            let mut state = seed | 1;
            let keys: Vec<u32> = (0..n).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 32) as u32 >> (32 - bits)
            }).collect();
            let mut want = keys.clone();
            want.sort_unstable();
            prop_assert_eq!(radix_sorted(&keys), want);
        }

        #[test]
        fn counts_are_those_of_all_pairs(
            positives in prop::collection::vec(-4_i32..5, 0..40), negatives in prop::collection::vec(-4_i32..5, 0..40),
        ) {
            let scores = |xs: &[i32]| xs.iter().map(|&x| x as f32 * 0.25).collect::<Vec<_>>();
            let counts = PairCounts::of_scores(&scores(&positives), &scores(&negatives)).unwrap();
            let pair = |p: i32, n: i32| u128::from(p > n) * 2 + u128::from(p == n);
            let want: u128 = positives.iter().flat_map(|&p| negatives.iter().map(move |&n| pair(p, n))).sum();
            prop_assert_eq!(counts.twice_above, want);
        }
    }

    #[test]
    fn no_pair_has_a_reason() {
        assert_eq!(PairCounts::of_scores(&[], &[1.0]).unwrap().auc(), Err("no positive sample".to_owned()));
        assert_eq!(PairCounts::of_scores(&[1.0], &[]).unwrap().auc(), Err("no negative sample".to_owned()));
        assert!(PairCounts::of_scores(&[1.0], &[0.0, f32::NAN]).unwrap_err().to_string().contains("(sample 1)"));
    }
}
