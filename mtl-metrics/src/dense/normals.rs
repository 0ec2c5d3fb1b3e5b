//! Surface normals: the angle between what was said and what is.
//!
//! ```text
//! angle = atan2(|a x b|, a . b) in degrees      mean, median, share below 11.25, 22.5, 30
//! ```
//!
//! Vectors need no unit length. A true vector of 0 (or with a NaN) means unknown. The median of an even number of
//! angles is the mean of the middle two. It needs every angle: 4 bytes a pixel, rounded to `f32`; the other numbers
//! need 600 bytes.
//!
//! **Shapes** vectors `[3, n]` (plane after plane, as a tensor `[3, h, w]` lies in memory). **State** see above.
//!
//! **Reference** D. Fouhey et al., *Data-Driven 3D Primitives*, ICCV 2013; LibMTL's NYUv2 `NormalMetric`. **Differs
//! from** it: it takes `arccos` of a clamped product, which knows angles near 0 to 1e-6 degrees at best (and its median
//! of an even number is the lower one); this form is exact to rounding.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::by_chunks,
    mean::ExactMean,
    metric::{Metric, MetricState, add_counts, refused},
    ranks::{key, radix_sorted, score},
    refusal::{refuse, same_length},
    value::{MetricValue, OrReason},
};
use crate::{
    input::MetricBatch,
    judged::{FromJudged, Shelf},
};

/// Said and true normals.
#[derive(Debug, Clone, Copy)]
pub struct NormalMaps<'a> {
    said: [&'a [f32]; 3],
    truth: [&'a [f32]; 3],
}

impl<'a> NormalMaps<'a> {
    /// Vectors as three planes, `[3, n]`.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] when the lengths differ or are no multiple of 3.
    pub fn planes(said: &'a [f32], truth: &'a [f32]) -> Result<Self> {
        same_length("normal maps", "said map", truth.len(), said.len())?;
        let n = truth.len() / 3;
        same_length("normal maps", "true map", 3 * n, truth.len())?;
        let split = |of: &'a [f32]| [&of[..n], &of[n..2 * n], &of[2 * n..]];
        Ok(Self { said: split(said), truth: split(truth) })
    }

    /// The angle at a pixel in degrees, `None` where the truth is unknown.
    fn angle(&self, pixel: usize) -> Result<Option<f64>> {
        let vector = |planes: &[&[f32]; 3]| planes.map(|plane| f64::from(plane[pixel]));
        let (a, b) = (vector(&self.said), vector(&self.truth));
        let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        let (size_a, size_b) = (dot(a, a), dot(b, b));
        if size_b.is_nan() || size_b <= 0.0 {
            return Ok(None);
        }
        if !(size_a > 0.0 && size_a.is_finite() && size_b.is_finite()) {
            let found = format!("{a:?} beside {b:?} at pixel {pixel}");
            return Err(refuse("normal maps", "vectors", "finite, and said ones not zero", found));
        }
        let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
        Ok(Some(dot(cross, cross).sqrt().atan2(dot(a, b)).to_degrees()))
    }
}

/// Sum of angles and the numbers below the usual limits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AngleSums {
    mean: ExactMean,
    /// Below 11.25, 22.5, 30 degrees.
    below: [u64; 3],
}

impl MetricState for AngleSums {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let mut merged = self.clone();
        add_counts(&mut merged.below, &other.below)?;
        merged.mean.merge(&other.mean)?;
        *self = merged;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.mean.check()?;
        let [a, b, c] = self.below;
        if a <= b && b <= c && c <= self.mean.n() { Ok(()) } else { Err("its counts contradict each other".to_owned()) }
    }
}

/// Which number a [`NormalAngle`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AngleNumber {
    /// Mean angle, degrees.
    #[default]
    Mean,
    /// Share below 11.25 degrees.
    Below11,
    /// Share below 22.5 degrees.
    Below22,
    /// Share below 30 degrees.
    Below30,
}

/// Mean angle (degrees, `[0, 180]`) or share of small ones (`[0, 1]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NormalAngle {
    /// What `compute` gives.
    pub number: AngleNumber,
}

impl Metric for NormalAngle {
    type Batch<'a> = NormalMaps<'a>;
    type State = AngleSums;

