//! Friedman's test: do `k` methods differ at all, judged by their ranks in `n` blocks?
//!
//! ```text
//! r_ij   rank of method j in block i, ties share              R_j = 1/n sum_i r_ij
//! chi2   = [12 n / (k (k + 1)) sum_j R_j^2 - 3 n (k + 1)] / C          about chi square with k - 1 degrees of freedom
//! C      = 1 - sum over groups of ties (t^3 - t) / (n k (k^2 - 1))     t: size of the group
//! F      = (n - 1) chi2 / (n (k - 1) - chi2)                           F with k - 1 and (k - 1)(n - 1)
//! ```
//!
//! A block is what methods are compared on under equal conditions: a data set in the papers, a task with a seed in ours.
//! Ranks make blocks comparable whose scores are not (an AUROC, an error in years). `chi2` is conservative when there are
//! few blocks; `F` is what to go by.
//!
//! **Reference**: M. Friedman, JASA 32, 1937; R. L. Iman, J. M. Davenport, "Approximations of the critical region of the
//! Friedman statistic", Communications in Statistics 9, 1980; J. Demsar, "Statistical Comparisons of Classifiers over
//! Multiple Data Sets", JMLR 7, 2006, section 3.2.2.
//! **Differs from** Demsar in correcting for ties, as scipy does.

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF, FisherSnedecor};

use super::ranks;

/// The outcome of the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Friedman {
    /// Blocks.
    pub n: usize,
    /// Mean rank of every method, from 1 (always best) to `k`.
    pub mean_ranks: Vec<f64>,
    /// Friedman's statistic.
    pub chi2: f64,
    /// How likely so large a `chi2` is when all methods are alike.
    pub chi2_p: f64,
    /// Iman and Davenport's statistic; `None` when all blocks agree completely and it is infinite.
    pub f: Option<f64>,
    /// How likely so large an `f` is when all methods are alike.
    pub f_p: f64,
}

impl Friedman {
    /// The test over blocks of `k` scores each, with the direction in which each block's scores improve.
    ///
    /// # Shapes
    /// `blocks`: `n` rows of `k` scores, `n >= 2`, `k >= 2`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for fewer blocks or methods, rows of different lengths, a score that is not finite, or when
    /// every block is one tie.
    pub fn new(blocks: &[(Vec<f64>, Direction)]) -> Result<Self> {
        let refuse = |field, expected: &str, found: String| {
            Err(Error::InvalidConfig { what: "friedman", field, expected: expected.into(), found })
        };
        let (n, k) = (blocks.len(), blocks.first().map_or(0, |(row, _)| row.len()));
        if n < 2 {
            return refuse("blocks", "at least 2", n.to_string());
        }
        if k < 2 {
            return refuse("methods", "at least 2", k.to_string());
        }
        if let Some((row, _)) = blocks.iter().find(|(row, _)| row.len() != k) {
            return refuse("methods", "the same in all blocks", format!("{k} and {}", row.len()));
        }
        if let Some(odd) = blocks.iter().flat_map(|(row, _)| row).find(|score| !score.is_finite()) {
            return refuse("scores", "finite", odd.to_string());
        }
        let ranked: Vec<Vec<f64>> = blocks.iter().map(|(row, direction)| ranks(row, *direction)).collect();
        #[expect(clippy::cast_precision_loss, reason = "counts of blocks and methods")]
        let (nf, kf) = (n as f64, k as f64);
        let mean_ranks: Vec<f64> = (0..k).map(|j| ranked.iter().map(|row| row[j]).sum::<f64>() / nf).collect();
        let tied: f64 = ranked.iter().map(|row| tie_term(row)).sum();
        let correction = 1.0 - tied / (nf * kf * (kf * kf - 1.0));
        if correction <= 0.0 {
            return refuse("scores", "different somewhere", "a tie of all methods in every block".into());
        }
        let squares: f64 = mean_ranks.iter().map(|r| r * r).sum();
        let raw = 12.0 * nf / (kf * (kf + 1.0)) * squares - 3.0 * nf * (kf + 1.0);
        let chi2 = (raw / correction).max(0.0);
        let rest = nf * (kf - 1.0) - chi2;
        let f = (rest > 1e-9 * nf * kf).then(|| (nf - 1.0) * chi2 / rest);
        let broken = |e: String| Error::InvalidConfig {
            what: "friedman",
            field: "degrees of freedom",
            expected: "> 0".into(),
            found: e,
        };
        let chi_square = ChiSquared::new(kf - 1.0).map_err(|e| broken(e.to_string()))?;
        let fisher = FisherSnedecor::new(kf - 1.0, (kf - 1.0) * (nf - 1.0)).map_err(|e| broken(e.to_string()))?;
        let chi2_p = chi_square.sf(chi2);
        Ok(Self { n, mean_ranks, chi2, chi2_p, f, f_p: f.map_or(0.0, |f| fisher.sf(f)) })
    }
}

