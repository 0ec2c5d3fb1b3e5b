//! The forms of what calibrates: maps of a probability to a probability.
//!
//! ```text
//! power    one of several   p_k^(1/T) / sum_j p_j^(1/T)          the softmax of logits over T: ln p is a logit
//!          yes/no           sigmoid((ln p - ln(1 - p)) / T)
//! line     straight lines between knots, constant beyond them; of one of several then divided by the sum
//! ```
//! Whoever applies a calibration elsewhere (the exported graph) knows these forms and no method.

use serde::{Deserialize, Serialize};

use crate::value::OrReason;

/// Probabilities are kept off 0 by this before a logarithm, and off 1 by [`FROM_ONE`]: what single precision tells from them.
pub const FROM_ZERO: f64 = f32::MIN_POSITIVE as f64;
/// See [`FROM_ZERO`].
pub const FROM_ONE: f64 = f32::EPSILON as f64 / 2.0;

/// A map of probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Curve {
    /// Logits over a temperature.
    Power {
        /// T, > 0; 1 changes nothing, more is less sure.
        temperature: f64,
    },
    /// Straight lines between knots.
    Line {
        /// Where the knots are: rising, in `[0, 1]`.
        xs: Vec<f64>,
        /// What they are mapped to: not falling, in `[0, 1]`.
        ys: Vec<f64>,
    },
}

impl Curve {
    /// Checks one that was read from a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> OrReason<()> {
        let fits = match self {
            Self::Power { temperature } => temperature.is_finite() && *temperature > 0.0,
            Self::Line { xs, ys } => {
                let unit = |all: &[f64]| all.iter().all(|x| (0.0..=1.0).contains(x));
                let rising = xs.windows(2).all(|pair| pair[0] < pair[1]);
                let steady = ys.windows(2).all(|pair| pair[0] <= pair[1]);
                !xs.is_empty() && xs.len() == ys.len() && unit(xs) && unit(ys) && rising && steady
            }
        };
        if fits { Ok(()) } else { Err(format!("no calibration: {self:?}")) }
    }

    /// The logit of yes that is divided by a temperature.
    #[must_use]
    pub fn logit(p: f64) -> f64 {
        let p = p.clamp(FROM_ZERO, 1.0 - FROM_ONE);
        p.ln() - (-p).ln_1p()
    }

    /// Of a probability of yes.
    #[must_use]
    pub fn of_yes(&self, p: f64) -> f64 {
        match self {
            Self::Power { temperature } => 1.0 / (1.0 + (-Self::logit(p) / temperature).exp()),
            Self::Line { xs, ys } => line(xs, ys, p),
        }
    }

    /// Of the probability of a choice, before all are divided by their sum; `top` is the largest of the sample, by which powers are
    /// divided so that none is lost.
    fn of_choice(&self, p: f64, top: f64) -> f64 {
        match self {
            Self::Power { temperature } => ((p.max(FROM_ZERO).ln() - top.max(FROM_ZERO).ln()) / temperature).exp(),
            Self::Line { xs, ys } => line(xs, ys, p),
        }
    }
}

/// The probabilities of the choices of a sample; one curve for all, or one each. All alike where nothing is left.
pub(super) fn of_choices(curves: &[Curve], probs: &mut [f64]) {
    let Some(first) = curves.first() else { return };
    let top = probs.iter().copied().fold(0.0, f64::max);
    for (at, p) in probs.iter_mut().enumerate() {
        *p = curves.get(at).unwrap_or(first).of_choice(*p, top);
    }
    let (sum, n) = (probs.iter().sum::<f64>(), probs.len() as f64);
    probs.iter_mut().for_each(|p| *p = if sum > 0.0 { *p / sum } else { 1.0 / n });
}

/// The probabilities of yes of a sample; one curve for all labels, or one each.
pub(super) fn of_labels(curves: &[Curve], probs: &mut [f64]) {
    let Some(first) = curves.first() else { return };
    for (at, p) in probs.iter_mut().enumerate() {
        *p = curves.get(at).unwrap_or(first).of_yes(*p);
    }
}

/// The line through knots at `x`.
fn line(xs: &[f64], ys: &[f64], x: f64) -> f64 {
    let above = xs.partition_point(|knot| *knot <= x);
    let knot = |list: &[f64], at: usize| list.get(at).copied().unwrap_or(f64::NAN);
    match above {
        0 => knot(ys, 0),
        n if n == xs.len() => knot(ys, n - 1),
        n => {
            let (low, high) = (knot(xs, n - 1), knot(xs, n));
            let (from, to) = (knot(ys, n - 1), knot(ys, n));
            from + (to - from) * ((x - low) / (high - low))
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "what is picked out, and small numbers, are exact")]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let square = Curve::Power { temperature: 0.5 };
        assert!((square.of_yes(0.75) - 0.9).abs() < 1e-15, "odds of 3 become 9");
        let mut probs = [0.5, 0.25, 0.25];
        of_choices(std::slice::from_ref(&square), &mut probs);
        assert!((probs[0] - 2.0 / 3.0).abs() < 1e-15 && (probs[1] - 1.0 / 6.0).abs() < 1e-15, "{probs:?}");
        let line = Curve::Line { xs: vec![0.2, 0.4, 0.8], ys: vec![0.0, 0.5, 0.5] };
        for (x, y) in [(0.0, 0.0), (0.2, 0.0), (0.3, 0.25), (0.4, 0.5), (0.5, 0.5), (1.0, 0.5)] {
            assert!((line.of_yes(x) - y).abs() < 1e-15, "{x}");
        }
        let mut probs = [0.1, 0.1, 0.1];
        of_choices(&[line], &mut probs);
        assert_eq!(probs, [1.0 / 3.0; 3], "nothing is left: all alike");
    }

    #[test]
    fn sure_answers_stay_finite() {
        let hot = Curve::Power { temperature: 2.0 };
        let mut probs = [1.0, 0.0, 0.0];
        of_choices(std::slice::from_ref(&hot), &mut probs);
        assert!(probs.iter().all(|p| p.is_finite()) && (probs.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(hot.of_yes(1.0) < 1.0 && hot.of_yes(0.0) > 0.0);
        assert!(Curve::Line { xs: vec![0.5, 0.5], ys: vec![0.0, 1.0] }.check().is_err());
        assert!(Curve::Power { temperature: 0.0 }.check().is_err());
    }
}
