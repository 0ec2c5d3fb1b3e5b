//! The normal distribution.
//!
//! ```text
//! log f = - z^2 / 2 - log s - log(2 pi) / 2,   z = (y - m) / s                     mean m, deviation s > 0
//! CRPS  = s (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))
//! links:  m = x_0,   s = softplus(x_1 + log(e - 1)) + 1e-3
//! ```
//! The floor keeps a deviation of labels learned by heart from turning the likelihood into a race to infinity; it is a thousandth of
//! the labels' own deviation, in which the head's numbers are.

use std::f64::consts::PI;

#[cfg(feature = "torch")]
use tch::{TchError, Tensor};

use super::{
    Density, Role, Support,
    numeric::{normal_cdf, normal_density, normal_quantile},
};

/// Any numbers, errors of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gaussian;

/// The smallest distance parameter, in units of the labels' deviation.
#[cfg(feature = "torch")]
pub(super) const SMALLEST_SCALE: f64 = 1e-3;

/// What a family with a place and a distance refuses: `distance` is the position of the latter.
pub(super) fn not_finite_or_narrow(p: &[f64], distance: usize) -> Option<(usize, &'static str)> {
    let bad = |(at, x): (usize, &f64)| match (x.is_finite(), at == distance) {
        (false, _) => Some((at, "finite")),
        (true, true) if *x <= 0.0 => Some((at, "> 0")),
        (true, _) => None,
    };
    p.iter().enumerate().find_map(bad)
}

impl Density for Gaussian {
    fn parameters(&self) -> &'static [(&'static str, Role)] {
        &[("mean", Role::Place), ("deviation", Role::Distance)]
    }

    fn support(&self) -> Support {
        Support::Real
    }

    fn refused(&self, p: &[f64]) -> Option<(usize, &'static str)> {
        not_finite_or_narrow(p, 1)
    }

    fn mean(&self, p: &[f64]) -> f64 {
        p[0]
    }

    fn log_density(&self, p: &[f64], y: f64) -> f64 {
        let z = (y - p[0]) / p[1];
        -0.5 * z * z - p[1].ln() - 0.5 * (2.0 * PI).ln()
    }

    fn cdf(&self, p: &[f64], y: f64) -> f64 {
        normal_cdf((y - p[0]) / p[1])
    }

    fn quantile(&self, p: &[f64], level: f64) -> f64 {
        p[0] + p[1] * normal_quantile(level)
    }

    fn crps(&self, p: &[f64], y: f64) -> f64 {
        let z = (y - p[0]) / p[1];
        let score = z * libm::erf(z * std::f64::consts::FRAC_1_SQRT_2) + 2.0 * normal_density(z) - 1.0 / PI.sqrt();
        (p[1] * score).max(0.0)
    }

    #[cfg(feature = "torch")]
    fn linked(&self, raw: &[Tensor]) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![raw[0].shallow_clone(), super::numeric::positive(&raw[1], 1.0, SMALLEST_SCALE)?])
    }

    #[cfg(feature = "torch")]
    fn log_likelihood(&self, p: &[Tensor], ys: &Tensor) -> Result<Tensor, TchError> {
        let z = ys.f_sub(&p[0])?.f_div(&p[1])?;
        z.f_square()?.f_mul_scalar(-0.5)?.f_sub(&p[1].f_log()?)?.f_sub_scalar(0.5 * (2.0 * PI).ln())
    }
}
