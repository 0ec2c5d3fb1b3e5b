//! The standard normal distribution, accurate in both tails.
//!
//! ```text
//! Phi(z) = erfc(-z / sqrt 2) / 2
//! ```
//!
//! `erfc` is that of `libm`, off by less than a unit in the last place, so `Phi` is off by about `z^2` of them, relatively;
//! the one of `statrs` is off by 1e-11. Quantiles are `statrs`' with one step of Newton on top, in the lower half, where
//! `Phi` keeps its digits.

use mtl_core::Result;
use statrs::function::erf::erfc_inv;

use crate::refusal::refuse;

/// The probability of at most `z`.
pub(super) fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The `z` with `cdf(z) = p`; infinite for `p` outside (0, 1).
pub(super) fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p); // exact: 1 - p has no rounding here
    }
    let z = -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p);
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    if density > 0.0 { z - (cdf(z) - p) / density } else { z }
}

/// Nothing, for the level of an interval in (0, 1).
///
/// # Errors
/// [`mtl_core::Error::InvalidConfig`] for any other.
pub(super) fn check_level(what: &'static str, level: f64) -> Result<()> {
    if level > 0.0 && level < 1.0 { Ok(()) } else { Err(refuse(what, "level", "in (0, 1)", level.to_string())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // From tables to 20 digits.
        for (z, below) in [(0.0, 0.5), (1.0, 0.841_344_746_068_542_9), (-3.0, 0.001_349_898_031_630_094_6)] {
            assert!((cdf(z) - below).abs() <= (1.0 + z * z) * 2e-16 * below, "{z}");
        }
        for (p, z) in [(0.975, 1.959_963_984_540_054_3), (0.001, -3.090_232_306_167_813_6), (0.5, 0.0)] {
            assert!((quantile(p) - z).abs() < 1e-14, "{p}: {}", quantile(p));
        }
        assert!((quantile(1e-300) + 37.047_1).abs() < 1e-4);
        assert!(quantile(0.0).is_infinite() && quantile(1.0) > 1e300);
    }

    #[test]
    fn quantile_and_cdf_are_inverse() {
        for step in 1..1000 {
            let p = f64::from(step) / 1000.0;
            assert!((cdf(quantile(p)) - p).abs() < 1e-15, "{p}");
        }
        assert!(check_level("x", f64::NAN).is_err() && check_level("x", 1.0).is_err() && check_level("x", 0.5).is_ok());
    }
}
