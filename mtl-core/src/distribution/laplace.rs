//! The Laplace distribution: errors of which some are far off; the likelihood of absolute errors.
//!
//! ```text
//! log f = - |z| - log 2 s,   z = (y - m) / s                                       location m, scale s > 0
//! CRPS  = s (|z| + exp(-|z|) - 3/4)
//! links:  m = x_0,   s = softplus(x_1 + log(exp(1 / sqrt 2) - 1)) + 1e-3           at 0 of deviation 1
//! ```

use std::f64::consts::LN_2;

#[cfg(feature = "torch")]
use tch::{TchError, Tensor};

use super::{Density, Role, Support, gaussian::not_finite_or_narrow};

/// Any numbers, some far off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Laplace;

impl Density for Laplace {
    fn parameters(&self) -> &'static [(&'static str, Role)] {
        &[("location", Role::Place), ("scale", Role::Distance)]
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
        -((y - p[0]) / p[1]).abs() - p[1].ln() - LN_2
    }

    fn cdf(&self, p: &[f64], y: f64) -> f64 {
        let z = (y - p[0]) / p[1];
        if z < 0.0 { 0.5 * z.exp() } else { 1.0 - 0.5 * (-z).exp() }
    }

    fn quantile(&self, p: &[f64], level: f64) -> f64 {
        let z = if level < 0.5 { (2.0 * level).ln() } else { -(2.0 * (1.0 - level)).ln() };
        p[0] + p[1] * z
    }

    fn crps(&self, p: &[f64], y: f64) -> f64 {
        let z = ((y - p[0]) / p[1]).abs();
        p[1] * (z + (-z).exp() - 0.75)
    }

    #[cfg(feature = "torch")]
    fn linked(&self, raw: &[Tensor]) -> Result<Vec<Tensor>, TchError> {
        let scale =
            super::numeric::positive(&raw[1], std::f64::consts::FRAC_1_SQRT_2, super::gaussian::SMALLEST_SCALE)?;
        Ok(vec![raw[0].shallow_clone(), scale])
    }

    #[cfg(feature = "torch")]
    fn log_likelihood(&self, p: &[Tensor], ys: &Tensor) -> Result<Tensor, TchError> {
        let z = ys.f_sub(&p[0])?.f_div(&p[1])?.f_abs()?;
        z.f_add(&p[1].f_log()?)?.f_neg()?.f_sub_scalar(LN_2)
    }
}
