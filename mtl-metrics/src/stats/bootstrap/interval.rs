//! From the values of resamples to an interval: percentile and BCa.

use serde::{Deserialize, Serialize};

use crate::{stats::normal, value::OrReason};

/// Which interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interval {
    /// Between quantiles of the resamples.
    Percentile,
    /// Between quantiles that are corrected for bias and skewness.
    #[default]
    Bca,
}

/// What BCa corrects by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BcaTerms {
    /// `z0`: how far the median of the resamples lies from the value, in normal quantiles.
    pub bias: f64,
    /// `a`: how the standard error changes with the value; 0 for symmetric data.
    pub acceleration: f64,
}

/// A statistic with its uncertainty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BootstrapInterval {
    /// The statistic of the data.
    pub value: OrReason<f64>,
    /// Both ends; undefined with the value, for fewer than two units, when more than half of the resamples had to be left
    /// out, and for BCa where its terms are not defined.
    pub interval: OrReason<[f64; 2]>,
    /// The standard deviation of the resamples (`n - 1` in the denominator).
    pub standard_error: OrReason<f64>,
    /// What BCa corrected by; none for percentiles and where it is not defined.
    pub terms: Option<BcaTerms>,
    /// The level asked for.
    pub level: f64,
    /// Units.
    pub units: usize,
    /// Resamples, those left out included.
    pub resamples: usize,
    /// Resamples on which the statistic was not defined.
    pub left_out: usize,
}

/// What was found on the data, on resamples and without each unit; all numbers up to 1e100.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) units: usize,
    pub(super) value: OrReason<f64>,
    pub(super) resampled: Vec<OrReason<f64>>,
    pub(super) jackknife: Vec<OrReason<f64>>,
}

impl Found {
    pub(super) fn interval(self, kind: Interval, level: f64) -> BootstrapInterval {
        let resamples = self.resampled.len();
        let mut values: Vec<f64> = self.resampled.iter().filter_map(|value| value.as_ref().ok().copied()).collect();
        values.sort_by(f64::total_cmp);
        let left_out = resamples - values.len();
        let usable = self.usable(&values);
        let alpha = 0.5 * (1.0 - level);
        let (mut terms, mut ends) = (None, Ok([alpha, 1.0 - alpha]));
        if let (Interval::Bca, Ok(value)) = (kind, &usable) {
            let found = bias(*value, &values)
                .and_then(|bias| acceleration(&self.jackknife).map(|acceleration| BcaTerms { bias, acceleration }));
            ends = found.as_ref().map_err(String::clone).and_then(|terms| corrected(terms, alpha));
            terms = found.ok();
        }
        let interval = usable.clone().and(ends).map(|ends| ends.map(|p| quantile(&values, p)));
        let standard_error = usable.map(|_| standard_deviation(&values));
        let (value, units) = (self.value, self.units);
        BootstrapInterval { value, interval, standard_error, terms, level, units, resamples, left_out }
    }

    /// The value, when something can be said of its uncertainty.
    fn usable(&self, values: &[f64]) -> OrReason<f64> {
        let (n, resamples) = (values.len(), self.resampled.len());
        let value = self.value.clone()?;
        if self.units < 2 {
            return Err("one unit only: it has no variance".to_owned());
        }
        if resamples < 2 {
            return Err(format!("2 resamples at least are needed, there are {resamples}"));
        }
        match self.resampled.iter().find_map(|value| value.as_ref().err()) {
            Some(reason) if 2 * n < resamples || n < 2 => {
                Err(format!("not defined on {} of {resamples} resamples: {reason}", resamples - n))
            }
            _ => Ok(value),
        }
    }
}

/// Between the two neighbors of rank `p (n - 1)` of a rising list that is not empty.
fn quantile(rising: &[f64], p: f64) -> f64 {
    let last = rising.len().saturating_sub(1);
    let place = p.clamp(0.0, 1.0) * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the list")]
    let below = (place.floor() as usize).min(last);
    let (low, high) = (rising[below], rising[(below + 1).min(last)]);
    // In this form, equal neighbors give themselves, and a larger `p` never less.
    (low + (place - below as f64) * (high - low)).min(high)
}

fn standard_deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

/// `z0` of rising values.
fn bias(value: f64, rising: &[f64]) -> OrReason<f64> {
    let below = rising.partition_point(|x| *x < value) + rising.partition_point(|x| *x <= value);
    match below {
        0 => Err("all resamples lie above the value".to_owned()),
        all if all == 2 * rising.len() => Err("all resamples lie below the value".to_owned()),
        _ => Ok(normal::quantile(below as f64 / (2.0 * rising.len() as f64))),
    }
}

