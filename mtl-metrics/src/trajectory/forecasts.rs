//! Several forecast ways of one agent beside the one it took.

use mtl_core::Result;

use crate::refusal::{check_each, refuse, same_length};
use crate::{
    input::MetricBatch,
    judged::{FromJudged, Shelf},
};

/// Forecasts of `n` agents: `k` ways of `t` points each, with a probability a way.
#[derive(Debug, Clone, Copy)]
pub struct Forecasts<'a> {
    ways: &'a [[f64; 2]],
    probs: &'a [f64],
    truth: &'a [[f64; 2]],
    shape: [usize; 3],
}

/// One agent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Agent<'a> {
    /// `[k, t]`.
    pub(crate) ways: &'a [[f64; 2]],
    /// `[k]`.
    pub(crate) probs: &'a [f64],
    /// `[t]`.
    pub(crate) truth: &'a [[f64; 2]],
}

impl<'a> Forecasts<'a> {
    /// Ways `[n, k, t]`, probabilities `[n, k]` (only their order matters to most metrics), truth `[n, t]`; shape `[n,
    /// k, t]`.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists that do not fit together, [`mtl_core::Error::InvalidConfig`] for numbers
    /// that are not finite, negative probabilities and shapes without a way or point.
    pub fn new(ways: &'a [[f64; 2]], probs: &'a [f64], truth: &'a [[f64; 2]], [n, k, t]: [usize; 3]) -> Result<Self> {
        if k == 0 || t == 0 {
            return Err(refuse("forecasts", "shape", "[n, k, t] with a way and a point", format!("[{n}, {k}, {t}]")));
        }
        same_length("forecasts", "ways", n.saturating_mul(k).saturating_mul(t), ways.len())?;
        same_length("forecasts", "probabilities", n.saturating_mul(k), probs.len())?;
        same_length("forecasts", "truth", n.saturating_mul(t), truth.len())?;
        for (field, points) in [("ways", ways), ("truth", truth)] {
            check_each("forecasts", field, "a number up to 1e100", points.iter().flatten(), |x| x.abs() <= 1e100)?;
        }
        check_each("forecasts", "probabilities", "0 or more", probs, |p| (0.0..=1e100).contains(&p))?;
        Ok(Self { ways, probs, truth, shape: [n, k, t] })
    }

    /// `[n, k, t]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    pub(crate) fn agents(&self) -> impl Iterator<Item = Agent<'a>> {
        let [_, k, t] = self.shape;
        let sides = self.ways.chunks_exact(k * t).zip(self.probs.chunks_exact(k)).zip(self.truth.chunks_exact(t));
        sides.map(|((ways, probs), truth)| Agent { ways, probs, truth })
    }
}

/// The distance of two points.
pub(crate) fn distance(a: &[f64; 2], b: &[f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The numbers of a sample as the points of one way, `x, y, x, y, ..`.
impl<'a> FromJudged<'a> for Forecasts<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let known = judged.known_values(metric, shelf)?;
        if !known.n_cols.is_multiple_of(2) {
            return Err(judged.unfit(metric, "points as numbers x, y, x, y, .."));
        }
        let points = |numbers: &[f32]| -> Vec<[f64; 2]> {
            numbers.chunks_exact(2).map(|point| [f64::from(point[0]), f64::from(point[1])]).collect()
        };
        let (ways, truth) = (shelf.keep(points(known.said)), shelf.keep(points(known.truth)));
        Self::new(ways, shelf.keep(vec![1.0; known.n_rows()]), truth, [known.n_rows(), 1, known.n_cols / 2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_fit_together() {
        let points = [[0.0, 0.0]; 4];
        assert_eq!(Forecasts::new(&points, &[0.5; 2], &points[..2], [1, 2, 2]).unwrap().agents().count(), 1);
        assert!(Forecasts::new(&points, &[0.5; 2], &points[..2], [2, 1, 2]).is_err());
        assert!(Forecasts::new(&[], &[], &[], [0, 0, 2]).is_err());
        let e = Forecasts::new(&points, &[0.5, -0.5], &points[..2], [1, 2, 2]).unwrap_err().to_string();
        assert_eq!(e, "forecasts: probabilities must be 0 or more, found -0.5 at position 1");
    }
}
