//! Features of said and of true samples, which are not pairs.

use mtl_core::Result;

use crate::refusal::{check_each, refuse, same_length};
use crate::{
    input::MetricBatch,
    judged::{FromJudged, Shelf},
};

/// The most numbers of a feature: a covariance of 128 MiB.
const MAX_WIDTH: usize = 4096;

/// Features `[n, d]` of said samples and `[m, d]` of true ones, row after row. Either side may be empty in a batch.
#[derive(Debug, Clone, Copy)]
pub struct Features<'a> {
    pub(crate) said: &'a [f32],
    pub(crate) truth: &'a [f32],
    pub(crate) d: usize,
}

impl<'a> Features<'a> {
    /// Features of `d` numbers.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] when a side is no multiple of `d`, [`mtl_core::Error::InvalidConfig`] for `d` outside
    /// `1..=4096` and numbers that are not finite or beyond 1e15.
    pub fn new(said: &'a [f32], truth: &'a [f32], d: usize) -> Result<Self> {
        if !(1..=MAX_WIDTH).contains(&d) {
            return Err(refuse("features", "width", format!("1 to {MAX_WIDTH}"), d.to_string()));
        }
        for (field, of) in [("said", said), ("truth", truth)] {
            same_length("features", field, of.len() / d * d, of.len())?;
            check_each("features", field, "a number up to 1e15", of, |x| x.abs() <= 1e15)?;
        }
        Ok(Self { said, truth, d })
    }
}

/// The numbers of a sample as its features.
impl<'a> FromJudged<'a> for Features<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let known = judged.known_values(metric, shelf)?;
        Self::new(known.said, known.truth, known.n_cols)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_whole_and_finite() {
        assert!(Features::new(&[1.0, 2.0], &[], 2).is_ok());
        assert!(Features::new(&[1.0, 2.0, 3.0], &[], 2).is_err() && Features::new(&[], &[], 0).is_err());
        assert!(Features::new(&[1.0, f32::INFINITY], &[], 2).is_err());
    }
}
