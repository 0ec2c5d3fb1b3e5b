//! Probabilistic forecasts beside what came: the batches of CRPS and interval metrics.
//!
//! | batch | forecast | shape |
//! |---|---|---|
//! | [`Ensemble`] | members, equally likely | `[b, m]` |
//! | [`Gaussian`] | mean and standard deviation | `[b]`, `[b]` |
//! | [`Quantiles`] | quantiles at fixed levels | `[b, q]` |
//! | [`Intervals`] | lower and upper bound | `[b]`, `[b]` |
//!
//! All borrow row-major slices and are checked when they are made; a truth of NaN is missing, and its forecast may hold
//! anything.

use mtl_core::{Error, Result};

/// Members of an ensemble, `[b, m]`, beside what came, `[b]`.
#[derive(Debug, Clone, Copy)]
pub struct Ensemble<'a> {
    members: &'a [f32],
    n_members: usize,
    truth: &'a [f32],
}

impl<'a> Ensemble<'a> {
    /// Checks shapes and numbers.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are `m >= 1` members a truth; [`Error::Label`] for numbers that are not finite.
    pub fn new(members: &'a [f32], n_members: usize, truth: &'a [f32]) -> Result<Self> {
        grid("ensemble", "members", members, n_members, truth)?;
        Ok(Self { members, n_members, truth })
    }

    /// Members and truth of each known sample.
    pub fn known(&self) -> impl Iterator<Item = (&'a [f32], f32)> {
        self.members.chunks_exact(self.n_members).zip(self.truth.iter().copied()).filter(|(_, truth)| !truth.is_nan())
    }
}

/// Means and standard deviations beside what came, each `[b]`.
#[derive(Debug, Clone, Copy)]
pub struct Gaussian<'a> {
    mean: &'a [f32],
    deviation: &'a [f32],
    truth: &'a [f32],
}

impl<'a> Gaussian<'a> {
    /// Checks shapes and numbers; standard deviations are larger than 0.
    ///
    /// # Errors
    /// [`Error::Shape`] for lengths that differ; [`Error::Label`] for numbers that are not finite or no deviation.
    pub fn new(mean: &'a [f32], deviation: &'a [f32], truth: &'a [f32]) -> Result<Self> {
        grid("gaussian forecast", "mean", mean, 1, truth)?;
        grid("gaussian forecast", "deviation", deviation, 1, truth)?;
        let bad = |(_, (sigma, truth)): &(usize, (&f32, &f32))| !truth.is_nan() && **sigma <= 0.0;
        if let Some((row, (sigma, _))) = deviation.iter().zip(truth).enumerate().find(bad) {
            return Err(refuse("deviation", "larger than 0", *sigma, row));
        }
        Ok(Self { mean, deviation, truth })
    }

    /// Mean, deviation and truth of each known sample.
    pub fn known(&self) -> impl Iterator<Item = (f32, f32, f32)> {
        let rows = self.mean.iter().zip(self.deviation).zip(self.truth);
        rows.map(|((&mean, &sigma), &truth)| (mean, sigma, truth)).filter(|(.., truth)| !truth.is_nan())
    }
}

/// Quantiles at fixed levels, `[b, q]`, beside what came, `[b]`.
#[derive(Debug, Clone, Copy)]
pub struct Quantiles<'a> {
    levels: &'a [f64],
    values: &'a [f32],
    truth: &'a [f32],
}

impl<'a> Quantiles<'a> {
    /// Checks shapes and numbers; levels rise within `(0, 1)`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for other levels; [`Error::Shape`] unless there are `q` values a truth; [`Error::Label`] for
    /// numbers that are not finite.
    pub fn new(levels: &'a [f64], values: &'a [f32], truth: &'a [f32]) -> Result<Self> {
        let rising = levels.windows(2).all(|pair| pair[0] < pair[1]);
        let inside = levels.iter().all(|&level| level > 0.0 && level < 1.0);
        if levels.is_empty() || !rising || !inside {
            let expected = "rising within (0, 1)".to_owned();
            return Err(Error::InvalidConfig {
                what: "quantiles",
                field: "levels",
                expected,
                found: format!("{levels:?}"),
            });
        }
        grid("quantiles", "values", values, levels.len(), truth)?;
        Ok(Self { levels, values, truth })
    }

