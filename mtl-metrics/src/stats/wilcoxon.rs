//! Wilcoxon's signed-rank test: is one system better on most pairs, weighing each pair by the rank of its difference?
//!
//! ```text
//! d_i  = ours_i - theirs_i, zeros dropped, n left          r_i = rank of |d_i|, ties share
//! R+   = sum of r_i with d_i > 0                           R-  = sum of r_i with d_i < 0
//! z    = (R+ - n (n + 1) / 4) / sqrt( (n (n + 1)(2 n + 1) - sum over ties (t^3 - t) / 2) / 24 )
//! ```
//!
//! Under chance every difference has a random sign. The exact distribution of `R+` is counted sign by sign on the ranks at
//! hand, shared ones included (twice a rank is an integer). Scores need only be comparable within a task: with one pair a
//! task, tasks of different units may be pooled once differences are on one scale.
//!
//! **Reference**: F. Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics Bulletin 1(6), 1945; equal to
//! `scipy.stats.wilcoxon(zero_method="wilcox", correction=False, method="auto")`, which counts exactly up to 50 pairs without
//! ties and zeros and up to 13 with them.
//! **Differs from** scipy when all differences are zero: not defined, where scipy gives a number or NaN.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::{Alternative, Basis, ranks};
use crate::{
    refusal::{numbers, refuse, same_length},
    value::OrReason,
};

/// Pairs up to which [`WilcoxonMethod::Auto`] counts, without ties or zeros, and with them.
const EXACT_TO: usize = 50;
const EXACT_TO_TIED: usize = 13;
/// Pairs up to which counting can be asked for: `n^3` steps.
const EXACT_MOST: usize = 200;

/// How the p-value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WilcoxonMethod {
    /// Exactly where scipy does, else by the normal approximation.
    #[default]
    Auto,
    /// Exactly, ties included, up to 200 pairs.
    Exact,
    /// By the normal approximation, corrected for ties.
    Normal,
}

/// The outcome of the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wilcoxon {
    /// Pairs whose difference is not zero.
    pub n: usize,
    /// Pairs without a difference, dropped.
    pub zeros: usize,
    /// Sum of the ranks of pairs with ours larger.
    pub rank_sum_above: f64,
    /// Sum of the ranks of pairs with ours smaller.
    pub rank_sum_below: f64,
    /// How likely so extreme a rank sum is by chance, in (0, 1]; undefined when no pair differs.
    pub p: OrReason<f64>,
    /// [`Basis::Exact`] or [`Basis::Normal`].
    pub basis: Basis,
}

impl Wilcoxon {
    /// The test on pairs of scores.
    ///
    /// ```
    /// use mtl_metrics::stats::{Alternative, Wilcoxon, WilcoxonMethod};
    /// let (ours, theirs) = ([0.9, 0.8, 0.7, 0.9], [0.85, 0.7, 0.4, 0.7]);
    /// let test = Wilcoxon::new(&ours, &theirs, Alternative::TwoSided, WilcoxonMethod::Auto)?;
    /// assert_eq!((test.rank_sum_below, test.p), (0.0, Ok(0.125))); // 2 of 2^4 signs
    /// # Ok::<(), mtl_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists of different lengths; [`mtl_core::Error::InvalidConfig`] for a score that is no
    /// number up to 1e100, and when more than 200 pairs are to be counted exactly.
    pub fn new(ours: &[f64], theirs: &[f64], alternative: Alternative, method: WilcoxonMethod) -> Result<Self> {
        same_length("wilcoxon", "theirs", ours.len(), theirs.len())?;
        numbers("wilcoxon", "ours", ours)?;
        numbers("wilcoxon", "theirs", theirs)?;
        let all = ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs);
        let differences: Vec<f64> = all.filter(|d| d.abs() > 0.0).collect();
        let (n, zeros) = (differences.len(), ours.len() - differences.len());
        let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
        let ranks = ranks(&sizes, Direction::Minimize);
        let sum = |above: bool| {
            let chosen = ranks.iter().zip(&differences).filter(|(_, d)| (**d > 0.0) == above);
            chosen.map(|(rank, _)| rank).sum::<f64>() // halves, exact
        };
        let (rank_sum_above, rank_sum_below) = (sum(true), sum(false));
        let ties = tie_term(&ranks);
        let exact = match method {
            WilcoxonMethod::Auto if zeros == 0 && ties <= 0.0 => n <= EXACT_TO,
            WilcoxonMethod::Auto => ours.len() <= EXACT_TO_TIED,
            WilcoxonMethod::Exact if n > EXACT_MOST => {
                return Err(refuse("wilcoxon", "pairs", format!("at most {EXACT_MOST} to be exact"), n.to_string()));
            }
            WilcoxonMethod::Exact => true,
            WilcoxonMethod::Normal => false,
        };
        let p = if n == 0 {
            Err(if zeros == 0 { "no pair" } else { "all differences are zero" }.to_owned())
        } else if exact {
            let (at_most, at_least) = tails(&ranks, rank_sum_above);
            Ok(alternative.of_tails(at_most, at_least))
        } else {
            let n = n as f64;
            let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - 0.5 * ties) / 24.0; // > 0: even one tie of all leaves n^3 / 16
            Ok(alternative.of_z((rank_sum_above - n * (n + 1.0) / 4.0) / variance.sqrt()))
        };
        let basis = if exact { Basis::Exact } else { Basis::Normal };
        Ok(Self { n, zeros, rank_sum_above, rank_sum_below, p, basis })
    }
}

