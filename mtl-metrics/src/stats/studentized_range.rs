//! The studentized range with infinitely many degrees of freedom: how far apart `k` standard normal variables lie.
//!
//! ```text
//! P(max - min <= q) = k int phi(z) [Phi(z) - Phi(z - q)]^(k - 1) dz
//! ```
//!
//! The integrand is smooth and dies out like `phi`, so the trapezoidal rule on an even grid is exact to rounding (its error
//! falls faster than any power of the step). The quantile is found by bisection.
//!
//! **Reference**: H. L. Harter, "Tables of range and studentized range", Annals of Mathematical Statistics 31, 1960; its
//! quantiles over the square root of 2 are table 5(a) of Demsar, JMLR 7, 2006.

use mtl_core::{Error, Result};
use statrs::function::erf::erfc;

/// The range of `k` standard normal variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StudentizedRange {
    k: u32,
}

/// Beyond it the normal density is below 1e-17.
const REACH: f64 = 9.0;
const STEPS: u32 = 720;

impl StudentizedRange {
    /// The distribution for `k` variables.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for fewer than 2, or more than 1000.
    pub fn new(k: usize) -> Result<Self> {
        match u32::try_from(k) {
            Ok(k @ 2..=1000) => Ok(Self { k }),
            _ => Err(Error::InvalidConfig {
                what: "studentized range",
                field: "k",
                expected: "in 2..=1000".into(),
                found: k.to_string(),
            }),
        }
    }

    /// The probability of a range of at most `q`.
    #[must_use]
    pub fn cdf(&self, q: f64) -> f64 {
        if q <= 0.0 {
            return 0.0;
        }
        let step = 2.0 * REACH / f64::from(STEPS);
        let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        let power = i32::try_from(self.k - 1).unwrap_or(i32::MAX);
        let at = |i: u32| {
            let z = step.mul_add(f64::from(i), -REACH);
            density(z) * (phi(z) - phi(z - q)).powi(power)
        };
        (f64::from(self.k) * step * (0..=STEPS).map(at).sum::<f64>()).min(1.0)
    }

    /// The `q` with `cdf(q) = p`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] unless `p` is in (0, 1).
    pub fn quantile(&self, p: f64) -> Result<f64> {
        if !(p > 0.0 && p < 1.0) {
            return Err(Error::InvalidConfig {
                what: "studentized range",
                field: "p",
                expected: "in (0, 1)".into(),
                found: p.to_string(),
            });
        }
        let (mut low, mut high) = (0.0, 2.0 * REACH);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.cdf(middle) < p { low = middle } else { high = middle }
        }
        Ok(0.5 * (low + high))
    }
}

/// The normal distribution function.
fn phi(z: f64) -> f64 {
    0.5 * erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_variables_have_a_closed_form() {
        // max - min of two is |N(0, 2)|: P = 2 Phi(q / sqrt 2) - 1
        let range = StudentizedRange::new(2).unwrap();
        for q in [0.1, 1.0, 2.7718, 5.0] {
            let exact = 2.0 * phi(q / 2f64.sqrt()) - 1.0;
            // What is left is the error of erfc, which enters both sides differently.
            assert!((range.cdf(q) - exact).abs() < 1e-10, "{q}: {} against {exact}", range.cdf(q));
        }
        assert!(range.cdf(-1.0).abs() < 1e-300);
    }

    #[test]
    fn demsars_table_of_q() {
        // Table 5(a): q at 0.05 and 0.10 for 2..=10 classifiers.
        let five = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164];
        let ten = [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920];
        for (idx, (five, ten)) in five.iter().zip(ten).enumerate() {
            let range = StudentizedRange::new(idx + 2).unwrap();
            for (alpha, table) in [(0.05, *five), (0.10, ten)] {
                let q = range.quantile(1.0 - alpha).unwrap() / 2f64.sqrt();
                assert!((q - table).abs() < 1.1e-3, "k = {}, alpha = {alpha}: {q} against {table}", idx + 2);
            }
        }
    }

    #[test]
    fn out_of_range() {
        assert!(StudentizedRange::new(1).unwrap_err().to_string().contains("2..=1000"));
        assert!(StudentizedRange::new(3).unwrap().quantile(1.0).is_err());
    }
}