    /// The levels.
    #[must_use]
    pub fn levels(&self) -> &'a [f64] {
        self.levels
    }

    /// Values and truth of each known sample.
    pub fn known(&self) -> impl Iterator<Item = (&'a [f32], f32)> {
        self.values.chunks_exact(self.levels.len()).zip(self.truth.iter().copied()).filter(|(_, truth)| !truth.is_nan())
    }
}

/// Intervals beside what came, each `[b]`.
#[derive(Debug, Clone, Copy)]
pub struct Intervals<'a> {
    lower: &'a [f32],
    upper: &'a [f32],
    truth: &'a [f32],
}

impl<'a> Intervals<'a> {
    /// Checks shapes and numbers; no lower bound is above its upper one.
    ///
    /// # Errors
    /// [`Error::Shape`] for lengths that differ; [`Error::Label`] for numbers that are not finite, or bounds exchanged.
    pub fn new(lower: &'a [f32], upper: &'a [f32], truth: &'a [f32]) -> Result<Self> {
        grid("intervals", "lower bounds", lower, 1, truth)?;
        grid("intervals", "upper bounds", upper, 1, truth)?;
        for (row, ((&low, &high), truth)) in lower.iter().zip(upper).zip(truth).enumerate() {
            if !truth.is_nan() && low > high {
                return Err(refuse("lower bound", "at most the upper one", low, row));
            }
        }
        Ok(Self { lower, upper, truth })
    }

    /// Bounds and truth of each known sample.
    pub fn known(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        let rows = self.lower.iter().zip(self.upper).zip(self.truth).filter(|(_, truth)| !truth.is_nan());
        rows.map(|((&low, &high), &truth)| (f64::from(low), f64::from(high), f64::from(truth)))
    }
}

/// Whether there are `width` finite numbers for every truth that is known.
fn grid(op: &'static str, tensor: &'static str, values: &[f32], width: usize, truth: &[f32]) -> Result<()> {
    if width == 0 || truth.len().checked_mul(width) != Some(values.len()) {
        let expected = format!("[{}, {}], at least one column", truth.len(), width.max(1));
        return Err(Error::Shape { op: op.to_owned(), tensor, expected, found: vec![values.len() as i64] });
    }
    for (row, (values, truth)) in values.chunks_exact(width).zip(truth).enumerate() {
        if truth.is_nan() {
            continue;
        }
        if !truth.is_finite() {
            return Err(refuse("target", "finite, or NaN for missing", *truth, row));
        }
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(refuse(tensor, "finite", *value, row));
        }
    }
    Ok(())
}

fn refuse(what: &'static str, expected: &str, found: f32, row: usize) -> Error {
    let task = "(unnamed)".to_owned();
    Error::Label { task, what, expected: expected.to_owned(), found: found.to_string(), sample: row as u64 }
}

crate::judged::answers_to_come! {
    Ensemble<'a> => "distributions";
    Gaussian<'a> => "distributions";
    Quantiles<'a> => "distributions";
    Intervals<'a> => "distributions";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_forecasts_are_refused_and_missing_truth_is_skipped() {
        let nan = f32::NAN;
        assert_eq!(Ensemble::new(&[1.0, 2.0, nan, nan], 2, &[0.0, nan]).unwrap().known().count(), 1);
        assert!(Ensemble::new(&[1.0, 2.0, 3.0], 2, &[0.0, 1.0]).is_err() && Ensemble::new(&[], 0, &[]).is_err());
        assert!(Ensemble::new(&[nan, 2.0], 2, &[0.0]).is_err() && Ensemble::new(&[1.0], 1, &[f32::INFINITY]).is_err());
        assert!(Gaussian::new(&[0.0], &[0.0], &[1.0]).is_err() && Gaussian::new(&[0.0], &[0.0], &[nan]).is_ok());
        assert!(Gaussian::new(&[0.0], &[1.0, 1.0], &[1.0]).is_err());
        assert!(Quantiles::new(&[0.5, 0.1], &[0.0, 1.0], &[1.0]).is_err() && Quantiles::new(&[], &[], &[]).is_err());
        let e = Intervals::new(&[0.0, 2.0], &[1.0, 1.0], &[0.5, 0.5]).unwrap_err().to_string();
        assert_eq!(e, "task (unnamed): lower bound must be at most the upper one, found 2 (sample 1)");
    }
}
