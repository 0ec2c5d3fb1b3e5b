//! Student's distribution: errors with outliers, which cost their logarithm and not their square.
//!
//! ```text
//! log f = - (v + 1)/2 log(1 + z^2 / v) - log s - log(v)/2 - log B(1/2, v/2),   z = (y - m) / s
//! F     = I_x(v/2, 1/2) / 2 for z < 0,   x = v / (v + z^2)
//! CRPS  = s (z (2 F(z) - 1) + 2 f(z) (v + z^2) / (v - 1) - 2 sqrt(v) / (v - 1) B(1/2, v - 1/2) / B(1/2, v/2)^2)
//! links:  m = x_0,   s = softplus(x_1 + ..) + 1e-3,   v = 2 + softplus(x_2 + log(e^4 - 1))      at 0: deviation 1 and v = 6
//! ```
//! Degrees of freedom `v` above 2: mean, variance and CRPS exist for whatever the network says.

use std::f64::consts::PI;

#[cfg(feature = "torch")]
use tch::{TchError, Tensor};

use super::{
    Density, Role, Support,
    gaussian::not_finite_or_narrow,
    numeric::{beta_share, log_beta},
};

/// Any numbers, outliers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StudentT;

/// From here on it is the normal distribution, but for less than `f64` tells.
const NORMAL: f64 = 1e10;

fn standard_log_density(v: f64, z: f64) -> f64 {
    let power = if v < NORMAL { 0.5 * (v + 1.0) * (z * z / v).ln_1p() } else { 0.5 * z * z };
    let constant = if v < NORMAL { 0.5 * v.ln() + log_beta(0.5, 0.5 * v) } else { 0.5 * (2.0 * PI).ln() };
    -power - constant
}

/// The probability of at most `-|z|`.
fn tail(v: f64, z: f64) -> f64 {
    if v >= NORMAL {
        return super::numeric::normal_cdf(-z.abs());
    }
    // Each form where its argument is not rounded to 1.
    let square = z * z;
    match square < v {
        true => 0.5 * (1.0 - beta_share(0.5, 0.5 * v, square / (v + square))),
        false => 0.5 * beta_share(0.5 * v, 0.5, v / (v + square)),
    }
}

impl Density for StudentT {
    fn parameters(&self) -> &'static [(&'static str, Role)] {
        &[("location", Role::Place), ("scale", Role::Distance), ("freedom", Role::Shape)]
    }

    fn support(&self) -> Support {
        Support::Real
    }

    fn refused(&self, p: &[f64]) -> Option<(usize, &'static str)> {
        match p.get(2) {
            Some(v) if *v <= 1.0 => Some((2, "> 1, so that there is a mean")),
            _ => not_finite_or_narrow(p, 1),
        }
    }

    fn mean(&self, p: &[f64]) -> f64 {
        p[0]
    }

    fn log_density(&self, p: &[f64], y: f64) -> f64 {
        standard_log_density(p[2], (y - p[0]) / p[1]) - p[1].ln()
    }

    fn cdf(&self, p: &[f64], y: f64) -> f64 {
        let z = (y - p[0]) / p[1];
        let tail = tail(p[2], z);
        if z < 0.0 { tail } else { 1.0 - tail }
    }

    /// Newton's steps in the lower half, halving a bracket where they leave it.
    fn quantile(&self, p: &[f64], level: f64) -> f64 {
        let (v, lower) = (p[2], level.min(1.0 - level));
        let (mut low, mut high) = (-1.0, 0.0);
        while tail(v, low) > lower && low > f64::MIN {
            (low, high) = (2.0 * low, low);
        }
        let mut z = low;
        for _ in 0..200 {
            let excess = tail(v, z) - lower;
            if excess > 0.0 {
                high = z;
            } else {
                low = z;
            }
            let step = z - excess / standard_log_density(v, z).exp();
            let next = if step > low && step < high { step } else { f64::midpoint(low, high) };
            let moved = (next - z).abs();
            z = next;
            if moved <= 1e-15 * z.abs() {
                break;
            }
        }
        p[0] + p[1] * if level < 0.5 { z } else { -z }
    }

    fn crps(&self, p: &[f64], y: f64) -> f64 {
        let (v, z) = (p[2], (y - p[0]) / p[1]);
        let (centered, density) = (1.0 - 2.0 * tail(v, z), standard_log_density(v, z).exp());
        let spread = match v < NORMAL {
            true => 2.0 * v.sqrt() / (v - 1.0) * (log_beta(0.5, v - 0.5) - 2.0 * log_beta(0.5, 0.5 * v)).exp(),
            false => 1.0 / PI.sqrt(),
        };
        let score = z.abs() * centered + 2.0 * density * (v + z * z) / (v - 1.0) - spread;
        (p[1] * score).max(0.0)
    }

    #[cfg(feature = "torch")]
    fn linked(&self, raw: &[Tensor]) -> Result<Vec<Tensor>, TchError> {
        use super::numeric::positive;
        let freedom = positive(&raw[2], FREEDOM - 2.0, 2.0)?;
        let scale = ((FREEDOM - 2.0) / FREEDOM).sqrt();
        Ok(vec![raw[0].shallow_clone(), positive(&raw[1], scale, super::gaussian::SMALLEST_SCALE)?, freedom])
    }

    #[cfg(feature = "torch")]
    fn log_likelihood(&self, p: &[Tensor], ys: &Tensor) -> Result<Tensor, TchError> {
        let (v, scale) = (&p[2], &p[1]);
        let z = ys.f_sub(&p[0])?.f_div(scale)?;
        let power = z.f_square()?.f_div(v)?.f_log1p()?.f_mul(&v.f_add_scalar(1.0)?.f_mul_scalar(0.5)?)?;
        let half = v.f_mul_scalar(0.5)?;
        let gammas = half.f_add_scalar(0.5)?.f_lgamma()?.f_sub(&half.f_lgamma()?)?;
        let root = v.f_mul_scalar(PI)?.f_log()?.f_mul_scalar(0.5)?;
        gammas.f_sub(&root)?.f_sub(&scale.f_log()?)?.f_sub(&power)
    }
}

/// Degrees of freedom when training starts: tails heavier than normal ones, and a variance.
#[cfg(feature = "torch")]
const FREEDOM: f64 = 6.0;
