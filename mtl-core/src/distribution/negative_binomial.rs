//! The negative binomial distribution: counts that scatter more than a Poisson's.
//!
//! ```text
//! variance = m + a m^2                                                             mean m > 0, dispersion a > 0
//! n = 1 / a,  p = 1 / (1 + a m)                                                    SciPy's nbinom(n, p)
//! log f = log G(n + y) - log G(n) - log y! + n log p + y log(1 - p)                G the gamma function
//! F_n   = I_p(n, floor(y) + 1)
//! CRPS  = y (2 F_n(y) - 1) + m (1 - 2 F_(n+1)(y - 1)) - m / (2 - p) 2F1(1 - n, 1/2; 2; w),   w = 4 (1 - p) / (2 - p)^2
//! 2F1(1 - n, 1/2; 2; w) = 2/pi integral_0^(pi/2) 2 cos^2 a (1 - w sin^2 a)^(n - 1) da
//! links:  m = softplus(x_0 + log(e - 1)) + 1e-6,   a = softplus(x_1) + 1e-6
//! ```
//! With dispersion 0 it is Poisson's. The last term of the CRPS is half the mean distance of two counts: the published form of it has
//! an argument below -1, brought into (0, 1) by Pfaff's transformation.

use libm::lgamma;
#[cfg(feature = "torch")]
use tch::{TchError, Tensor};

use super::{
    Density, Role, Support,
    numeric::{beta_share, half_turn_mean, log_gamma_step, whole_quantile},
    poisson::not_positive,
};

/// Counts that scatter more than their mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NegativeBinomial;

/// The probability of at most `y`, of `n` and `p` as SciPy has them.
fn cdf(n: f64, p: f64, y: f64) -> f64 {
    if y < 0.0 { 0.0 } else { beta_share(n, y.floor() + 1.0, p) }
}

fn n_and_p(p: &[f64]) -> (f64, f64) {
    (1.0 / p[1], 1.0 / (1.0 + p[1] * p[0]))
}

impl Density for NegativeBinomial {
    fn parameters(&self) -> &'static [(&'static str, Role)] {
        &[("mean", Role::Distance), ("dispersion", Role::Shape)]
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
        if !Support::Counts.holds(y) {
            return f64::NEG_INFINITY;
        }
        let (n, odds) = (1.0 / p[1], p[1] * p[0]);
        let log_p = -odds.ln_1p();
        log_gamma_step(n, y) - lgamma(y + 1.0) + n * log_p + y * (odds.ln() + log_p)
    }

    fn cdf(&self, p: &[f64], y: f64) -> f64 {
        let (n, share) = n_and_p(p);
        cdf(n, share, y)
    }

    fn quantile(&self, p: &[f64], level: f64) -> f64 {
        whole_quantile(p[0], level, |y| self.cdf(p, y))
    }

    fn crps(&self, p: &[f64], y: f64) -> f64 {
        let (mean, (n, share)) = (p[0], n_and_p(p));
        // 1 - w = r^2, taken in the form in which no digits are lost at either end.
        let r = share / (2.0 - share);
        let log_base = |sine: f64, cosine: f64| match sine < 0.5 {
            true => (-(1.0 - r) * (1.0 + r) * sine).ln_1p(),
            false => (cosine + r * r * sine).ln(),
        };
        // Of the double angle both squares are functions of the cosine alone.
        let series = half_turn_mean(|b| {
            let (sine, cosine) = ((1.0 - b.cos()) / 2.0, (1.0 + b.cos()) / 2.0);
            2.0 * cosine * ((n - 1.0) * log_base(sine, cosine)).exp()
        });
        let centered = y * (2.0 * cdf(n, share, y) - 1.0) + mean * (1.0 - 2.0 * cdf(n + 1.0, share, y - 1.0));
        (centered - mean / (2.0 - share) * series).max(0.0)
    }

    #[cfg(feature = "torch")]
    fn linked(&self, raw: &[Tensor]) -> Result<Vec<Tensor>, TchError> {
        use super::{numeric::positive, poisson::SMALLEST};
        Ok(vec![positive(&raw[0], 1.0, SMALLEST)?, positive(&raw[1], std::f64::consts::LN_2, SMALLEST)?])
    }

    #[cfg(feature = "torch")]
    fn log_likelihood(&self, p: &[Tensor], ys: &Tensor) -> Result<Tensor, TchError> {
        let (n, odds) = (p[1].f_reciprocal()?, p[0].f_mul(&p[1])?);
        let log_p = odds.f_log1p()?.f_neg()?;
        let choices = n.f_add(ys)?.f_lgamma()?.f_sub(&n.f_lgamma()?)?.f_sub(&ys.f_add_scalar(1.0)?.f_lgamma()?)?;
        choices.f_add(&n.f_mul(&log_p)?)?.f_add(&ys.f_mul(&odds.f_log()?.f_add(&log_p)?)?)
    }
}
