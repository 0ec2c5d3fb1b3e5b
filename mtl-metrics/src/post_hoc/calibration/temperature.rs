//! Temperature scaling: all logits divided by one number, so that answers are less (or more) sure and their order stays.
//!
//! ```text
//! q(T) = softmax(z / T)  or  sigmoid(z / T)          T* = argmin_T  - sum_i w_i log q(T)_{i, y_i}
//! ```
//! In `b = 1 / T` the loss is convex: its derivative `sum_i w_i (E_q[z_i] - z_{i, y_i})` rises, its second is
//! `sum_i w_i Var_q[z_i]`. Newton's steps on the derivative, each within the bracket that is known and a bisection where it would leave
//! it, until `b` stands still; sums without rounding, so that samples of weight 2 are samples that come twice, to the bit.
//!
//! Where validation has no answer that is wrong (or none that is right) the best temperature is no number: `T` stays within
//! `[1/50, 50]`, and at an end of it the page says so.
//!
//! **Reference** C. Guo, G. Pleiss, Y. Sun, K. Weinberger, *On Calibration of Modern Neural Networks*, ICML 2017, equation 9; Platt scaling
//! without its intercept for yes/no labels.
//! **Differs from** Guo et al. in the solver alone (L-BFGS there); scikit-learn's `CalibratedClassifierCV(method="temperature")` has the same
//! minimum.

use serde::{Deserialize, Serialize};

use super::{CalibrationPart, curve::Curve};
use crate::{
    ExactSum,
    post_hoc::evidence::{Choices, Question},
    value::OrReason,
};

/// The lowest and the highest temperature.
pub const RANGE: [f64; 2] = [0.02, 50.0];
/// How still `b` must stand, relative to itself.
const TOLERANCE: f64 = 1e-13;
/// Halvings of the bracket alone would need 60.
const MOST_STEPS: usize = 200;

/// Settings of temperature scaling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TemperatureConfig {
    /// A temperature for each label of a task of several yes/no labels, not one for all of them; default false.
    pub per_label: bool,
}

impl CalibrationPart for TemperatureConfig {
    fn of_choices(&self, choices: &Choices) -> OrReason<Vec<Curve>> {
        let mut logits = Vec::with_capacity(choices.probs.len());
        for (probs, ..) in choices.rows() {
            logits.extend(probs.iter().map(|p| p.max(super::curve::FROM_ZERO).ln()));
        }
        let labels = choices.labels.iter().zip(&choices.weights);
        let rows = || {
            logits.chunks_exact(choices.width).zip(labels.clone()).map(|(zs, (label, weight))| (zs, *label, *weight))
        };
        Ok(vec![Curve::Power { temperature: fitted(|sums| rows().for_each(|row| sums.add(row))) }])
    }

    fn of_questions(&self, questions: &[Question]) -> OrReason<Vec<Curve>> {
        let of = |questions: &[Question]| {
            let logits: Vec<([f64; 2], usize, f32)> = questions
                .iter()
                .flat_map(Question::rows)
                .map(|(p, yes, weight)| ([0.0, Curve::logit(p)], usize::from(yes), weight))
                .collect();
            Curve::Power { temperature: fitted(|sums| logits.iter().for_each(|(zs, y, w)| sums.add((zs, *y, *w)))) }
        };
        Ok(match self.per_label {
            false => vec![of(questions)],
            true => questions.iter().map(|question| of(std::slice::from_ref(question))).collect(),
        })
    }
}

/// The first two derivatives of the loss at one `b`.
struct Derivatives {
    b: f64,
    first: ExactSum,
    second: ExactSum,
}

impl Derivatives {
    /// Adds a sample: its logits, its label, its weight.
    fn add(&mut self, (logits, label, weight): (&[f64], usize, f32)) {
        let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (mut total, mut mean, mut square) = (0.0, 0.0, 0.0);
        for z in logits {
            // Distances from the top: a logit of 80 has no digits left to tell its neighbors apart.
            let z = z - top;
            let e = (self.b * z).exp();
            total += e;
            mean += e * z;
            square += e * z * z;
        }
        let mean = mean / total;
        let own = logits.get(label).map_or(0.0, |z| z - top);
        let parts = [(&mut self.first, mean - own), (&mut self.second, (square / total - mean * mean).max(0.0))];
        for (sum, part) in parts {
            if (weight - 1.0).abs() > 0.0 { sum.add_product(part, f64::from(weight)) } else { sum.add(part) }
        }
    }
}

/// The temperature of the smallest loss; `each` adds all samples.
fn fitted(each: impl Fn(&mut Derivatives)) -> f64 {
    let at = |b: f64| {
        let mut sums = Derivatives { b, first: ExactSum::default(), second: ExactSum::default() };
        each(&mut sums);
        (sums.first.value(), sums.second.value())
    };
    let [mut low, mut high] = [1.0 / RANGE[1], 1.0 / RANGE[0]];
    // The loss falls up to an end of the range: so does the best within it.
    if at(low).0 >= 0.0 {
        return RANGE[1];
    }
    if at(high).0 <= 0.0 {
        return RANGE[0];
    }
    let mut b: f64 = 1.0;
    for _ in 0..MOST_STEPS {
        let (first, second) = at(b);
        if first == 0.0 {
            break;
        }
        if first < 0.0 {
            low = b;
        } else {
            high = b;
        }
        let newton = b - first / second;
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        let moved = (next - b).abs();
        b = next;
        if moved <= TOLERANCE * b {
            break;
        }
    }
    1.0 / b
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "what is picked out, and small numbers, are exact")]
mod tests {
    use super::*;

    fn temperature(curves: &[Curve]) -> f64 {
        let [Curve::Power { temperature }] = curves else { panic!("{curves:?}") };
        *temperature
    }

    #[test]
    fn by_hand() {
        // Said with odds of 9, right 3 times of 4: odds of 3 = 9^(1/2), so T = 2.
        let question = Question { probs: vec![0.9; 4], yes: vec![true, true, true, false], weights: vec![1.0; 4] };
        let found = TemperatureConfig::default().of_questions(std::slice::from_ref(&question)).unwrap();
        assert!((temperature(&found) - 2.0).abs() < 1e-12, "{found:?}");
        let found = TemperatureConfig::default().of_choices(&question.as_choices()).unwrap();
        assert!((temperature(&found) - 2.0).abs() < 1e-12, "{found:?}");
        let weighted = Question { probs: vec![0.9; 2], yes: vec![true, false], weights: vec![3.0, 1.0] };
        let again = TemperatureConfig::default().of_questions(&[weighted]).unwrap();
        let plain = TemperatureConfig::default().of_questions(&[question]).unwrap();
        assert_eq!(plain, again, "a weight of 3 is three samples, to the bit");
    }

    #[test]
    fn ends_of_the_range() {
        let right = Question { probs: vec![0.9, 0.2], yes: vec![true, false], weights: vec![1.0; 2] };
        let found = TemperatureConfig::default().of_questions(&[right]).unwrap();
        assert_eq!(temperature(&found), RANGE[0], "always right: as sure as can be");
        let wrong = Question { probs: vec![0.9, 0.2], yes: vec![false, true], weights: vec![1.0; 2] };
        let found = TemperatureConfig::default().of_questions(&[wrong]).unwrap();
        assert_eq!(temperature(&found), RANGE[1], "always wrong: as unsure as can be");
    }
}
