//! Where the numbers of a column lie: quantiles of those that are known in the training split.
//!
//! Of more than [`MOST`] numbers one of every equally long stretch of rows is looked at, drawn within its stretch, so that no rhythm
//! of the file is met: the share of samples below an edge is off by 0.2 % at most as a rule, and a column of any length costs the
//! same. Which rows are drawn depends on nothing but how many there are.

use super::scale::Scale;
use crate::rng::{Rng, Stream};

/// Bins that edges cut a column into, at most: 48 divides into halves, thirds, quarters, ..
const BINS: usize = 48;
/// The most numbers that are looked at.
const MOST: usize = 1 << 16;

/// Known numbers of a column, ascending.
pub(super) struct Sample(Vec<f64>);

impl Sample {
    /// Of the known numbers, which are gone through twice.
    pub(super) fn of(known: impl Iterator<Item = f64> + Clone) -> Self {
        let n = known.clone().count();
        let mut sample: Vec<f64> = if n <= MOST { known.collect() } else { drawn(known, n) };
        sample.sort_unstable_by(f64::total_cmp);
        Self(sample)
    }

    /// The number that a share `level` of them is not above, with what `of` makes of it; between two of them as much of either as is
    /// due, which is what NumPy does. `None` without numbers.
    pub(super) fn quantile(&self, level: f64, of: impl Fn(f64) -> f64) -> Option<f64> {
        let last = self.0.len().checked_sub(1)?;
        let place = level * last as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
        let below = (place.floor() as usize).min(last);
        let (low, high) = (of(*self.0.get(below)?), of(*self.0.get((below + 1).min(last))?));
        let part = place - below as f64;
        Some(if part > 0.0 { low + (high - low) * part } else { low })
    }

    /// The levels 0 to 1 in even steps, at most `n` of them and no more than numbers: ascending.
    pub(super) fn landmarks(&self, n: usize) -> Vec<f64> {
        let n = n.min(self.0.len());
        let at = |k: usize| self.quantile(k as f64 / n.saturating_sub(1).max(1) as f64, |x| x);
        let mut highest = f64::NEG_INFINITY;
        // The last digit of what lies between two numbers may be beyond the larger one.
        let ascending = (0..n).filter_map(at).map(|x| {
            highest = highest.max(x);
            highest
        });
        ascending.collect()
    }

    /// Edges of bins that hold about equally many numbers, in the scale that the network sees: ascending and distinct, so that a
    /// column of few values has few.
    pub(super) fn edges(&self, scale: &Scale<'_>) -> Vec<f32> {
        let edge = |t: usize| self.quantile(t as f64 / BINS as f64, |x| scale.forward(x));
        #[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
        let edges = (0..=BINS).filter_map(edge).map(|x| x as f32).filter(|x| x.is_finite());
        let mut edges: Vec<f32> = edges.collect();
        // Rounding may turn neighbors around where they are equal but for it.
        edges.sort_unstable_by(f32::total_cmp);
        edges.dedup_by(|a, b| *a <= *b);
        edges
    }
}

/// One of each of [`MOST`] stretches of `n` numbers.
fn drawn(known: impl Iterator<Item = f64>, n: usize) -> Vec<f64> {
    let mut rng = Rng::new(0, Stream::Quantiles, n as u64);
    let mut draw = |stretch: usize| {
        let (from, to) = (stretch * n / MOST, (stretch + 1) * n / MOST);
        from + usize::try_from(rng.below((to - from) as u64)).unwrap_or(0)
    };
    let (mut sample, mut next) = (Vec::with_capacity(MOST), draw(0));
    for (at, x) in known.enumerate() {
        if at == next {
            sample.push(x);
            if sample.len() == MOST {
                break;
            }
            next = draw(sample.len());
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Transform;

    fn edges(values: &[f64]) -> Vec<f32> {
        Sample::of(values.iter().copied()).edges(&Scale {
            transform: Transform::None,
            mean: 0.0,
            std: 1.0,
            quantiles: &[],
        })
    }

    #[test]
    fn edges_by_hand() {
        let all: Vec<f64> = (0..=96).rev().map(f64::from).collect();
        assert_eq!(edges(&all), (0..=48u8).map(|t| f32::from(2 * t)).collect::<Vec<_>>());
        let of_two: Vec<f64> = (0..97).map(|i| if i % 2 == 0 { 3.0 } else { 1.0 }).collect();
        assert_eq!(edges(&of_two), [1.0, 3.0]);
        assert_eq!(edges(&[7.0; 9]), [7.0]);
        assert_eq!(edges(&[0.0, -0.0]), [0.0]);
        assert!(edges(&[]).is_empty());
        let scaled = Scale { transform: Transform::Standard, mean: 1.0, std: 2.0, quantiles: &[] };
        assert_eq!(Sample::of([1.0, 5.0].into_iter()).edges(&scaled).last(), Some(&2.0));
    }

    #[test]
    fn a_long_column_is_sampled_evenly() {
        let n = 5 * MOST + 17;
        // A rhythm of five, which every fifth row would take for a constant.
        let sample = Sample::of((0..n).map(|row| (row % 5) as f64));
        assert_eq!(sample.0.len(), MOST);
        for level in [0.1, 0.3, 0.5, 0.7, 0.9] {
            let found = sample.quantile(level, |x| x).unwrap();
            assert!((found - (5.0 * level).floor()).abs() < 1e-9, "{level}: {found}");
        }
        let ascending = Sample::of((0..n).map(|row| row as f64));
        let worst = (0..=48)
            .map(|t| f64::from(t) / 48.0)
            .map(|level| (ascending.quantile(level, |x| x).unwrap() / (n - 1) as f64 - level).abs());
        assert!(worst.fold(0.0, f64::max) < 1e-4);
    }
}
