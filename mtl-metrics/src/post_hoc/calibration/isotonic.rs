//! Isotonic regression: the probability that came true, as a curve that never falls.
//!
//! ```text
//! f* = argmin over f that do not fall of   sum_i w_i (y_i - f(p_i))^2        y_i: 1 where it came true, else 0
//! ```
//! Pool adjacent violators: probabilities in order, equal ones joined, neighbors pooled to their mean as long as the left one is above the
//! right one. What lies between two knots is on the line between them, beyond the outermost it is theirs. Of one of several choices each
//! has a curve against all others, and a sample's probabilities are divided by their sum.
//!
//! A step has what its samples have in the mean, so a curve of few samples is rough, and probabilities of exactly 0 and 1 occur; Niculescu-Mizil
//! and Caruana find it better than one parameter from about 1000 samples on. Order may become a tie but is never turned.
//!
//! **Reference** M. Ayer et al., *An empirical distribution function for sampling with incomplete information*, Annals of Mathematical
//! Statistics 26, 1955; B. Zadrozny, C. Elkan, *Transforming classifier scores into accurate multiclass probability estimates*, KDD 2002.
//! Equal to scikit-learn's `IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")` and `CalibratedClassifierCV(method="isotonic")`.
//! **Differs from** nothing known.

use serde::{Deserialize, Serialize};

use super::{CalibrationPart, curve::Curve};
use crate::{
    post_hoc::evidence::{Choices, Question},
    value::OrReason,
};

/// Settings of isotonic regression: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IsotonicConfig {}

impl CalibrationPart for IsotonicConfig {
    fn of_choices(&self, choices: &Choices) -> OrReason<Vec<Curve>> {
        Ok((0..choices.width).map(|choice| curve(&choices.against_others(choice))).collect())
    }

    fn of_questions(&self, questions: &[Question]) -> OrReason<Vec<Curve>> {
        Ok(questions.iter().map(curve).collect())
    }
}

/// Neighbors in order of their probability.
#[derive(Debug, Clone, Copy)]
struct Pool {
    low: f64,
    high: f64,
    came_true: f64,
    weight: f64,
}

impl Pool {
    fn mean(&self) -> f64 {
        self.came_true / self.weight
    }
}

/// The curve of one question. Weights of samples are summed as they are: whole ones exactly.
fn curve(question: &Question) -> Curve {
    let mut rows: Vec<(f64, bool, f32)> = question.rows().map(|(p, yes, w)| (p.clamp(0.0, 1.0), yes, w)).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut pools: Vec<Pool> = Vec::new();
    for equal in rows.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let weight = |rows: &mut dyn Iterator<Item = &(f64, bool, f32)>| rows.map(|row| f64::from(row.2)).sum::<f64>();
        let p = equal.first().map_or(0.0, |row| row.0);
        let mut pool = Pool {
            low: p,
            high: p,
            came_true: weight(&mut equal.iter().filter(|row| row.1)),
            weight: weight(&mut equal.iter()),
        };
        // Equal means are pooled as well: the same curve of fewer knots.
        while let Some(before) = pools.last().copied().filter(|before| before.mean() >= pool.mean()) {
            pools.pop();
            pool.low = before.low;
            pool.came_true += before.came_true;
            pool.weight += before.weight;
        }
        pools.push(pool);
    }
    let mut knots: (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for pool in &pools {
        let ends = [pool.low, pool.high];
        let ends = if pool.low < pool.high { &ends[..] } else { &ends[..1] };
        for end in ends {
            knots.0.push(*end);
            knots.1.push(pool.mean());
        }
    }
    Curve::Line { xs: knots.0, ys: knots.1 }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "what is picked out, and small numbers, are exact")]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let question = Question {
            probs: vec![0.9, 0.1, 0.3, 0.4, 0.3],
            yes: vec![true, false, true, false, false],
            weights: vec![1.0, 1.0, 1.0, 2.0, 1.0],
        };
        // 0.1 -> 0; 0.3 twice -> 1/2, above 0.4 -> 0 of weight 2: pooled 1/4; 0.9 -> 1.
        let expected = Curve::Line { xs: vec![0.1, 0.3, 0.4, 0.9], ys: vec![0.0, 0.25, 0.25, 1.0] };
        assert_eq!(curve(&question), expected);
        let none = Question { probs: vec![0.5, 0.2], yes: vec![false, false], weights: vec![1.0; 2] };
        assert_eq!(curve(&none), Curve::Line { xs: vec![0.2, 0.5], ys: vec![0.0, 0.0] });
    }
}
