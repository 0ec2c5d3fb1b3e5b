//! What a metric says: a number, or why there is none.
//!
//! "The AUROC is 0.5" and "there was no positive sample" are different facts, and a number cannot carry the second.
//! So a value is optional and its absence has a reason in words; an average over classes says how many classes it had
//! to leave out, and every value says on how many items it rests.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something, or the reason in words why there is none.
pub type OrReason<T> = Result<T, String>;

/// The outcome of a metric or an aggregate.
///
/// Exactly one of [`value`](Self::value) and [`undefined`](Self::undefined) is `Some`, and a value is always finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MetricValue {
    /// The number; `None` when it is not defined for these data.
    pub value: Option<f64>,
    /// Why there is no number, such as `no positive sample`.
    pub undefined: Option<String>,
    /// Known items that went in: samples, or matrix entries for several labels or outputs.
    pub support: u64,
    /// Classes, labels or outputs there were to average over; 1 for a metric that averages over none.
    pub parts: u64,
    /// How many of them were left out because the metric is not defined for them.
    pub left_out: u64,
}

impl MetricValue {
    /// A number resting on `support` items; undefined when it is not finite.
    #[must_use]
    pub fn defined(value: f64, support: u64) -> Self {
        if !value.is_finite() {
            return Self::undefined(format!("the value is not finite ({value})"), support);
        }
        Self { value: Some(value), undefined: None, support, parts: 1, left_out: 0 }
    }

    /// No number, and why.
    #[must_use]
    pub fn undefined(reason: impl Into<String>, support: u64) -> Self {
        Self { value: None, undefined: Some(reason.into()), support, parts: 1, left_out: 1 }
    }

    /// `sum / n`, undefined without items.
    #[must_use]
    pub fn ratio(sum: f64, n: u64) -> Self {
        if n == 0 { Self::undefined(NO_LABEL, 0) } else { Self::defined(sum / n as f64, n) }
    }

    /// `sum / total`, where `total` is the weight of `n` items; undefined without items or weight.
    #[must_use]
    pub fn share(sum: f64, total: f64, n: u64) -> Self {
        match n {
            0 => Self::undefined(NO_LABEL, 0),
            _ if total > 0.0 => Self::defined(sum / total, n),
            _ => Self::undefined(NO_WEIGHT, n),
        }
    }

    /// A number or the reason why there is none, resting on `support` items.
    #[must_use]
    pub fn of(outcome: OrReason<f64>, support: u64) -> Self {
        match outcome {
            _ if support == 0 => Self::undefined(NO_LABEL, 0),
            Ok(value) => Self::defined(value, support),
            Err(reason) => Self::undefined(reason, support),
        }
    }

    /// The plain mean over the parts that are defined, in order. `what` names a part: `class`, `label`, `output`.
    #[must_use]
    pub fn average(parts: &[OrReason<f64>], what: &str, support: u64) -> Self {
        let defined = parts.iter().flatten().count();
        let n_parts = parts.len() as u64;
        let left_out = n_parts - defined as u64;
        let first_reason = parts.iter().enumerate().find_map(|(idx, part)| part.as_ref().err().map(|why| (idx, why)));
        let outcome = match first_reason {
            _ if defined > 0 => Self::defined(parts.iter().flatten().sum::<f64>() / defined as f64, support),
            _ if support == 0 => Self::undefined(NO_LABEL, 0),
            None => Self::undefined(format!("no {what}"), support),
            Some((_, why)) if parts.len() == 1 => Self::undefined(why.clone(), support),
            Some((idx, why)) => {
                Self::undefined(format!("not defined for any of {n_parts} parts; {what} {idx}: {why}"), support)
            }
        };
        Self { parts: n_parts, left_out, ..outcome }
    }

    /// The number as a result, for code that cannot go on without it.
    ///
    /// # Errors
    /// The reason why there is none.
    pub fn get(&self) -> Result<f64, &str> {
        self.value.ok_or_else(|| self.undefined.as_deref().unwrap_or("undefined"))
    }
}

/// The reason when nothing was known.
pub(crate) const NO_LABEL: &str = "no known label";
/// The reason when only items of weight 0 are known.
pub(crate) const NO_WEIGHT: &str = "all weights are 0";

impl fmt::Display for MetricValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Ok(value) => fmt::Display::fmt(&value, f),
            Err(reason) => write!(f, "undefined ({reason})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_counts_what_it_left_out() {
        let parts = [Ok(0.5), Err("no positive sample".to_owned()), Ok(1.0)];
        let value = MetricValue::average(&parts, "label", 9);
        assert_eq!((value.value, value.parts, value.left_out, value.support), (Some(0.75), 3, 1, 9));
        let value = MetricValue::average(&parts[1..2], "label", 9);
        assert_eq!(value.get(), Err("no positive sample"));
        assert_eq!(MetricValue::average(&[], "label", 0).get(), Err(NO_LABEL));
    }

    #[test]
    fn no_silent_nan() {
        assert_eq!(MetricValue::defined(f64::NAN, 3).value, None);
        assert_eq!(MetricValue::ratio(0.0, 0).to_string(), "undefined (no known label)");
        assert_eq!(format!("{:.3}", MetricValue::ratio(1.0, 3)), "0.333");
    }
}
