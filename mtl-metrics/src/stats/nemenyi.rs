//! Nemenyi's critical difference: how far apart two mean ranks must be to count as different.
//!
//! ```text
//! CD = q_alpha sqrt(k (k + 1) / (6 n))          q_alpha = quantile of the studentized range / sqrt(2)
//! ```
//!
//! Meant for all pairs of `k` methods over `n` blocks, after Friedman's test has found that they differ at all.
//!
//! **Reference**: P. B. Nemenyi, "Distribution-free multiple comparisons", PhD thesis, Princeton, 1963; J. Demsar, JMLR 7,
//! 2006, section 3.2.2.

use mtl_core::{Error, Result};

use super::StudentizedRange;

/// The critical difference for `k` methods in `n` blocks at error rate `alpha`.
///
/// ```
/// use mtl_metrics::stats::nemenyi_difference;
/// // Demsar's example: four classifiers, 14 data sets.
/// assert!((nemenyi_difference(4, 14, 0.05)? - 1.25).abs() < 0.005);
/// # Ok::<(), mtl_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidConfig`] for `k` outside 2..=1000, no block, or `alpha` outside (0, 1).
pub fn nemenyi_difference(k: usize, n: usize, alpha: f64) -> Result<f64> {
    if n == 0 {
        return Err(Error::InvalidConfig {
            what: "nemenyi",
            field: "blocks",
            expected: "at least 1".into(),
            found: "0".into(),
        });
    }
    let q = StudentizedRange::new(k)?.quantile(1.0 - alpha)? / std::f64::consts::SQRT_2;
    #[expect(clippy::cast_precision_loss, reason = "counts of methods and blocks")]
    let (k, n) = (k as f64, n as f64);
    Ok(q * (k * (k + 1.0) / (6.0 * n)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Friedman;
    use mtl_core::metric::Direction;

    /// Table 6 of Demsar 2006 by its ranks: C4.5, with m, with cf, with both, on 14 data sets.
    const RANKS: [[f64; 4]; 14] = [
        [4.0, 3.0, 2.0, 1.0],
        [1.0, 2.0, 3.0, 4.0],
        [4.0, 1.0, 2.0, 3.0],
        [4.0, 1.0, 3.0, 2.0],
        [4.0, 2.0, 3.0, 1.0],
        [1.0, 2.5, 4.0, 2.5],
        [3.0, 2.0, 4.0, 1.0],
        [2.5, 2.5, 4.0, 1.0],
        [4.0, 3.0, 2.0, 1.0],
        [2.5, 2.5, 2.5, 2.5],
        [4.0, 2.5, 1.0, 2.5],
        [3.0, 2.0, 4.0, 1.0],
        [4.0, 1.0, 2.0, 3.0],
        [3.0, 1.0, 4.0, 2.0],
    ];

    #[test]
    fn demsars_example() {
        let blocks: Vec<_> = RANKS.iter().map(|row| (row.to_vec(), Direction::Minimize)).collect();
        let test = Friedman::new(&blocks).unwrap();
        let rounded: Vec<String> = test.mean_ranks.iter().map(|r| format!("{r:.3}")).collect();
        assert_eq!(rounded, ["3.143", "2.000", "2.893", "1.964"]);
        // The paper has no correction for ties: 9.28 before it.
        let ties = 3.0 * 6.0 + 60.0; // three pairs (iris, lung, primary tumor), four alike (mushroom)
        let uncorrected = test.chi2 * (1.0 - ties / (14.0 * 4.0 * 15.0));
        assert!((uncorrected - 9.28).abs() < 0.005, "{uncorrected}");
        let cd = nemenyi_difference(4, 14, 0.05).unwrap();
        assert!((cd - 1.25).abs() < 0.005 && (nemenyi_difference(4, 14, 0.10).unwrap() - 1.12).abs() < 0.005);
    }

    #[test]
    fn out_of_range() {
        assert!(nemenyi_difference(1, 5, 0.05).is_err());
        assert!(nemenyi_difference(3, 0, 0.05).unwrap_err().to_string().contains("at least 1"));
        assert!(nemenyi_difference(3, 5, 0.0).is_err());
    }
}
