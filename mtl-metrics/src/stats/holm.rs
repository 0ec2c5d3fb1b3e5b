//! Holm's correction: p-values of several tasks, adjusted so that the chance of *any* false claim stays bounded.
//!
//! ```text
//! p_(1) <= .. <= p_(m)  sorted          adjusted_(i) = max over j <= i of min(1, (m - j + 1) p_(j))
//! ```
//!
//! A test at 0.05 on each of 20 tasks finds one difference where there is none. Claiming those tasks whose adjusted value
//! is at most `alpha` makes one or more false claims with probability `alpha` at most, however the tests depend on each
//! other. Never weaker than Bonferroni's `m p`.
//!
//! Tasks whose p-value is undefined were not tested: leave them out, they are no part of `m`.
//!
//! **Reference**: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6,
//! 1979; equal to statsmodels `multipletests(method="holm")`.
//! **Differs from** statsmodels in refusing NaN and values outside [0, 1].

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use super::normal::check_level;
use crate::refusal::check_each;

/// Adjusted p-values.
///
/// ```
/// use mtl_metrics::stats::Holm;
/// let holm = Holm::new(&[0.01, 0.04, 0.03])?;
/// assert_eq!(holm.adjusted, [0.03, 0.06, 0.06]);
/// assert_eq!(holm.claims(0.05)?, [true, false, false]);
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holm {
    /// The adjusted p-values, in [0, 1], in the order of the tests as given; none for no tests.
    pub adjusted: Vec<f64>,
}

impl Holm {
    /// Adjusts the p-values of a family of tests.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a value outside [0, 1].
    pub fn new(p_values: &[f64]) -> Result<Self> {
        check_each("holm", "p-values", "in [0, 1]", p_values, |p| (0.0..=1.0).contains(&p))?;
        let mut order: Vec<(usize, f64)> = p_values.iter().copied().enumerate().collect();
        order.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (mut adjusted, mut largest) = (vec![0.0; p_values.len()], 0.0_f64);
        for (before, (idx, p)) in order.into_iter().enumerate() {
            largest = largest.max(p * (p_values.len() - before) as f64).min(1.0);
            adjusted[idx] = largest;
        }
        Ok(Self { adjusted })
    }

    /// For which tests a difference may be claimed, in the order as given, with a chance of at most `alpha` that any claim
    /// is false.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for `alpha` outside (0, 1).
    pub fn claims(&self, alpha: f64) -> Result<Vec<bool>> {
        check_level("holm", alpha)?;
        Ok(self.adjusted.iter().map(|p| *p <= alpha).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_order_and_the_cap() {
        // Sorted 0.01 x 4, 0.01 x 3, 0.3 x 2, 0.9 x 1: the second is lifted to the first, the last is not capped.
        let holm = Holm::new(&[0.3, 0.01, 0.9, 0.01]).unwrap();
        assert_eq!(holm.adjusted, [0.6, 0.04, 0.9, 0.04]);
        assert_eq!(Holm::new(&[0.6, 0.7]).unwrap().adjusted, [1.0, 1.0]);
        assert_eq!(Holm::new(&[0.2]).unwrap().adjusted, [0.2]);
        assert!(Holm::new(&[]).unwrap().adjusted.is_empty());
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        let e = |p: &[f64]| Holm::new(p).unwrap_err().to_string();
        assert_eq!(e(&[0.5, f64::NAN]), "holm: p-values must be in [0, 1], found NaN at position 1");
        assert!(e(&[1.5]).contains("1.5 at position 0") && e(&[-0.1]).contains("-0.1"));
        let e = Holm::new(&[0.5]).unwrap().claims(0.0).unwrap_err().to_string();
        assert_eq!(e, "holm: level must be in (0, 1), found 0");
    }
}
