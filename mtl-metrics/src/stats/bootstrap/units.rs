//! What is drawn: units, and how often.

use std::borrow::Cow;

use mtl_core::rng::Rng;
use serde::{Deserialize, Serialize};

/// What was drawn independently: samples, or groups of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    n: usize,
    /// The unit of each sample; none when each is its own.
    unit_of: Option<Vec<usize>>,
}

impl Units {
    /// `n` samples, each a unit.
    #[must_use]
    pub fn samples(n: usize) -> Self {
        Self { n, unit_of: None }
    }

    /// One unit per distinct id (a speaker, a user, an image), given the id of each sample. Units are in the order of ids, so
    /// the order of samples does not matter.
    ///
    /// ```
    /// use mtl_metrics::stats::Units;
    /// let units = Units::groups(&[7, 7, 3, 7]);
    /// assert_eq!((units.len(), units.n_samples()), (2, 4));
    /// ```
    #[must_use]
    pub fn groups(ids: &[u64]) -> Self {
        let mut known = ids.to_vec();
        known.sort_unstable();
        known.dedup();
        let unit_of = ids.iter().map(|id| known.partition_point(|other| other < id)).collect();
        Self { n: known.len(), unit_of: Some(unit_of) }
    }

    /// Units.
    #[must_use]
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there is no unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Samples.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.unit_of.as_ref().map_or(self.n, Vec::len)
    }

    /// The unit of a sample, below [`n_samples`](Self::n_samples).
    pub(super) fn unit(&self, sample: usize) -> usize {
        self.unit_of.as_ref().map_or(sample, |unit_of| unit_of[sample])
    }

    /// How often each sample is drawn, by how often each unit is.
    pub(super) fn spread<'a>(&self, counts: &'a [u32]) -> Cow<'a, [u32]> {
        match &self.unit_of {
            None => Cow::Borrowed(counts),
            Some(unit_of) => unit_of.iter().map(|unit| counts[*unit]).collect(),
        }
    }
}

/// How the counts of a resample are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resampling {
    /// As many units as there are, with replacement.
    #[default]
    Multinomial,
    /// Each unit a Poisson number of times, of mean 1, whatever the others: the size of a resample varies a little. What
    /// can be done where units arrive one by one.
    Poisson,
}

impl Resampling {
    /// Draws how often each unit is in a resample.
    pub fn draw(self, rng: &mut Rng, counts: &mut [u32]) {
        match self {
            Self::Multinomial => {
                counts.fill(0);
                for _ in 0..counts.len() {
                    #[expect(clippy::cast_possible_truncation, reason = "below a length")]
                    let unit = rng.below(counts.len() as u64) as usize;
                    counts[unit] += 1;
                }
            }
            Self::Poisson => counts.iter_mut().for_each(|count| *count = poisson(rng.uniform())),
        }
    }
}

/// The Poisson number of mean 1 that a uniform number stands for; beyond 18 the chance is below the grain of the numbers.
fn poisson(uniform: f64) -> u32 {
    let (mut k, mut chance) = (0, 1.0 / std::f64::consts::E);
    let mut at_most = chance;
    while uniform >= at_most && k < 18 {
        k += 1;
        chance /= f64::from(k);
        at_most += chance;
    }
    k
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_in_the_order_of_ids() {
        let units = Units::groups(&[9, 2, 9, 5]);
        assert_eq!(units.spread(&[1, 0, 3]).as_ref(), [3, 1, 3, 0]);
        assert_eq!((units.unit(0), units.unit(1), units.len()), (2, 0, 3));
        assert!(Units::groups(&[]).is_empty() && Units::samples(0).is_empty());
        assert_eq!(Units::samples(2).spread(&[4, 0]).as_ref(), [4, 0]);
    }

    #[test]
    fn counts_have_the_right_moments() {
        for resampling in [Resampling::Multinomial, Resampling::Poisson] {
            let (mut rng, mut counts) = (Rng::new(1), vec![0_u32; 50]);
            let (mut sum, mut squares, mut n) = (0.0, 0.0, 0.0);
            for _ in 0..2000 {
                resampling.draw(&mut rng, &mut counts);
                if resampling == Resampling::Multinomial {
                    assert_eq!(counts.iter().sum::<u32>(), 50);
                }
                for count in &counts {
                    (sum, squares, n) = (sum + f64::from(*count), squares + f64::from(*count).powi(2), n + 1.0);
                }
            }
            let (mean, variance) = (sum / n, squares / n - (sum / n).powi(2));
            let want = if resampling == Resampling::Multinomial { 0.98 } else { 1.0 };
            assert!((mean - 1.0).abs() < 0.01 && (variance - want).abs() < 0.03, "{mean} {variance}");
        }
    }

    #[test]
    fn poisson_by_its_distribution() {
        // At most 0: 0.3679, at most 1: 0.7358, at most 2: 0.9197.
        assert_eq!([0.0, 0.36, 0.37, 0.73, 0.74, 0.91, 0.92].map(poisson), [0, 0, 1, 1, 2, 2, 3]);
        assert!(poisson(1.0) == 18 && poisson(1.0 - f64::EPSILON) <= 18);
    }
}
