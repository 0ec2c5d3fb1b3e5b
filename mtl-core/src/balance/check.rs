//! Checks of settings, with one wording for all methods.

use crate::error::{Error, Result};

/// Refuses a setting in the words of [`Error::InvalidConfig`].
pub(crate) fn refuse<T>(
    what: &'static str,
    field: &'static str,
    expected: impl Into<String>,
    found: impl std::fmt::Display,
) -> Result<T> {
    Err(Error::InvalidConfig { what, field, expected: expected.into(), found: found.to_string() })
}

/// `value` must be finite and above 0.
pub(crate) fn positive(what: &'static str, field: &'static str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() { Ok(()) } else { refuse(what, field, "positive and finite", value) }
}

/// `value` must be finite and at least 0.
pub(crate) fn non_negative(what: &'static str, field: &'static str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() { Ok(()) } else { refuse(what, field, "at least 0 and finite", value) }
}

/// `value` must lie in `[low, high)`.
pub(crate) fn half_open(what: &'static str, field: &'static str, value: f64, low: f64, high: f64) -> Result<()> {
    if value >= low && value < high { Ok(()) } else { refuse(what, field, format!("in [{low}, {high})"), value) }
}

/// `value` must lie in `[low, high]`.
pub(crate) fn closed(what: &'static str, field: &'static str, value: f64, low: f64, high: f64) -> Result<()> {
    if value >= low && value <= high { Ok(()) } else { refuse(what, field, format!("in [{low}, {high}]"), value) }
}

/// `value` must be a number.
pub(crate) fn finite(what: &'static str, field: &'static str, value: f64) -> Result<()> {
    if value.is_finite() { Ok(()) } else { refuse(what, field, "finite", value) }
}

/// `values` must be one number per task, each finite and at least 0, not all 0.
pub(crate) fn one_per_task(what: &'static str, field: &'static str, values: &[f64], n_tasks: usize) -> Result<()> {
    if values.len() != n_tasks {
        return refuse(what, field, format!("{n_tasks} numbers, one per task in task order"), values.len());
    }
    for value in values {
        non_negative(what, field, *value)?;
    }
    if values.iter().any(|v| *v > 0.0) { Ok(()) } else { refuse(what, field, "not all 0", "only 0") }
}