    fn name(&self) -> &'static str {
        match self.number {
            AngleNumber::Mean => "normal-mean",
            AngleNumber::Below11 => "normal-11.25",
            AngleNumber::Below22 => "normal-22.5",
            AngleNumber::Below30 => "normal-30",
        }
    }

    fn direction(&self) -> Direction {
        if self.number == AngleNumber::Mean { Direction::Minimize } else { Direction::Maximize }
    }

    fn range(&self) -> (f64, f64) {
        (0.0, if self.number == AngleNumber::Mean { 180.0 } else { 1.0 })
    }

    fn update(&self, state: &mut AngleSums, batch: &NormalMaps<'_>) -> Result<()> {
        let part: AngleSums = by_chunks(batch.truth[0].len(), 0, |range| {
            let mut part = AngleSums::default();
            for pixel in range {
                let Some(angle) = batch.angle(pixel)? else { continue };
                part.mean.add(angle);
                for (count, limit) in part.below.iter_mut().zip([11.25, 22.5, 30.0]) {
                    *count += u64::from(angle < limit);
                }
            }
            Ok(part)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &AngleSums) -> MetricValue {
        let share = |idx: usize| MetricValue::ratio(state.below[idx] as f64, state.mean.n());
        match self.number {
            AngleNumber::Mean => state.mean.value(),
            AngleNumber::Below11 => share(0),
            AngleNumber::Below22 => share(1),
            AngleNumber::Below30 => share(2),
        }
    }
}

/// Every angle, as a key that sorts like it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Angles(#[serde(with = "crate::samples::sorted_differences")] Vec<u32>);

impl PartialEq for Angles {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && radix_sorted(&self.0) == radix_sorted(&other.0)
    }
}

impl MetricState for Angles {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.0.extend_from_slice(&other.0);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let range = key(0.0)..=key(180.0);
        if self.0.iter().all(|key| range.contains(key)) { Ok(()) } else { Err("an angle is out of range".to_owned()) }
    }
}

/// The median angle, degrees, `[0, 180]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NormalMedian;

impl Metric for NormalMedian {
    type Batch<'a> = NormalMaps<'a>;
    type State = Angles;

    fn name(&self) -> &'static str {
        "normal-median"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 180.0)
    }

    fn update(&self, state: &mut Angles, batch: &NormalMaps<'_>) -> Result<()> {
        let part: Angles = by_chunks(batch.truth[0].len(), 0, |range| {
            let mut part = Angles::default();
            for pixel in range {
                if let Some(angle) = batch.angle(pixel)? {
                    #[expect(clippy::cast_possible_truncation, reason = "angles are kept as f32")]
                    part.0.push(key(angle as f32));
                }
            }
            Ok(part)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Angles) -> MetricValue {
        let sorted = radix_sorted(&state.0);
        let n = sorted.len();
        let at = |idx: usize| sorted.get(idx).map_or(0.0, |&key| f64::from(score(key)));
        let middle = (at(n.saturating_sub(1) / 2) + at(n / 2)) / 2.0;
        if n == 0 { MetricValue::ratio(0.0, 0) } else { MetricValue::defined(middle, n as u64) }
    }
}

/// Three numbers a sample as a vector.
impl<'a> FromJudged<'a> for NormalMaps<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let (said, truth) = judged.values(metric)?;
        if truth.n_cols() != 3 {
            return Err(judged.unfit(metric, "vectors as three numbers x, y, z"));
        }
        let planes = |numbers: &[f32]| -> &'a [f32] {
            let plane = |axis: usize| numbers.iter().skip(axis).step_by(3).copied();
            shelf.keep(plane(0).chain(plane(1)).chain(plane(2)).collect())
        };
        Self::planes(planes(said.flat()), planes(truth.flat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        // Right, 45 degrees, opposite, unknown; lengths do not matter.
        let truth = [1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        let said = [3.0, 0.0, 0.0, 9.0, 0.0, 1.0, 0.0, 9.0, 0.0, 1.0, -1.0, 9.0];
        let maps = NormalMaps::planes(&said, &truth).unwrap();
        let mut median = Streaming::new(NormalMedian);
        median.update_batch(&maps).unwrap();
        assert_eq!((median.compute().value, median.compute().support), (Some(45.0), 3));
        let mut share = Streaming::new(NormalAngle { number: AngleNumber::Below30 });
        share.update_batch(&maps).unwrap();
        assert_eq!(share.compute().value, Some(1.0 / 3.0));
        let mean = NormalAngle::default().compute(share.remembered());
        assert!((mean.value.unwrap() - 75.0).abs() < 1e-12);
    }

    #[test]
    fn vectors_must_have_a_direction() {
        let maps = NormalMaps::planes(&[0.0; 3], &[1.0, 0.0, 0.0]).unwrap();
        assert!(Streaming::new(NormalMedian).update_batch(&maps).is_err());
        assert!(NormalMaps::planes(&[0.0; 4], &[0.0; 4]).is_err());
        assert_eq!(Streaming::new(NormalMedian).compute().get(), Err("no known label"));
    }
}
