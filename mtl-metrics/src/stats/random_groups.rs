//! Random groups: how far off a statistic of very many samples may be, for the price of computing it twice.
//!
//! ```text
//! samples in random order, dealt into G groups of equal size     t_g: the statistic of group g     t: of all samples
//!
//! V = 1 / (G (G - 1)) sum_g (t_g - mean of t_g)^2                 interval: t +- Student(1 - alpha/2; G - 1) sqrt(V)
//! ```
//!
//! The bootstrap computes a statistic a thousand times, which nobody waits for when a test split has a hundred thousand rows.
//! A group of `n / G` samples has `G` times the variance of all of them, so the spread of the groups says what that of the
//! whole is; all groups together are read once. The statistic must be about as smooth as a mean (metrics of many samples
//! are) and its bias in a group does not matter, because only differences between groups are taken. With few groups the
//! standard error is itself uncertain by about `1 / sqrt(2 G)`, which Student's quantile makes up for.
//!
//! Groups on which the statistic is not defined (no positive there) are left out and counted; an interval needs at least half.
//!
//! **Reference**: P. C. Mahalanobis, "Recent Experiments in Statistical Sampling in the Indian Statistical Institute", JRSS
//! 109, 1946; K. M. Wolter, "Introduction to Variance Estimation", 2nd edition, 2007, chapter 2.
//! **Complexity** one pass over the samples and one over all groups.

use mtl_core::{
    Result,
    rng::{Rng, derive},
};
use serde::{Deserialize, Serialize};

use super::{estimate::student_quantile, normal::check_level};
use crate::{refusal::refuse, value::OrReason};

const WHAT: &str = "random groups";

/// How to deal samples into groups and which interval to make.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomGroups {
    /// Groups, at least 2 and at most half of the samples; 50 unless set.
    pub groups: usize,
    /// Equal seeds give equal groups; 0 unless set.
    pub seed: u64,
    /// What share of such intervals should hold the true value, in (0, 1); 0.95 unless set.
    pub level: f64,
}

impl Default for RandomGroups {
    fn default() -> Self {
        Self { groups: 50, seed: 0, level: 0.95 }
    }
}

/// A statistic with its uncertainty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupedInterval {
    /// The statistic of all samples.
    pub value: OrReason<f64>,
    /// Both ends; undefined with the value, or when more than half of the groups had to be left out.
    pub interval: OrReason<[f64; 2]>,
    /// Its standard error.
    pub standard_error: OrReason<f64>,
    /// Groups, those left out included.
    pub groups: usize,
    /// Groups on which the statistic was not defined.
    pub left_out: usize,
}

impl RandomGroups {
    /// Intervals of several statistics of `n` samples. `statistics` is handed positions of samples and gives one value, or
    /// the reason why there is none, per statistic, always as many and in the same order.
    ///
    /// ```
    /// use mtl_metrics::stats::RandomGroups;
    /// let xs: Vec<f64> = (0..10_000).map(|i| f64::from(i % 100)).collect();
    /// let mean = |rows: &[usize]| vec![Ok(rows.iter().map(|row| xs[*row]).sum::<f64>() / rows.len() as f64)];
    /// let found = RandomGroups::default().run(xs.len(), mean)?;
    /// // The standard deviation of the numbers is 28.87: that of their mean 0.289.
    /// assert!((found[0].standard_error.clone().unwrap() - 0.289).abs() < 0.09);
    /// # Ok::<(), mtl_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a number of groups or a level out of range.
    pub fn run(
        &self,
        n: usize,
        statistics: impl Fn(&[usize]) -> Vec<OrReason<f64>> + Send + Sync,
    ) -> Result<Vec<GroupedInterval>> {
        check_level(WHAT, self.level)?;
        if self.groups < 2 || self.groups > n / 2 {
            return Err(refuse(WHAT, "groups", format!("in 2..={}", n / 2), self.groups.to_string()));
        }
        let mut order: Vec<usize> = (0..n).collect();
        let mut rng = Rng::new(derive(self.seed, WHAT, 0));
        for last in (1..n).rev() {
            #[expect(clippy::cast_possible_truncation, reason = "below a length")]
            order.swap(last, rng.below(last as u64 + 1) as usize);
        }
        // Equal sizes: what is left over (fewer samples than groups) is in no group, but in the value.
        let size = n / self.groups;
        let of_groups: Vec<_> = order.chunks_exact(size).take(self.groups).map(&statistics).collect();
        order.sort_unstable();
        let of_all = statistics(&order);
        let interval = |(idx, value): (usize, OrReason<f64>)| {
            let values: Vec<OrReason<f64>> = of_groups
                .iter()
                .map(|group| group.get(idx).cloned().unwrap_or_else(|| Err("not given".to_owned())))
                .collect();
            self.conclude(value, &values)
        };
        of_all.into_iter().enumerate().map(interval).collect()
    }

