//! The 5x2cv paired t test: two training methods, compared by five repetitions of two-fold cross-validation.
//!
//! ```text
//! d_ij   ours - theirs in fold j of repetition i          m_i = (d_i1 + d_i2) / 2
//! s_i^2  = (d_i1 - m_i)^2 + (d_i2 - m_i)^2                t   = d_11 / sqrt(1/5 sum_i s_i^2)
//! ```
//!
//! `t` is about Student with 5 degrees of freedom when both methods are equally good. Unlike tests on one trained model
//! each, it counts the luck of the training set; two-fold, so that training sets do not overlap within a repetition.
//! That only the first difference stands above the line is the method, not a slip: the differences are not independent, and
//! their mean would claim too often.
//!
//! **Reference**: T. G. Dietterich, "Approximate Statistical Tests for Comparing Supervised Classification Learning
//! Algorithms", Neural Computation 10(7), 1998, section 3.5.
//! **Differs from** mlxtend, which gives infinity or NaN when no repetition varies: here it is not defined.

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{Alternative, alternative::positive};
use crate::{refusal::numbers, value::OrReason};

const DEGREES: f64 = 5.0;

/// The outcome of the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FiveByTwo {
    /// The mean of all ten differences `ours - theirs`: what to report beside p.
    pub mean_difference: f64,
    /// The statistic; undefined when the two folds of every repetition differ equally.
    pub t: OrReason<f64>,
    /// How likely so extreme a `t` is when both are equally good, in (0, 1]; undefined with `t`.
    pub p: OrReason<f64>,
}

impl FiveByTwo {
    /// The test on scores `[repetition][fold]` of two methods that were trained and tested on the same folds.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a score that is not a number up to 1e100.
    pub fn new(ours: &[[f64; 2]; 5], theirs: &[[f64; 2]; 5], alternative: Alternative) -> Result<Self> {
        for (field, scores) in [("ours", ours), ("theirs", theirs)] {
            numbers("5x2cv", field, scores.as_flattened())?;
        }
        let all = ours.as_flattened().iter().zip(theirs.as_flattened()).map(|(ours, theirs)| ours - theirs);
        let differences: Vec<f64> = all.collect();
        let mean_difference = differences.iter().sum::<f64>() / 10.0;
        let variance = |pair: &[f64]| {
            let mean = pair.iter().sum::<f64>() / 2.0;
            pair.iter().map(|d| (d - mean).powi(2)).sum::<f64>()
        };
        let spread = (differences.chunks(2).map(variance).sum::<f64>() / 5.0).sqrt();
        let first = differences.first().copied().unwrap_or(0.0);
        let t = first / spread;
        let t = if spread > 0.0 && t.is_finite() {
            Ok(t)
        } else {
            Err("no repetition varies between its folds".to_owned())
        };
        let student = StudentsT::new(0.0, 1.0, DEGREES).map_err(|e| Error::InvalidConfig {
            what: "5x2cv",
            field: "degrees of freedom",
            expected: "> 0".into(),
            found: e.to_string(),
        })?;
        let p = t.clone().map(|t| match alternative {
            Alternative::TwoSided => positive(2.0 * student.sf(t.abs())),
            Alternative::Greater => positive(student.sf(t)),
            Alternative::Less => positive(student.sf(-t)),
        });
        Ok(Self { mean_difference, t, p })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [[f64; 2]; 5] = [[3.0, 1.0], [2.0, 2.0], [2.0, 4.0], [1.0, 1.0], [0.0, 0.0]];

    #[test]
    fn by_hand() {
        // Variances 2, 0, 2, 0, 0: sqrt(4/5) under the first difference, 3.
        let test = FiveByTwo::new(&OURS, &[[0.0; 2]; 5], Alternative::TwoSided).unwrap();
        assert_eq!((test.mean_difference, test.t.clone()), (1.6, Ok(3.0 / 0.8f64.sqrt())));
        let t = test.t.clone().unwrap();
        // Student's closed form for five degrees of freedom.
        let angle = (t / 5f64.sqrt()).atan();
        let inside = (angle + angle.sin() * angle.cos() + 2.0 / 3.0 * angle.sin() * angle.cos().powi(3))
            / (0.5 * std::f64::consts::PI);
        assert!((test.p.clone().unwrap() - (1.0 - inside)).abs() < 1e-14, "{test:?}");
        let p = |alternative| FiveByTwo::new(&OURS, &[[0.0; 2]; 5], alternative).unwrap().p.unwrap();
        assert!((p(Alternative::Greater) - 0.5 * (1.0 - inside)).abs() < 1e-14);
        assert!((p(Alternative::Greater) + p(Alternative::Less) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn without_variance_or_numbers() {
        let test = FiveByTwo::new(&[[1.0; 2]; 5], &[[0.5; 2]; 5], Alternative::TwoSided).unwrap();
        assert_eq!(test.p.unwrap_err(), "no repetition varies between its folds");
        let mut spoiled = OURS;
        spoiled[2][1] = f64::NAN;
        let e = FiveByTwo::new(&OURS, &spoiled, Alternative::TwoSided).unwrap_err().to_string();
        assert_eq!(e, "5x2cv: theirs must be a number up to 1e100, found NaN at position 5");
    }
}
