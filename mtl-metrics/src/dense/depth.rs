//! Depth: AbsRel, SqRel, RMSE, RMSE-log and the shares within 1.25^k.
//!
//! ```text
//! AbsRel = mean |p - d| / d      SqRel = mean (p - d)^2 / d      log10 = mean |log10 p - log10 d|
//! RMSE = sqrt(mean (p - d)^2)    RMSE-log = sqrt(mean (ln p - ln d)^2)
//! delta_k = share of pixels with max(p / d, d / p) < 1.25^k
//! ```
//!
//! Over all pixels of all images whose true depth `d` lies in `[nearest, farthest]` (a depth of 0 or NaN means
//! unknown); the prediction is clamped into that range, so that its logarithm exists.
//!
//! **Shapes** maps of equal length, any order, meters (or any unit). **State** 2.8 kB.
//!
//! **Reference** D. Eigen et al., *Depth Map Prediction from a Single Image*, NeurIPS 2014; LibMTL's NYUv2
//! `DepthMetric` (AbsRel and mean absolute error). **Differs from** Eigen's and later code, which average over images
//! what was averaged over pixels: here pixels are pooled, as in the definition.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::by_chunks,
    exact_sum::ExactSum,
    metric::{Metric, MetricState, add_counts, refused},
    refusal::{refuse, same_length},
    value::{MetricValue, OrReason},
};
use crate::{
    input::MetricBatch,
    judged::{FromJudged, Shelf},
};

/// Said and true depths, one a pixel.
#[derive(Debug, Clone, Copy)]
pub struct DepthMaps<'a> {
    said: &'a [f32],
    truth: &'a [f32],
}

impl<'a> DepthMaps<'a> {
    /// Maps of any shape; a true depth of 0 or NaN means unknown.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for maps of different sizes.
    pub fn new(said: &'a [f32], truth: &'a [f32]) -> Result<Self> {
        same_length("depth maps", "said map", truth.len(), said.len())?;
        Ok(Self { said, truth })
    }
}

/// Sums over known pixels.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DepthSums {
    /// Of `|p-d|/d`, `(p-d)^2/d`, `(p-d)^2`, `(ln p - ln d)^2`, `|log10 p - log10 d|`.
    sums: [ExactSum; 5],
    /// Known pixels, then those within 1.25, 1.25^2, 1.25^3.
    counts: [u64; 4],
}

impl MetricState for DepthSums {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        add_counts(&mut self.counts, &other.counts)?;
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, theirs)| sum.merge(theirs));
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let falling = self.counts[1] <= self.counts[2] && self.counts[2] <= self.counts[3];
        let known = self.counts[3] <= self.counts[0];
        let sums = self.sums.iter().map(ExactSum::value);
        let fits = if self.counts[0] == 0 { self.sums == <[ExactSum; 5]>::default() } else { true };
        if falling && known && fits && sums.into_iter().all(|sum| sum >= 0.0) {
            return Ok(());
        }
        Err("its sums contradict its counts".to_owned())
    }
}

/// Which number a [`Depth`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the module essay says what each is")]
pub enum DepthNumber {
    #[default]
    AbsRel,
    SqRel,
    Rmse,
    RmseLog,
    Log10,
    Delta1,
    Delta2,
    Delta3,
}

impl DepthNumber {
    /// All.
    pub const ALL: [Self; 8] =
        [Self::AbsRel, Self::SqRel, Self::Rmse, Self::RmseLog, Self::Log10, Self::Delta1, Self::Delta2, Self::Delta3];
}

/// A number of depth estimation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Depth {
    number: DepthNumber,
    nearest: f32,
    farthest: f32,
}

impl Depth {
    /// Depths between `nearest` and `farthest`; usual are 1e-3 and 10 m indoors (NYUv2), 80 m on roads (KITTI).
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] unless `0 < nearest < farthest`.
    pub fn new(number: DepthNumber, nearest: f32, farthest: f32) -> Result<Self> {
        if nearest > 0.0 && nearest < farthest && farthest.is_finite() {
            return Ok(Self { number, nearest, farthest });
        }
        Err(refuse("depth", "range", "0 < nearest < farthest", format!("{nearest} to {farthest}")))
    }

    /// Another number of the same state.
    #[must_use]
    pub fn read(&self, state: &DepthSums, number: DepthNumber) -> MetricValue {
        let [n, within @ ..] = state.counts;
        let mean = |idx: usize| MetricValue::ratio(state.sums[idx].value(), n);
        let root = |idx: usize| match mean(idx).value {
            Some(square) => MetricValue::defined(square.sqrt(), n),
            None => mean(idx),
        };
        match number {
            DepthNumber::AbsRel => mean(0),
            DepthNumber::SqRel => mean(1),
            DepthNumber::Rmse => root(2),
            DepthNumber::RmseLog => root(3),
            DepthNumber::Log10 => mean(4),
            DepthNumber::Delta1 => MetricValue::ratio(within[0] as f64, n),
            DepthNumber::Delta2 => MetricValue::ratio(within[1] as f64, n),
            DepthNumber::Delta3 => MetricValue::ratio(within[2] as f64, n),
        }
    }
}

