//! The paired sign-flip test: is a mean difference larger than random signs would make it?
//!
//! ```text
//! d_i = ours_i - theirs_i          T = sum d_i          T* = sum (+-1) d_i, each sign a fair coin
//!
//! p = share of sign patterns with T* as extreme as T          all 2^n of them, n <= 30
//! p = (b + 1) / (B + 1)                                       b of B random patterns as extreme, n > 30
//! ```
//!
//! If nothing tells ours from theirs within a pair, its difference could as well have had the other sign. Nothing is
//! assumed about the distribution of differences. Pairs must be independent: give one pair a speaker, user or image
//! (means over what belongs together).
//!
//! Flipping the set `F` lowers the sum by `2 sum_F d`, so patterns are counted by subset sums: both halves of the pairs make
//! `2^(n/2)` sums each, sorted, and two pointers count the pairs of sums at or below 0.
//!
//! **Reference**: R. A. Fisher, "The Design of Experiments", 1935, section 21; B. Phipson, G. K. Smyth, "Permutation P-values
//! Should Never Be Zero", 2010 (the ones added); equal to `scipy.stats.permutation_test(permutation_type="samples")`.
//! **Differs from** scipy in what counts as a tie: sums closer than 100 units in the last place of `sum |d|` (scipy: of `T`
//! itself, which misses ties when `T` is near 0); exact up to 30 pairs; not defined when all differences are zero.

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use super::{Alternative, Basis, Draws, draws::Coins};
use crate::{
    refusal::{numbers, same_length},
    value::OrReason,
};

/// Pairs up to which all sign patterns are counted.
const EXACT_TO: usize = 30;

/// The outcome of the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignFlip {
    /// Pairs.
    pub n: usize,
    /// The mean of ours - theirs; undefined without a pair.
    pub mean_difference: OrReason<f64>,
    /// How likely so extreme a mean is under random signs, in (0, 1]; undefined when no pair differs.
    pub p: OrReason<f64>,
    /// [`Basis::Exact`] or [`Basis::MonteCarlo`].
    pub basis: Basis,
}

impl SignFlip {
    /// The test on pairs of scores; `draws` are made when there are more than 30 pairs.
    ///
    /// ```
    /// use mtl_metrics::stats::{Alternative, Draws, SignFlip};
    /// let (ours, theirs) = ([0.9, 0.8, 0.7, 0.9], [0.85, 0.7, 0.4, 0.7]);
    /// let test = SignFlip::new(&ours, &theirs, Alternative::Greater, Draws::default())?;
    /// assert_eq!(test.p, Ok(0.0625)); // only the real one of 2^4 sign patterns
    /// # Ok::<(), mtl_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists of different lengths; [`mtl_core::Error::InvalidConfig`] for a score that is no
    /// number up to 1e100 and a number of draws out of range.
    pub fn new(ours: &[f64], theirs: &[f64], alternative: Alternative, draws: Draws) -> Result<Self> {
        same_length("sign-flip", "theirs", ours.len(), theirs.len())?;
        numbers("sign-flip", "ours", ours)?;
        numbers("sign-flip", "theirs", theirs)?;
        let differences: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs).collect();
        let n = differences.len();
        let total: f64 = differences.iter().sum();
        let size: f64 = differences.iter().map(|d| d.abs()).sum();
        let basis = if n <= EXACT_TO { Basis::Exact } else { Basis::MonteCarlo };
        let mean_difference = if n == 0 { Err("no pair".to_owned()) } else { Ok(total / n as f64) };
        // What rounding can make of sums that are equal.
        let tolerance = n.max(100) as f64 * f64::EPSILON * size;
        let p = match (&mean_difference, basis) {
            (Err(reason), _) => Err(reason.clone()),
            _ if size <= 0.0 => Err("all differences are zero".to_owned()),
            (_, Basis::Exact) => {
                let (at_most, at_least) = tails(&differences, tolerance);
                Ok(alternative.of_tails(at_most, at_least))
            }
            _ => {
                let hits = draws.outcomes(
                    "sign-flip",
                    || (),
                    |(), rng| {
                        let mut coins = Coins::new(rng);
                        let chance: f64 = differences.iter().map(|d| if coins.toss() { *d } else { -d }).sum();
                        alternative.is_hit(chance, total, tolerance)
                    },
                )?;
                Ok(draws.p_value(hits.iter().filter(|hit| **hit).count()))
            }
        };
        Ok(Self { n, mean_difference, p, basis })
    }
}

