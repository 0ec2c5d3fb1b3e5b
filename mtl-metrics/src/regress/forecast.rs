//! Probabilistic forecasts beside what came: the batches of CRPS and interval metrics.
//!
//! | batch | forecast | shape |
//! |---|---|---|
//! | [`Ensemble`] | members, equally likely | `[b, m]` |
//! | [`Gaussian`] | mean and standard deviation | `[b]`, `[b]` |
//! | [`Quantiles`] | quantiles at fixed levels | `[b, q]` |
//! | [`Intervals`] | lower and upper bound | `[b]`, `[b]` |
//!
//! Of [distributions](mtl_core::distribution) that heads answer, means with deviations and quantiles are made; several outputs come
//! one after the other. All borrow row-major slices and are checked when they are made; a truth of NaN is missing, and its forecast may hold
//! anything.

use mtl_core::{
    Error, Result,
    distribution::{Density, Family, Forecast, Form, Support},
};

use crate::{
    MetricBatch,
    judged::{FromJudged, Shelf},
    mean::Pair,
};

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

/// A distribution of a family that a head answered, for a label that the family is of: parameters within their ranges.
///
/// # Errors
/// [`Error::Label`] naming task and sample for a parameter out of its range, and for a label that the family is not of.
pub(crate) fn judged_family(
    batch: &MetricBatch<'_>,
    forecast: &Forecast,
    family: Family,
    pair: &Pair,
) -> Result<(&'static dyn Density, Vec<f64>)> {
    let (density, mut p) = (family.density(), Vec::new());
    forecast.read(pair.row, pair.output, &mut p);
    if let Some((at, expected)) = density.refused(&p) {
        let name = density.parameters().get(at).map_or("parameter", |(name, _)| *name);
        return Err(batch.refuse(name, expected, &p[at], pair.row));
    }
    if !density.support().holds(pair.truth) {
        let expected = format!("{} for the {family} family, or NaN for missing", Support::Counts.describe());
        return Err(batch.refuse("target", expected, &pair.truth, pair.row));
    }
    Ok((density, p))
}

/// What `tell` reads of the distribution of each cell, with the truth of each; for a metric that knows no weights.
fn cells<'a>(
    judged: &MetricBatch<'a>,
    metric: &str,
    forecast: &Forecast,
    shelf: &'a Shelf,
    tell: impl Fn(&[f64], &mut Vec<f64>),
) -> Result<(Vec<f32>, &'a [f32])> {
    let (said, truth) = judged.values(metric)?;
    let (mut all, mut p, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..said.n_rows() {
        for output in 0..said.n_cols() {
            forecast.read(row, output, &mut p);
            told.clear();
            tell(&p, &mut told);
            #[expect(clippy::cast_possible_truncation, reason = "predictions are f32")]
            all.extend(told.iter().map(|x| *x as f32));
        }
    }
    Ok((all, truth.into_flat(shelf)))
}

/// The levels at which quantiles are read off a family.
const LEVELS: [f64; 19] =
    [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

impl<'a> FromJudged<'a> for Gaussian<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        match judged.forecast().map(|forecast| (forecast, forecast.form())) {
            Some((forecast, Form::Family { family: Family::Gaussian, .. })) => {
                let (all, truth) = cells(judged, metric, forecast, shelf, |p, told| told.extend_from_slice(p))?;
                let column = |at| shelf.keep(all.iter().skip(at).step_by(2).copied().collect());
                Self::new(column(0), column(1), truth)
            }
            _ => Err(judged.unfit(metric, "gaussian distributions of numbers")),
        }
    }
}

/// Quantiles that a head answers; of a family those at 0.05, 0.1, .. 0.95.
impl<'a> FromJudged<'a> for Quantiles<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let (levels, (all, truth)) = match judged.forecast().map(|forecast| (forecast, forecast.form())) {
            Some((forecast, Form::Quantiles { levels })) => {
                let as_said = |p: &[f64], told: &mut Vec<f64>| told.extend_from_slice(p);
                (levels.as_slice(), cells(judged, metric, forecast, shelf, as_said)?)
            }
            Some((forecast, Form::Family { family, .. })) => {
                let density = family.density();
                let read_off = |p: &[f64], told: &mut Vec<f64>| match density.refused(p) {
                    None => told.extend(LEVELS.iter().map(|level| density.quantile(p, *level))),
                    Some(_) => told.extend(LEVELS.iter().map(|_| f64::NAN)),
                };
                (LEVELS.as_slice(), cells(judged, metric, forecast, shelf, read_off)?)
            }
            None => return Err(judged.unfit(metric, "distributions of numbers")),
        };
        Self::new(levels, shelf.keep(all), truth)
    }
}

crate::judged::answers_to_come! {
    Ensemble<'a> => "ensembles";
    Intervals<'a> => "intervals";
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
