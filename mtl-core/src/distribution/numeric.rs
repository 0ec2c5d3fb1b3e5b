//! Special functions that the families share.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use statrs::function::erf::erfc_inv;

/// The normal distribution function at `z`.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The normal density at `z`.
pub(super) fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The normal quantile of `level` in `(0, 1)`.
///
/// Taken in the lower half, where levels near 0 keep their digits, with one step of Newton on the library's approximation.
#[must_use]
pub fn normal_quantile(level: f64) -> f64 {
    let tail = level.min(1.0 - level);
    let start = -SQRT_2 * erfc_inv(2.0 * tail);
    let density = normal_density(start);
    let below = if density > 0.0 { start - (normal_cdf(start) - tail) / density } else { start };
    if level < 0.5 { below } else { -below }
}

/// From here on Stirling's series below is exact to the last digit.
const LARGE: f64 = 30.0;
/// Steps of the continued fraction: it takes some square roots of the larger parameter, and counts are below 10^10.
const MOST_STEPS: u32 = 500_000;

/// `log G(a + b) - log G(a)` for `a > 0`, `b >= 0`, of which little is left where `a` is large.
pub(super) fn log_gamma_step(a: f64, b: f64) -> f64 {
    if a < LARGE {
        return libm::lgamma(a + b) - libm::lgamma(a);
    }
    let correction = |x: f64| {
        let square = x * x;
        (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square) / x
    };
    (a - 0.5) * (b / a).ln_1p() + b * (a + b).ln() - b + correction(a + b) - correction(a)
}

/// `log B(a, b)`.
pub(super) fn log_beta(a: f64, b: f64) -> f64 {
    let (small, large) = (a.min(b), a.max(b));
    libm::lgamma(small) - log_gamma_step(large, small)
}

/// `I_x(a, b)`, the regularized incomplete beta function, by its continued fraction (Lentz's way), for parameters of any size.
///
/// **Reference** NIST Digital Library of Mathematical Functions, 8.17.22. **Differs from** `statrs`, which stops after 140 steps: too few
/// for counts in the tens of thousands.
pub(super) fn beta_share(a: f64, b: f64, x: f64) -> f64 {
    if !(x > 0.0 && x < 1.0) {
        return if x.is_nan() { f64::NAN } else { f64::from(u8::from(x > 0.0)) };
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_share_below(b, a, 1.0 - x, x);
    }
    beta_share_below(a, b, x, 1.0 - x)
}

/// The same where the fraction converges fast; `rest` is `1 - x`.
fn beta_share_below(a: f64, b: f64, x: f64, rest: f64) -> f64 {
    let away = |d: f64| if d.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { d };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..MOST_STEPS {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            fraction *= c * d;
        }
        if (fraction - before).abs() <= 1e-16 * fraction.abs() {
            break;
        }
    }
    (a * x.ln() + b * rest.ln() - log_beta(a, b)).exp() * fraction / a
}

/// The smallest whole number of which `cdf` is at least `level`: a bracket by doubling, then bisection. `near` is where to look first.
pub(super) fn whole_quantile(near: f64, level: f64, cdf: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-1.0, near.floor().max(1.0));
    while cdf(high) < level && high < LARGEST_COUNT {
        (low, high) = (high, 2.0 * high);
    }
    while high - low > 1.0 {
        let middle = ((low + high) / 2.0).floor();
        if cdf(middle) >= level {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// Counts beyond this are not whole numbers of `f64` any more.
const LARGEST_COUNT: f64 = 9e15;
/// Halvings of the step of [`half_turn_mean`]: 2^20 points, for a peak as narrow as counts of 10^10 make it.
const MOST_HALVINGS: u32 = 20;

/// The mean of `f` over angles `[0, pi]`, for a function of the cosine alone: the trapezoidal rule, which of such functions is exact
/// but for an error that falls exponentially with the number of points; halved until nothing changes.
pub(super) fn half_turn_mean(f: impl Fn(f64) -> f64) -> f64 {
    let pi = std::f64::consts::PI;
    let mut points = 8_u32;
    let inner: f64 = (1..points).map(|j| f(pi * f64::from(j) / f64::from(points))).sum();
    let mut sum = (f(0.0) + f(pi)) / 2.0 + inner;
    for _ in 3..MOST_HALVINGS {
        let step = pi / f64::from(points);
        let between: f64 = (0..points).map(|j| f(step * (f64::from(j) + 0.5))).sum();
        let (coarse, fine) = (sum / f64::from(points), (sum + between) / f64::from(2 * points));
        sum += between;
        points *= 2;
        if (fine - coarse).abs() <= 1e-14 * fine.abs() {
            break;
        }
    }
    sum / f64::from(points)
}

/// The trainable numbers' way to those above 0: `softplus(x + start) + floor`, with `start` so that 0 gives about `at_zero`.
#[cfg(feature = "torch")]
pub(super) fn positive(raw: &tch::Tensor, at_zero: f64, floor: f64) -> Result<tch::Tensor, tch::TchError> {
    raw.f_add_scalar(at_zero.exp_m1().ln())?.f_softplus()?.f_add_scalar(floor)
}