/// `sum (t^3 - t)` over groups of equal ranks.
fn tie_term(ranks: &[f64]) -> f64 {
    let mut sorted = ranks.to_vec();
    sorted.sort_by(f64::total_cmp);
    let term = |group: &[f64]| (group.len() as f64).powi(3) - group.len() as f64;
    sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()).map(term).sum()
}

/// The probabilities that random signs give a sum of positive ranks of at most, and of at least, `found`.
fn tails(ranks: &[f64], found: f64) -> (f64, f64) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ranks are positive halves")]
    let twice = |rank: f64| (2.0 * rank).round() as usize;
    let total: usize = ranks.iter().map(|rank| twice(*rank)).sum();
    let mut chance = vec![0.0_f64; total + 1]; // of twice the sum
    chance[0] = 1.0;
    let mut reached = 0;
    for step in ranks.iter().map(|rank| twice(*rank)) {
        reached += step;
        for sum in (0..=reached).rev() {
            let without = chance[sum];
            let with = if sum >= step { chance[sum - step] } else { 0.0 };
            chance[sum] = 0.5 * (without + with);
        }
    }
    let found = twice(found).min(total);
    (chance[..=found].iter().sum(), chance[found..].iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(differences: &[f64], alternative: Alternative, method: WilcoxonMethod) -> f64 {
        Wilcoxon::new(differences, &vec![0.0; differences.len()], alternative, method).unwrap().p.unwrap()
    }

    #[test]
    fn by_hand() {
        // Ranks 1, 2, 3 with signs + - +: R+ = 4. Of the sums 0 1 2 3 3 4 5 6, three are at least 4 and six at most.
        let d = [0.1, -0.2, 0.3];
        assert_eq!(p(&d, Alternative::Greater, WilcoxonMethod::Auto).to_bits(), 0.375f64.to_bits());
        assert_eq!(p(&d, Alternative::Less, WilcoxonMethod::Auto).to_bits(), 0.75f64.to_bits());
        assert_eq!(p(&d, Alternative::TwoSided, WilcoxonMethod::Auto).to_bits(), 0.75f64.to_bits());
        // Mean 3, variance 3 * 4 * 7 / 24.
        let want = Alternative::Greater.of_z(1.0 / 3.5f64.sqrt());
        assert!((p(&d, Alternative::Greater, WilcoxonMethod::Normal) - want).abs() < 1e-15);
        // Ranks 1.5, 1.5, 3, all positive: one of eight.
        assert_eq!(p(&[1.0, 1.0, 2.0], Alternative::Greater, WilcoxonMethod::Auto).to_bits(), 0.125f64.to_bits());
    }

    #[test]
    fn the_basis_is_that_of_scipy() {
        let basis = |n: usize, tie: f64| {
            let mut d: Vec<f64> = (1..=n).map(|i| i as f64).collect();
            d[0] = tie;
            Wilcoxon::new(&d, &vec![0.0; n], Alternative::TwoSided, WilcoxonMethod::Auto).unwrap().basis
        };
        assert_eq!((basis(50, 0.5), basis(51, 0.5)), (Basis::Exact, Basis::Normal));
        assert_eq!((basis(13, 2.0), basis(14, 2.0)), (Basis::Exact, Basis::Normal));
        assert_eq!((basis(13, 0.0), basis(14, 0.0)), (Basis::Exact, Basis::Normal));
    }

    #[test]
    fn many_pairs_agree_with_the_approximation() {
        let d: Vec<f64> = (1..=200).map(|i| f64::from(i) * if i % 3 == 0 { -1.0 } else { 1.1 }).collect();
        let (exact, normal) = (WilcoxonMethod::Exact, WilcoxonMethod::Normal);
        for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
            let (exact, normal) = (p(&d, alternative, exact), p(&d, alternative, normal));
            assert!((exact - normal).abs() < 1e-3, "{exact} {normal}");
        }
    }

    #[test]
    fn undefined_and_refused() {
        let test = |ours: &[f64], theirs: &[f64], method| Wilcoxon::new(ours, theirs, Alternative::TwoSided, method);
        let auto = WilcoxonMethod::Auto;
        assert_eq!(test(&[], &[], auto).unwrap().p.unwrap_err(), "no pair");
        assert_eq!(test(&[1.0; 3], &[1.0; 3], auto).unwrap().p.unwrap_err(), "all differences are zero");
        let e = |ours: &[f64], theirs: &[f64], method| test(ours, theirs, method).unwrap_err().to_string();
        assert_eq!(e(&[1.0], &[], auto), "wilcoxon: theirs must be of length 1, found [0]");
        let nan = "wilcoxon: theirs must be a number up to 1e100, found NaN at position 0";
        assert_eq!(e(&[1.0], &[f64::NAN], auto), nan);
        let many = e(&[1.0; 201], &[0.0; 201], WilcoxonMethod::Exact);
        assert_eq!(many, "wilcoxon: pairs must be at most 200 to be exact, found 201");
    }
}