/// `a` of the values without each unit.
fn acceleration(jackknife: &[OrReason<f64>]) -> OrReason<f64> {
    let values = jackknife.iter().cloned().collect::<OrReason<Vec<f64>>>();
    let values = values.map_err(|reason| format!("not defined without one of the units: {reason}"))?;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    // The scale cancels; at 1 no cube overflows or vanishes. What is left of equal values is rounding.
    let largest = values.iter().map(|x| (mean - x).abs()).fold(0.0, f64::max);
    let size = values.iter().map(|x| x.abs()).fold(0.0, f64::max);
    if largest <= 4.0 * f64::EPSILON * size {
        return Err("leaving out any one unit changes nothing".to_owned());
    }
    let sum = |power: i32| values.iter().map(|x| ((mean - x) / largest).powi(power)).sum::<f64>();
    Ok(sum(3) / (6.0 * sum(2).powf(1.5)))
}

/// `alpha_1` and `alpha_2`.
fn corrected(terms: &BcaTerms, alpha: f64) -> OrReason<[f64; 2]> {
    let BcaTerms { bias, acceleration } = *terms;
    let end = |z: f64| {
        let shifted = bias + z;
        let scale = 1.0 - acceleration * shifted;
        // Beyond its pole the formula turns round.
        if scale > 0.0 { Ok(normal::cdf(bias + shifted / scale)) } else { Err("too skew for the level".to_owned()) }
    };
    let z = normal::quantile(alpha);
    Ok([end(z)?, end(-z)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "small numbers are exact")]
    fn quantiles_lie_between_neighbors() {
        let rising = [1.0, 2.0, 4.0, 8.0];
        assert_eq!([0.0, 0.5, 1.0, 2.0, -1.0].map(|p| quantile(&rising, p)), [1.0, 3.0, 8.0, 8.0, 1.0]);
        assert_eq!([0.05, 0.3, 0.95].map(|p| quantile(&[9.1, 9.1], p)), [9.1; 3]);
        assert_eq!(quantile(&[7.0], 0.3), 7.0);
    }

    #[test]
    fn terms_by_hand() {
        // Two of four below, none equal: no bias. Deviations 2, -1, -1: cubes sum to 6, squares to 6.
        assert!(bias(2.5, &[1.0, 2.0, 3.0, 4.0]).unwrap().abs() < 1e-16);
        assert!((bias(2.0, &[1.0, 2.0]).unwrap() - normal::quantile(0.75)).abs() < 1e-16);
        let a = acceleration(&[Ok(0.0), Ok(3.0), Ok(3.0)]).unwrap();
        assert!((a - 6.0 / (6.0 * 6f64.powf(1.5))).abs() < 1e-16, "{a}");
        assert_eq!(acceleration(&[Ok(0.1), Ok(0.1 + 1e-17)]).unwrap_err(), "leaving out any one unit changes nothing");
        assert!(acceleration(&[Ok(0.1), Err("no word".into())]).unwrap_err().ends_with("units: no word"));
        assert!(
            bias(9.0, &[1.0, 2.0]).unwrap_err().contains("below") && bias(0.0, &[1.0]).unwrap_err().contains("above")
        );
    }

    #[test]
    fn without_terms_bca_is_percentile_and_beyond_the_pole_nothing() {
        let [low, high] = corrected(&BcaTerms { bias: 0.0, acceleration: 0.0 }, 0.025).unwrap();
        assert!((low - 0.025).abs() < 1e-16 && (high - 0.975).abs() < 1e-15);
        let skew = BcaTerms { bias: 0.5, acceleration: 0.5 };
        assert_eq!(corrected(&skew, 0.025).unwrap_err(), "too skew for the level");
    }

    #[test]
    fn most_resamples_must_be_defined() {
        let found = |undefined: u8| {
            let missing = || Err("no positive sample".to_owned());
            let resampled = (0..10_u8).map(|i| if i < undefined { missing() } else { Ok(f64::from(i)) }).collect();
            Found { units: 5, value: Ok(5.0), resampled, jackknife: vec![] }.interval(Interval::Percentile, 0.9)
        };
        assert_eq!((found(5).left_out, found(5).interval.is_ok()), (5, true));
        assert_eq!(found(6).interval.unwrap_err(), "not defined on 6 of 10 resamples: no positive sample");
    }
}
