//! The Poisson distribution: counts whose variance is their mean.
//!
//! ```text
//! log f = y log l - l - log y!                                                     mean l > 0, counts y
//! F     = Q(y + 1, l)                              the upper regularized incomplete gamma function
//! CRPS  = (y - l) (2 F(y) - 1) + 2 l f(y) - l e^(-2 l) (I_0(2 l) + I_1(2 l))
//! e^(-x) (I_0(x) + I_1(x)) = 1/pi integral_0^pi e^(x (cos a - 1)) (1 + cos a) da
//! links:  l = softplus(x_0 + log(e - 1)) + 1e-6                                    at 0: 1
//! ```

use libm::lgamma;
use statrs::function::gamma::checked_gamma_ur;
#[cfg(feature = "torch")]
use tch::{TchError, Tensor};

use super::{
    Density, Role, Support,
    numeric::{half_turn_mean, whole_quantile},
};

/// Counts whose variance is their mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poisson;

/// The smallest mean and the smallest dispersion.
#[cfg(feature = "torch")]
pub(super) const SMALLEST: f64 = 1e-6;

/// What a family of counts refuses: all of its parameters are above 0.
pub(super) fn not_positive(p: &[f64]) -> Option<(usize, &'static str)> {
    p.iter().position(|x| !(x.is_finite() && *x > 0.0)).map(|at| (at, "finite and > 0"))
}

impl Density for Poisson {
    fn parameters(&self) -> &'static [(&'static str, Role)] {
        &[("mean", Role::Distance)]
    }

    fn support(&self) -> Support {
        Support::Counts
    }

    fn refused(&self, p: &[f64]) -> Option<(usize, &'static str)> {
        not_positive(p)
    }

    fn mean(&self, p: &[f64]) -> f64 {
        p[0]
    }

    fn log_density(&self, p: &[f64], y: f64) -> f64 {
        match Support::Counts.holds(y) {
            true => y * p[0].ln() - p[0] - lgamma(y + 1.0),
            false => f64::NEG_INFINITY,
        }
    }

    fn cdf(&self, p: &[f64], y: f64) -> f64 {
        if y < 0.0 { 0.0 } else { checked_gamma_ur(y.floor() + 1.0, p[0]).unwrap_or(f64::NAN) }
    }

    fn quantile(&self, p: &[f64], level: f64) -> f64 {
        whole_quantile(p[0], level, |y| self.cdf(p, y))
    }

    fn crps(&self, p: &[f64], y: f64) -> f64 {
        let (mean, whole) = (p[0], y.floor());
        let apart = half_turn_mean(|a| (2.0 * mean * (a.cos() - 1.0)).exp() * (1.0 + a.cos()));
        let density = if whole < 0.0 { 0.0 } else { self.log_density(p, whole).exp() };
        ((y - mean) * (2.0 * self.cdf(p, y) - 1.0) + 2.0 * mean * density - mean * apart).max(0.0)
    }

    #[cfg(feature = "torch")]
    fn linked(&self, raw: &[Tensor]) -> Result<Vec<Tensor>, TchError> {
        Ok(vec![super::numeric::positive(&raw[0], 1.0, SMALLEST)?])
    }

    #[cfg(feature = "torch")]
    fn log_likelihood(&self, p: &[Tensor], ys: &Tensor) -> Result<Tensor, TchError> {
        ys.f_mul(&p[0].f_log()?)?.f_sub(&p[0])?.f_sub(&ys.f_add_scalar(1.0)?.f_lgamma()?)
    }
}
