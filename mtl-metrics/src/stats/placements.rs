//! Where each sample stands among those of the other class: what AUROC is a mean of.
//!
//! ```text
//! 2 v_p = 2 #{n : s_n < s_p} + #{n : s_n = s_p}          of positive p, in 0..=2N
//! 2 w_n = 2 #{p : s_p > s_n} + #{p : s_p = s_n}          of negative n, in 0..=2P
//! AUROC = sum_p 2 v_p / (2 P N) = sum_n 2 w_n / (2 P N)
//! ```
//!
//! Sorting and searching, `O(n log n)`. Everything is an integer, so neither order nor grouping of samples can matter.

use mtl_core::Result;

use crate::{
    ranks::{key, radix_sorted},
    refusal::{refuse, same_length},
    value::OrReason,
};

/// Sums of squares of placements stay within 128 bits up to here.
const MOST: usize = u32::MAX as usize;

/// The keys of a question's scores, and which of them are positive.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub(super) keys: Vec<u32>,
    pub(super) labels: Vec<bool>,
}

impl Keys {
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists of different lengths, [`mtl_core::Error::InvalidConfig`] for NaN.
    pub(super) fn new(what: &'static str, labels: &[bool], scores: &[f32]) -> Result<Self> {
        same_length(what, "scores", labels.len(), scores.len())?;
        if scores.len() > MOST {
            return Err(refuse(what, "scores", "at most 2^32 - 1", scores.len().to_string()));
        }
        if let Some(idx) = scores.iter().position(|score| score.is_nan()) {
            return Err(refuse(what, "scores", "numbers", format!("NaN at position {idx}")));
        }
        Ok(Self { keys: scores.iter().map(|score| key(*score)).collect(), labels: labels.to_vec() })
    }

    /// The keys of one class, in the order of samples.
    pub(super) fn of_class(&self, positive: bool) -> Vec<u32> {
        self.keys.iter().zip(&self.labels).filter(|(_, label)| **label == positive).map(|(key, _)| *key).collect()
    }
}

/// Twice the placements, in the order of samples of each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placements {
    pub(super) positives: Vec<u64>,
    pub(super) negatives: Vec<u64>,
}

impl Placements {
    /// # Errors
    /// The reason when a class is missing.
    pub(super) fn new(keys: &Keys) -> OrReason<Self> {
        let (positives, negatives) = (keys.of_class(true), keys.of_class(false));
        match (positives.len(), negatives.len()) {
            (0, 0) => return Err("no sample".to_owned()),
            (0, _) => return Err("no positive sample".to_owned()),
            (_, 0) => return Err("no negative sample".to_owned()),
            _ => {}
        }
        let twice_below = |keys: &[u32], others: &[u32]| -> Vec<u64> {
            let sorted = radix_sorted(others);
            let at =
                |key: &u32| sorted.partition_point(|other| other < key) + sorted.partition_point(|other| other <= key);
            keys.iter().map(|key| at(key) as u64).collect()
        };
        let above = 2 * positives.len() as u64;
        let mut of_negatives = twice_below(&negatives, &positives);
        of_negatives.iter_mut().for_each(|twice| *twice = above - *twice);
        Ok(Self { positives: twice_below(&positives, &negatives), negatives: of_negatives })
    }

    /// Twice the pairs with the positive above, ties counted once.
    pub(super) fn twice_above(&self) -> u128 {
        self.positives.iter().map(|twice| u128::from(*twice)).sum()
    }

    /// Twice the number of pairs.
    pub(super) fn twice_pairs(&self) -> u128 {
        2 * self.positives.len() as u128 * self.negatives.len() as u128
    }

    pub(super) fn auc(&self) -> f64 {
        self.twice_above() as f64 / self.twice_pairs() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranks::PairCounts;

    #[test]
    fn by_hand() {
        // Positives 0.8, 0.4; negatives 0.4, 0.1, 0.4.
        let labels = [true, false, true, false, false];
        let keys = Keys::new("x", &labels, &[0.8, 0.4, 0.4, 0.1, 0.4]).unwrap();
        let found = Placements::new(&keys).unwrap();
        assert_eq!(found, Placements { positives: vec![6, 4], negatives: vec![3, 4, 3] });
        assert_eq!((found.twice_above(), found.twice_pairs()), (10, 12));
        let counts = PairCounts::of_scores(&[0.8, 0.4], &[0.4, 0.1, 0.4]).unwrap();
        assert_eq!(counts.twice_above, found.twice_above());
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        let reason = |labels: &[bool]| Placements::new(&Keys::new("x", labels, &[0.0; 1][..labels.len()]).unwrap());
        assert_eq!(reason(&[]).unwrap_err(), "no sample");
        assert_eq!(reason(&[true]).unwrap_err(), "no negative sample");
        assert_eq!(reason(&[false]).unwrap_err(), "no positive sample");
        let e = |scores: &[f32]| Keys::new("x", &[true], scores).unwrap_err().to_string();
        assert_eq!(e(&[f32::NAN]), "x: scores must be numbers, found NaN at position 0");
        assert_eq!(e(&[]), "x: scores must be of length 1, found [0]");
    }
}
