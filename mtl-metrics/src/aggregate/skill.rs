//! A metric against what a constant answer has: 0 is as good as that, 1 is perfect, whatever the metric's unit.
//!
//! ```text
//! s = (m - c) / (p - c)        m: the metric, c: its value for a constant answer, p: its perfect value
//! s < 0:  s / (1 - s)          worse than constant: from 0 down to -1, and never there
//! ```
//!
//! `p` is the good end of the metric's range: 1 for accuracy, AUROC, R2, kappa and correlations, 0 for errors and log-loss, where
//! `s = 1 - m / c`. A metric without a good end (enrichment) is measured by the constant answer's size, `s = (m - c) / |c|`, and
//! has no 1.
//!
//! Below 0 the plain score has no floor: one task whose error is a hundred times the constant's would outweigh all others. The
//! second line bends it without changing any order: for errors it is `c / m - 1`, so that twice the constant's error is -1/2
//! and a hundred times is -0.99. Both lines have slope 1 at 0.
//!
//! | the constant answer | then |
//! |---|---|
//! | has no value (the correlation of a constant) | the metric stays as it is: `c` is 0, or 1 where less is better |
//! | is perfect already, the range has two ends | the range's width in place of `p - c`: only losses can show |
//! | is perfect already, the range is endless | no skill: see [`Skill::new`] |
//!
//! **Reference** the skill score of forecasting: A. H. Murphy, *Skill scores based on the mean square error and their relationships
//! to the correlation coefficient*, Monthly Weather Review 116, 1988. R2 is that of the squared error.
//! **Differs from** it below 0, as said.

use mtl_core::metric::Direction;

use crate::value::OrReason;

/// The map from a metric's value to its skill. Larger is better; at most 1 where the metric can be perfect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Skill {
    /// What becomes 0.
    reference: f64,
    /// How far from it 1 is, with its sign.
    unit: f64,
}

impl Skill {
    /// Below every skill that a value has: what stands in for a metric that a prediction left without one.
    pub const UNDEFINED: f64 = -1.0;

    /// The skill of a metric of that direction and range, by its value for a constant answer; `None` when that has none.
    ///
    /// # Errors
    /// The reason, when the constant answer is perfect already and the metric has no worst value to measure losses by.
    pub fn new(direction: Direction, range: (f64, f64), constant: Option<f64>) -> OrReason<Self> {
        let (worst, perfect) = match direction {
            Direction::Maximize => range,
            Direction::Minimize => (range.1, range.0),
        };
        let sign = match direction {
            Direction::Maximize => 1.0,
            Direction::Minimize => -1.0,
        };
        let as_it_is = match direction {
            Direction::Maximize => 0.0,
            Direction::Minimize => 1.0,
        };
        let reference = constant.filter(|c| c.is_finite()).unwrap_or(as_it_is);
        let whole = if perfect.is_finite() { (perfect - reference).abs() } else { reference.abs() };
        // A distance that rounding made is none.
        let distance = if whole > 1e-12 * perfect.abs().min(1.0) { whole } else { (perfect - worst).abs() };
        if distance > 0.0 && distance.is_finite() {
            return Ok(Self { reference, unit: sign * distance });
        }
        Err(format!("a constant answer is perfect already ({reference}), so that nothing tells epochs apart"))
    }

    /// The skill of a value.
    #[must_use]
    pub fn of(&self, value: f64) -> f64 {
        let skill = (value - self.reference) / self.unit;
        if skill >= 0.0 { skill } else { (skill / (1.0 - skill)).max(Self::UNDEFINED) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: (f64, f64) = (0.0, 1.0);
    const ERROR: (f64, f64) = (0.0, f64::INFINITY);

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn constant_is_0_and_perfect_is_1() {
        use Direction::{Maximize, Minimize};
        for (direction, range, constant, perfect) in [
            (Maximize, SHARE, 0.9, 1.0),
            (Maximize, (f64::NEG_INFINITY, 1.0), -0.02, 1.0),
            (Minimize, ERROR, 31_000.0, 0.0),
            (Minimize, (0.0, 2.0), 0.4, 0.0),
        ] {
            let skill = Skill::new(direction, range, Some(constant)).unwrap();
            near(skill.of(constant), 0.0);
            near(skill.of(perfect), 1.0);
            near(skill.of(f64::midpoint(constant, perfect)), 0.5);
        }
        // An error of twice the constant's, and of a hundred times.
        let skill = Skill::new(Minimize, ERROR, Some(2.0)).unwrap();
        near(skill.of(4.0), -0.5);
        near(skill.of(200.0), -0.99);
        assert!(skill.of(f64::MAX) >= Skill::UNDEFINED);
        let enrichment = Skill::new(Maximize, ERROR, Some(1.0)).unwrap();
        near(enrichment.of(7.0), 6.0);
    }

    #[test]
    fn order_is_kept_on_both_sides_of_the_constant() {
        let skill = Skill::new(Direction::Maximize, SHARE, Some(0.6)).unwrap();
        let skills: Vec<f64> = (0..=100).map(|k| skill.of(f64::from(k) / 100.0)).collect();
        assert!(skills.is_sorted_by(|a, b| a < b), "{skills:?}");
    }

    #[test]
    fn constants_without_a_value_or_perfect_ones() {
        let correlation = Skill::new(Direction::Maximize, (-1.0, 1.0), None).unwrap();
        near(correlation.of(0.3), 0.3);
        let loss = Skill::new(Direction::Minimize, ERROR, Some(f64::INFINITY)).unwrap();
        near(loss.of(0.25), 0.75);
        let perfect = Skill::new(Direction::Maximize, SHARE, Some(1.0)).unwrap();
        near(perfect.of(1.0), 0.0);
        near(perfect.of(0.5), -1.0 / 3.0);
        let e = Skill::new(Direction::Minimize, ERROR, Some(0.0)).unwrap_err();
        assert!(e.starts_with("a constant answer is perfect already"), "{e}");
    }
}
