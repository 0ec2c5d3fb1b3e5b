//! McNemar's test: do two classifiers err equally often on the same samples?
//!
//! ```text
//! b   samples that only ours has right            c   samples that only theirs has right
//!
//! b + c <  25     p = min(1, 2 P(X <= min(b, c))),   X ~ Binomial(b + c, 1/2)           exact
//! b + c >= 25     chi2 = (|b - c| - 1)^2 / (b + c),  p = P(chi square with 1 degree of freedom >= chi2)
//! ```
//!
//! Only samples on which the two disagree say anything: were both equally good, each of these would be a fair coin.
//! Needs one label a sample and samples that are independent; for groups (several pictures of one patient) take
//! [`SignFlip`](super::SignFlip) over the groups' accuracies.
//!
//! **Reference**: Q. McNemar, "Note on the Sampling Error of the Difference Between Correlated Proportions or Percentages",
//! Psychometrika 12, 1947; A. L. Edwards, Psychometrika 13, 1948 (the correction by 1); equal to statsmodels `mcnemar`, with
//! `exact` below 25.
//! **Differs from** statsmodels, which gives p = 1 without any disagreement: here it is not defined.

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use super::{Basis, alternative::positive};
use crate::{refusal::same_length, value::OrReason};

/// Fewer disagreements than these are counted exactly.
const EXACT_BELOW: u64 = 25;

/// The outcome of the test, two-sided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Samples that only ours has right.
    pub only_ours: u64,
    /// Samples that only theirs has right.
    pub only_theirs: u64,
    /// The smaller of the two when exact, else chi square.
    pub statistic: f64,
    /// The probability of so uneven a split by chance, in (0, 1]; undefined when the two never disagree.
    pub p: OrReason<f64>,
    /// [`Basis::Exact`] or [`Basis::ChiSquare`].
    pub basis: Basis,
}

impl McNemar {
    /// The test on counts of disagreements.
    ///
    /// ```
    /// use mtl_metrics::stats::McNemar;
    /// // 1 of 6: 2 (1 + 6) / 64
    /// assert_eq!(McNemar::new(5, 1).p, Ok(0.21875));
    /// ```
    #[must_use]
    pub fn new(only_ours: u64, only_theirs: u64) -> Self {
        let n = u128::from(only_ours) + u128::from(only_theirs);
        let fewer = only_ours.min(only_theirs);
        if n < u128::from(EXACT_BELOW) {
            let n = only_ours + only_theirs;
            let p = if n == 0 {
                Err("the two never disagree".to_owned())
            } else {
                Ok(positive(2.0 * at_most(fewer, n) as f64 / (1_u64 << n) as f64))
            };
            return Self { only_ours, only_theirs, statistic: fewer as f64, p, basis: Basis::Exact };
        }
        let chi2 = (only_ours.abs_diff(only_theirs) as f64 - 1.0).powi(2) / n as f64;
        // Chi square with one degree of freedom is the square of a normal variable.
        let p = Ok(positive(libm::erfc((0.5 * chi2).sqrt())));
        Self { only_ours, only_theirs, statistic: chi2, p, basis: Basis::ChiSquare }
    }

    /// The test on what each has right, sample by sample.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists of different lengths.
    pub fn of_samples(ours_right: &[bool], theirs_right: &[bool]) -> Result<Self> {
        same_length("mcnemar", "theirs", ours_right.len(), theirs_right.len())?;
        let count =
            |ours, theirs| ours_right.iter().zip(theirs_right).filter(|pair| *pair == (&ours, &theirs)).count() as u64;
        Ok(Self::new(count(true, false), count(false, true)))
    }
}

/// Of the `2^n` outcomes of `n` coins, `n < 64`, those with at most `k` heads.
fn at_most(k: u64, n: u64) -> u64 {
    let (mut choose, mut sum) = (1_u64, 1_u64);
    for i in 1..=k.min(n) {
        choose = choose * (n - i + 1) / i;
        sum += choose;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let test = McNemar::new(0, 5);
        assert_eq!((test.p, test.basis, test.statistic), (Ok(0.0625), Basis::Exact, 0.0));
        assert_eq!(McNemar::new(3, 3).p, Ok(1.0), "more than half lies at or below the middle: capped");
        let test = McNemar::new(30, 10);
        assert_eq!((test.statistic, test.basis), (19.0 * 19.0 / 40.0, Basis::ChiSquare));
        assert!((test.p.unwrap() - 0.002_663_119_259_1).abs() < 1e-10);
        assert_eq!(McNemar::new(12, 12).basis, Basis::Exact);
        assert_eq!(McNemar::new(12, 13).basis, Basis::ChiSquare);
    }

    #[test]
    fn samples_are_counted() {
        let (ours, theirs) = ([true, true, false, true, false], [true, false, true, false, false]);
        assert_eq!(McNemar::of_samples(&ours, &theirs).unwrap(), McNemar::new(2, 1));
        let e = McNemar::of_samples(&ours, &[]).unwrap_err().to_string();
        assert_eq!(e, "mcnemar: theirs must be of length 5, found [0]");
    }

    #[test]
    fn no_disagreement_and_huge_counts() {
        assert_eq!(McNemar::new(0, 0).p.unwrap_err(), "the two never disagree");
        let huge = McNemar::new(u64::MAX, u64::MAX);
        assert!(huge.p.unwrap() <= 1.0 && huge.statistic >= 0.0);
        assert!(McNemar::new(u64::MAX, 0).p.unwrap() > 0.0);
    }
}