    fn conclude(&self, value: OrReason<f64>, of_groups: &[OrReason<f64>]) -> Result<GroupedInterval> {
        let known: Vec<f64> = of_groups.iter().filter_map(|v| v.as_ref().ok().copied()).collect();
        let left_out = of_groups.len() - known.len();
        let standard_error = match (&value, of_groups.iter().find_map(|v| v.as_ref().err())) {
            (Err(reason), _) => Err(reason.clone()),
            (Ok(_), Some(reason)) if 2 * known.len() < of_groups.len() || known.len() < 2 => {
                Err(format!("not defined on {left_out} of {} groups: {reason}", of_groups.len()))
            }
            (Ok(_), _) => {
                let g = known.len() as f64;
                let mean = known.iter().sum::<f64>() / g;
                // Of one group of all: groups that were left out do not make the others speak for fewer samples.
                let spread = known.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / (g - 1.0);
                Ok((spread / of_groups.len() as f64).sqrt())
            }
        };
        let quantile = student_quantile(0.5 + 0.5 * self.level, known.len().saturating_sub(1).max(1) as f64)?;
        let interval = match (&value, &standard_error) {
            (Ok(value), Ok(error)) => Ok([value - quantile * error, value + quantile * error]),
            (Err(reason), _) | (_, Err(reason)) => Err(reason.clone()),
        };
        Ok(GroupedInterval { value, interval, standard_error, groups: of_groups.len(), left_out })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_mean_and_of_its_square_root() {
        let mut rng = Rng::new(3);
        let xs: Vec<f64> = (0..20_000).map(|_| 5.0 + rng.normal()).collect();
        let both = |rows: &[usize]| {
            let mean = rows.iter().map(|row| xs[*row]).sum::<f64>() / rows.len() as f64;
            vec![Ok(mean), Ok(mean.sqrt())]
        };
        let found = RandomGroups { groups: 200, ..RandomGroups::default() }.run(xs.len(), both).unwrap();
        let error = 1.0 / 20_000f64.sqrt();
        for (found, error) in found.iter().zip([error, error / (2.0 * 5f64.sqrt())]) {
            let ratio = found.standard_error.clone().unwrap() / error;
            assert!((ratio - 1.0).abs() < 0.15, "{ratio}");
        }
        let again = RandomGroups { groups: 200, ..RandomGroups::default() }.run(xs.len(), both).unwrap();
        assert_eq!(found, again);
    }

    #[test]
    fn by_hand() {
        // Whatever the order, each group of two out of four: means m and M with m + M = 2 mean.
        let xs = [1.0, 1.0, 3.0, 3.0];
        let mean = |rows: &[usize]| vec![Ok(rows.iter().map(|row| xs[*row]).sum::<f64>() / rows.len() as f64)];
        let found = RandomGroups { groups: 2, ..RandomGroups::default() }.run(4, mean).unwrap().remove(0);
        // Two groups of means 2 - d and 2 + d: variance 2 d^2, error d; d is 0 or 1.
        let error = found.standard_error.clone().unwrap();
        assert!(error < 1e-12 || (error - 1.0).abs() < 1e-12);
        assert_eq!(found.value, Ok(2.0));
    }

    #[test]
    fn undefined_groups_are_left_out_and_counted() {
        let half = |rows: &[usize]| {
            let some = rows.contains(&0);
            vec![
                if some { Err("zero".to_owned()) } else { Ok(rows.len() as f64) },
                Ok(1.0),
                if some { Ok(1.0) } else { Err("none".to_owned()) },
            ]
        };
        let found = RandomGroups { groups: 5, ..RandomGroups::default() }.run(50, half).unwrap();
        assert_eq!((found[0].value.clone(), found[0].left_out), (Err("zero".to_owned()), 1));
        assert_eq!(found[1].interval, Ok([1.0, 1.0]));
        assert_eq!(found[2].interval, Err("not defined on 4 of 5 groups: none".to_owned()));
        let e = RandomGroups { groups: 26, ..RandomGroups::default() }.run(50, half).unwrap_err().to_string();
        assert_eq!(e, "random groups: groups must be in 2..=25, found 26");
    }
}
