//! What batches of boxes, maps and trajectories say when they cannot be used.
//!
//! These inputs are plain slices rather than a [`mtl_core::prediction::Prediction`], so that the checks of
//! [`crate::input`] do not reach them. They are checked once, where a batch is made; afterwards a kernel may index
//! freely.

use std::fmt::Display;

use mtl_core::{Error, Result};

/// The largest magnitude of a coordinate or a measured value: squares, products and their sums stay finite.
pub(crate) const LARGEST: f64 = 1e100;

/// A value that cannot be used: `what: field must be expected, found found`.
pub(crate) fn refuse(
    what: &'static str,
    field: &'static str,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Error {
    Error::InvalidConfig { what, field, expected: expected.into(), found: found.into() }
}

/// Two lists that should be equally long.
///
/// # Errors
/// [`Error::Shape`] when they are not.
pub(crate) fn same_length(what: &str, field: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Shape {
        op: what.to_owned(),
        tensor: field,
        expected: format!("of length {expected}"),
        found: vec![i64::try_from(found).unwrap_or(i64::MAX)],
    })
}

/// Numbers of magnitude up to [`LARGEST`].
///
/// # Errors
/// [`Error::InvalidConfig`] with the first one that is not, and where it is.
pub(crate) fn numbers<'a, T>(
    what: &'static str,
    field: &'static str,
    values: impl IntoIterator<Item = &'a T>,
) -> Result<()>
where
    T: Copy + Into<f64> + Display + 'a,
{
    check_each(what, field, "a number up to 1e100", values, |x: f64| x.abs() <= LARGEST)
}

/// Values that `fits` accepts; `expected` says in words which these are.
///
/// # Errors
/// [`Error::InvalidConfig`] with the first one that does not fit, and where it is.
pub(crate) fn check_each<'a, T>(
    what: &'static str,
    field: &'static str,
    expected: &str,
    values: impl IntoIterator<Item = &'a T>,
    fits: impl Fn(f64) -> bool,
) -> Result<()>
where
    T: Copy + Into<f64> + Display + 'a,
{
    match values.into_iter().enumerate().find(|&(_, &x)| !fits(x.into())) {
        None => Ok(()),
        Some((idx, x)) => Err(refuse(what, field, expected, format!("{x} at position {idx}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_and_where() {
        let e = numbers("boxes", "scores", &[0.5, f64::NAN]).unwrap_err().to_string();
        assert_eq!(e, "boxes: scores must be a number up to 1e100, found NaN at position 1");
        assert!(numbers("boxes", "scores", &[f32::MAX]).is_ok() && numbers("boxes", "scores", &[1e101]).is_err());
        let e = same_length("boxes", "scores", 3, 2).unwrap_err().to_string();
        assert_eq!(e, "boxes: scores must be of length 3, found [2]");
    }
}