impl Metric for Depth {
    type Batch<'a> = DepthMaps<'a>;
    type State = DepthSums;

    fn name(&self) -> &'static str {
        match self.number {
            DepthNumber::AbsRel => "abs-rel",
            DepthNumber::SqRel => "sq-rel",
            DepthNumber::Rmse => "depth-rmse",
            DepthNumber::RmseLog => "depth-rmse-log",
            DepthNumber::Log10 => "depth-log10",
            DepthNumber::Delta1 => "delta-1",
            DepthNumber::Delta2 => "delta-2",
            DepthNumber::Delta3 => "delta-3",
        }
    }

    fn direction(&self) -> Direction {
        match self.number {
            DepthNumber::Delta1 | DepthNumber::Delta2 | DepthNumber::Delta3 => Direction::Maximize,
            _ => Direction::Minimize,
        }
    }

    fn range(&self) -> (f64, f64) {
        (0.0, if self.direction() == Direction::Maximize { 1.0 } else { f64::INFINITY })
    }

    fn update(&self, state: &mut DepthSums, batch: &DepthMaps<'_>) -> Result<()> {
        let part: DepthSums = by_chunks(batch.truth.len(), 1 << 16, |range| {
            let mut part = DepthSums::default();
            let (low, high) = (self.nearest, self.farthest);
            for ((pixel, &d), &p) in range.clone().zip(&batch.truth[range.clone()]).zip(&batch.said[range]) {
                if !(low..=high).contains(&d) {
                    continue;
                }
                if !p.is_finite() {
                    return Err(refuse("depth maps", "said depth", "finite", format!("{p} at pixel {pixel}")));
                }
                let (p, d) = (f64::from(p.clamp(low, high)), f64::from(d));
                let (off, log) = (p - d, p.ln() - d.ln());
                let terms = [off.abs() / d, off * off / d, off * off, log * log, (p.log10() - d.log10()).abs()];
                part.sums.iter_mut().zip(terms).for_each(|(sum, term)| sum.add(term));
                part.counts[0] += 1;
                let ratio = (p / d).max(d / p);
                for (count, limit) in part.counts[1..].iter_mut().zip([1.25, 1.25 * 1.25, 1.25 * 1.25 * 1.25]) {
                    *count += u64::from(ratio < limit);
                }
            }
            Ok(part)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &DepthSums) -> MetricValue {
        self.read(state, self.number)
    }
}

/// Every number as a depth.
impl<'a> FromJudged<'a> for DepthMaps<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let (said, truth) = judged.values(metric)?;
        Self::new(said.into_flat(shelf), truth.into_flat(shelf))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        let depth = Depth::new(DepthNumber::AbsRel, 1e-3, 10.0).unwrap();
        let mut metric = Streaming::new(depth);
        let maps = DepthMaps::new(&[1.0, 3.0, 7.0, f32::NAN], &[2.0, 2.0, 0.0, f32::NAN]).unwrap();
        metric.update_batch(&maps).unwrap();
        let of = |number| depth.read(metric.remembered(), number).value.unwrap();
        assert_eq!((of(DepthNumber::AbsRel), of(DepthNumber::Rmse), of(DepthNumber::SqRel)), (0.5, 1.0, 0.5));
        assert_eq!((of(DepthNumber::Delta1), of(DepthNumber::Delta2), of(DepthNumber::Delta3)), (0.0, 0.5, 0.5));
        assert_eq!(metric.compute().support, 2, "unknown pixels may hold anything");
        let e = metric.update_batch(&DepthMaps::new(&[f32::NAN], &[1.0]).unwrap()).unwrap_err().to_string();
        assert_eq!(e, "depth maps: said depth must be finite, found NaN at pixel 0");
        assert!(Depth::new(DepthNumber::Rmse, 0.0, 1.0).is_err());
    }
}
