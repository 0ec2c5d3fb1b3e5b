//! A mean over repetitions, and the interval in which the true mean lies.
//!
//! ```text
//! mean +- t(1 - (1 - level) / 2; n - 1) s / sqrt(n)            s^2 = sum (x - mean)^2 / (n - 1)
//! ```
//!
//! A method's score over `n` seeds is a sample; the mean alone says nothing about the next seed. Two methods that ran with
//! the same seeds are compared by the interval of their *paired* differences: what a seed does to both cancels.
//!
//! **Reference**: "Student" (W. S. Gosset), "The Probable Error of a Mean", Biometrika 6(1), 1908.

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::normal::check_level;

/// A mean with its uncertainty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Repetitions, >= 1.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (`n - 1` in the denominator); `None` for one repetition.
    pub sd: Option<f64>,
    /// Both ends of the t interval; `None` for one repetition, of which nothing can be said.
    pub interval: Option<[f64; 2]>,
    /// What share of such intervals holds the true mean, in (0, 1).
    pub level: f64,
}

impl Estimate {
    /// The mean of `values` with its interval.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] without values, for one that is not finite, or a level outside (0, 1).
    pub fn new(values: &[f64], level: f64) -> Result<Self> {
        let refuse = |field, expected: &str, found: String| {
            Err(Error::InvalidConfig { what: "estimate", field, expected: expected.into(), found })
        };
        check_level("estimate", level)?;
        if values.is_empty() {
            return refuse("values", "at least one", "none".into());
        }
        if let Some(odd) = values.iter().find(|v| !v.is_finite()) {
            return refuse("values", "finite", odd.to_string());
        }
        let n = values.len();
        #[expect(clippy::cast_precision_loss, reason = "a count of repetitions")]
        let size = n as f64;
        let mean = values.iter().sum::<f64>() / size;
        if n == 1 {
            return Ok(Self { n, mean, sd: None, interval: None, level });
        }
        let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (size - 1.0)).sqrt();
        let half = student_quantile(0.5 + 0.5 * level, size - 1.0)? * sd / size.sqrt();
        Ok(Self { n, mean, sd: Some(sd), interval: Some([mean - half, mean + half]), level })
    }

    /// The mean of `ours[i] - theirs[i]` with its interval: both lists in the same order of seeds.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Shape`] for lists of different lengths.
    pub fn paired(ours: &[f64], theirs: &[f64], level: f64) -> Result<Self> {
        if ours.len() != theirs.len() {
            return Err(Error::Shape {
                op: "paired estimate".into(),
                tensor: "theirs",
                expected: format!("{} values, as many as ours", ours.len()),
                found: vec![i64::try_from(theirs.len()).unwrap_or(i64::MAX)],
            });
        }
        let differences: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a - b).collect();
        Self::new(&differences, level)
    }

    /// Half the interval's width; `None` for one repetition.
    #[must_use]
    pub fn half_width(&self) -> Option<f64> {
        self.interval.map(|[low, high]| 0.5 * (high - low))
    }

    /// Whether the whole interval is below 0; false when there is none.
    #[must_use]
    pub fn is_below_zero(&self) -> bool {
        self.interval.is_some_and(|[_, high]| high < 0.0)
    }

    /// Whether the whole interval is above 0; false when there is none.
    #[must_use]
    pub fn is_above_zero(&self) -> bool {
        self.interval.is_some_and(|[low, _]| low > 0.0)
    }
}

/// The value below which a Student variable with `df` degrees of freedom stays with probability `p`.
pub(super) fn student_quantile(p: f64, df: f64) -> Result<f64> {
    let student = StudentsT::new(0.0, 1.0, df).map_err(|e| Error::InvalidConfig {
        what: "Student's t",
        field: "degrees of freedom",
        expected: "> 0".into(),
        found: e.to_string(),
    })?;
    Ok(student.inverse_cdf(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_values_by_hand() {
        // mean 2, s = 1, t(0.975; 2) = 4.302653
        let e = Estimate::new(&[1.0, 2.0, 3.0], 0.95).unwrap();
        assert_eq!((e.n, e.mean, e.sd), (3, 2.0, Some(1.0)));
        assert!((e.half_width().unwrap() - 4.302_652_73 / 3f64.sqrt()).abs() < 1e-7, "{e:?}");
    }

    #[test]
    fn pairs_cancel_what_seeds_do() {
        let (ours, theirs) = ([0.71, 0.92, 0.83], [0.70, 0.91, 0.82]);
        assert!(Estimate::paired(&ours, &theirs, 0.95).unwrap().is_above_zero());
        assert!(Estimate::paired(&theirs, &ours, 0.95).unwrap().is_below_zero());
        let apart = Estimate::new(&ours, 0.95).unwrap();
        assert!(apart.interval.unwrap()[0] < 0.7, "unpaired, nothing could be told");
    }

    #[test]
    fn one_value_has_no_interval_and_bad_ones_are_refused() {
        let one = Estimate::new(&[0.5], 0.95).unwrap();
        assert!(one.interval.is_none() && !one.is_above_zero() && !one.is_below_zero());
        let e = |values: &[f64], level| Estimate::new(values, level).unwrap_err().to_string();
        assert_eq!(e(&[], 0.95), "estimate: values must be at least one, found none");
        assert_eq!(e(&[1.0, f64::NAN], 0.95), "estimate: values must be finite, found NaN");
        assert_eq!(e(&[1.0], 1.0), "estimate: level must be in (0, 1), found 1");
        let e = Estimate::paired(&[1.0], &[], 0.9).unwrap_err().to_string();
        assert!(e.contains("as many as ours"), "{e}");
    }
}