/// `sum (t^3 - t)` over the groups of equal ranks in a row.
fn tie_term(row: &[f64]) -> f64 {
    let mut sorted = row.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "groups are small")]
    let term = |group: &[f64]| (group.len() as f64).powi(3) - group.len() as f64;
    #[expect(clippy::float_cmp, reason = "ranks are halves")]
    sorted.chunk_by(|a, b| a == b).map(term).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maximize(rows: &[[f64; 3]]) -> Vec<(Vec<f64>, Direction)> {
        rows.iter().map(|row| (row.to_vec(), Direction::Maximize)).collect()
    }

    #[test]
    fn by_hand() {
        // Ranks 1 2 3 / 1 3 2 / 1 2 3 / 2 1 3: means 1.25, 2, 2.75; chi2 = 12*4/12*(1.5625+4+7.5625) - 48 = 4.5
        let test = Friedman::new(&maximize(&[[3., 2., 1.], [3., 1., 2.], [3., 2., 1.], [2., 3., 1.]])).unwrap();
        assert_eq!((test.n, test.mean_ranks.as_slice()), (4, &[1.25, 2.0, 2.75][..]));
        assert!((test.chi2 - 4.5).abs() < 1e-12 && (test.f.unwrap() - 3.0 * 4.5 / 3.5).abs() < 1e-12, "{test:?}");
        // chi square with two degrees of freedom has the upper tail exp(-x/2).
        assert!((test.chi2_p - (-2.25f64).exp()).abs() < 1e-12);
    }

    #[test]
    fn blocks_may_improve_in_different_directions() {
        let blocks = vec![(vec![0.9, 0.8], Direction::Maximize), (vec![1.0, 7.0], Direction::Minimize)];
        let test = Friedman::new(&blocks).unwrap();
        assert_eq!(test.mean_ranks, [1.0, 2.0]);
        assert_eq!((test.f, test.f_p), (None, 0.0), "complete agreement");
    }

    #[test]
    fn what_cannot_be_tested_is_refused() {
        let e = |blocks: &[(Vec<f64>, Direction)]| Friedman::new(blocks).unwrap_err().to_string();
        let up = Direction::Maximize;
        assert_eq!(e(&[(vec![1.0, 2.0], up)]), "friedman: blocks must be at least 2, found 1");
        assert_eq!(e(&[(vec![1.0], up), (vec![1.0], up)]), "friedman: methods must be at least 2, found 1");
        assert!(e(&[(vec![1.0, 2.0], up), (vec![1.0], up)]).contains("the same in all blocks"));
        assert!(e(&[(vec![1.0, f64::NAN], up), (vec![1.0, 2.0], up)]).contains("finite"));
        assert!(e(&[(vec![1.0, 1.0], up), (vec![2.0, 2.0], up)]).contains("a tie of all"));
    }
}