/// The shares of sign patterns whose sum is at most, and at least, that of `differences`.
fn tails(differences: &[f64], tolerance: f64) -> (f64, f64) {
    let (left, right) = differences.split_at(differences.len() / 2);
    let (left, right) = (subset_sums(left), subset_sums(right));
    let patterns = left.len() as f64 * right.len() as f64;
    // A flipped set of sum s changes the total by -2 s.
    let at_least = pairs_at_most(&left, &right, tolerance);
    let above = |sums: &[f64]| sums.iter().rev().map(|sum| -sum).collect::<Vec<_>>();
    let at_most = pairs_at_most(&above(&left), &above(&right), tolerance);
    (at_most as f64 / patterns, at_least as f64 / patterns)
}

/// The sums of all `2^n` subsets, rising.
fn subset_sums(values: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for value in values {
        let with: Vec<f64> = sums.iter().map(|sum| sum + value).collect();
        sums.extend(with);
    }
    sums.sort_by(f64::total_cmp);
    sums
}

/// How many pairs of two rising lists sum to at most `bound`.
fn pairs_at_most(left: &[f64], right: &[f64], bound: f64) -> u64 {
    let mut fitting = right.len();
    let mut n_pairs = 0;
    for a in left {
        // Rounded addition is monotone: what does not fit a smaller partner fits no larger one.
        while fitting > 0 && right.get(fitting - 1).is_some_and(|b| a + b > bound) {
            fitting -= 1;
        }
        n_pairs += fitting as u64;
    }
    n_pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(differences: &[f64], alternative: Alternative) -> SignFlip {
        let draws = Draws { n: 20_000, seed: 5 };
        SignFlip::new(differences, &vec![0.0; differences.len()], alternative, draws).unwrap()
    }

    #[test]
    fn by_hand() {
        // Sums of +-1 +-2 +-3: 6 4 2 0 0 -2 -4 -6; the real one is 1 - 2 + 3 = 2.
        let d = [1.0, -2.0, 3.0];
        assert_eq!(test(&d, Alternative::Greater).p, Ok(0.375));
        assert_eq!(test(&d, Alternative::Less).p, Ok(0.75));
        assert_eq!(test(&d, Alternative::TwoSided).p, Ok(0.75));
        assert_eq!(test(&d, Alternative::TwoSided).mean_difference, Ok(2.0 / 3.0));
        assert_eq!(test(&[0.3], Alternative::TwoSided).p, Ok(1.0), "one pair proves nothing");
    }

    #[test]
    fn decimal_ties_are_ties() {
        // 0.1 + 0.2 - 0.3 is not 0 in binary; all patterns but +++ and --- have a partner of equal sum.
        let d = [0.1, 0.2, -0.3];
        assert_eq!(test(&d, Alternative::TwoSided).p, Ok(1.0));
        assert_eq!(test(&d, Alternative::Greater).p, Ok(0.625), "5 of 8 are at least 0");
    }

    #[test]
    fn random_patterns_agree_with_all_of_them() {
        let pairs = |n: i32| (1..=n).map(|i| f64::from((i * 37) % 11) - 3.5).collect::<Vec<_>>();
        let (few, many) = (pairs(30), [pairs(30), vec![0.0; 4]].concat());
        for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
            let (exact, random) = (test(&few, alternative), test(&many, alternative));
            assert_eq!((exact.basis, random.basis), (Basis::Exact, Basis::MonteCarlo));
            let (exact, random) = (exact.p.unwrap(), random.p.unwrap());
            let deviation = (exact * (1.0 - exact) / 20_000.0).sqrt();
            assert!((exact - random).abs() < 4.0 * deviation + 1e-4, "{alternative:?}: {exact} against {random}");
        }
    }

    #[test]
    fn undefined_and_refused() {
        assert_eq!(test(&[], Alternative::Less).p.unwrap_err(), "no pair");
        assert_eq!(test(&[0.0; 40], Alternative::Less).p.unwrap_err(), "all differences are zero");
        let e =
            |ours: &[f64], draws| SignFlip::new(ours, &[0.0; 31], Alternative::Less, draws).unwrap_err().to_string();
        assert_eq!(e(&[1.0], Draws::default()), "sign-flip: theirs must be of length 1, found [31]");
        let odd = "sign-flip: ours must be a number up to 1e100, found inf at position 0";
        assert_eq!(e(&[f64::INFINITY; 31], Draws::default()), odd);
        assert!(e(&[1.0; 31], Draws { n: 0, seed: 0 }).contains("draws must be in"));
    }
}
