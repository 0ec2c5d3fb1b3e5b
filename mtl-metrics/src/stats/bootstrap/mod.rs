//! The bootstrap: how far off may any statistic of these data be, if other data of the same kind had been drawn?
//!
//! ```text
//! c_1 .. c_n   how often each unit is in a resample          Multinomial(n; 1/n, .., 1/n), or n times Poisson(1)
//! t_b          the statistic of resample b, b = 1 .. B       t: that of the data       t_(-i): that without unit i
//!
//! percentile   [Q(alpha), Q(1 - alpha)]                      Q: quantile of t_b, alpha = (1 - level) / 2
//! BCa          [Q(alpha_1), Q(alpha_2)]                      alpha_k = Phi(z0 + (z0 + z_k) / (1 - a (z0 + z_k)))
//! z0           Phi^-1( (#{t_b < t} + #{t_b <= t}) / 2B )     z_1 = Phi^-1(alpha), z_2 = -z_1
//! a            sum u_i^3 / (6 (sum u_i^2)^(3/2))             u_i = mean of t_(-j) - t_(-i)
//! ```
//!
//! A **unit** is what was drawn independently: a sample, or all samples of a speaker, user or image ([`Units::groups`]).
//! Resampling samples that belong together gives intervals that are too narrow. A statistic is handed the counts `c`, not
//! data drawn anew, so whatever can be summed is read once:
//!
//! | door | statistic | cost of a resample, of all jackknife values |
//! |---|---|---|
//! | [`Bootstrap::run`] | any function of counts, also the difference of two systems | yours, `n` times yours |
//! | [`Bootstrap::run_given`] | the same on resamples of your own | the same |
//! | [`Bootstrap::ratio`] | a ratio of sums: WER, accuracy, a mean | `O(n)`, `O(n)` |
//! | [`Bootstrap::auroc`] | AUROC, sorted once | `O(n)`, `O(n log n)` |
//! | [`Bootstrap::joint`] | several statistics on the same resamples, percentiles only | yours, - |
//! | [`Bootstrap::states`] | any [`Metric`](crate::Metric), one state a unit | `n` merges, `n^2` merges |
//!
//! Resample `b` has a random stream of its own: the same seed gives the same interval at any number of threads. BCa corrects
//! for bias and skewness; its jackknife takes one evaluation a unit, so prefer [`Interval::Percentile`] where a statistic is
//! dear and units are many. Resamples on which the statistic is not defined (no positive drawn) are left out and counted; an
//! interval needs at least half of them.
//!
//! **Reference**: B. Efron, "Better Bootstrap Confidence Intervals", JASA 82, 1987; B. Efron, R. J. Tibshirani, "An
//! Introduction to the Bootstrap", 1993, chapters 13 and 14; equal to `scipy.stats.bootstrap` on the same resamples.
//! **Differs from** scipy, which gives NaN where an interval is not defined (one unit, all jackknife values equal, all
//! resamples on one side of the data): here there is a reason; and which has neither groups nor Poisson counts.

mod auroc;
mod interval;
mod joint;
mod ratio;
mod states;
mod units;

use mtl_core::{Error, Result, rng::Rng};
use serde::{Deserialize, Serialize};

pub use interval::{BcaTerms, BootstrapInterval, Interval};
pub use units::{Resampling, Units};

use super::{Draws, normal::check_level};
use crate::{
    chunks::map_each,
    refusal::{LARGEST, refuse},
    value::OrReason,
};
use interval::Found;

const WHAT: &str = "bootstrap";

/// How to resample and which interval to make. By [`ratio`](Self::ratio) for sums, [`auroc`](Self::auroc),
/// [`states`](Self::states) of any metric, or [`run`](Self::run) of any function of counts.
///
/// ```
/// use mtl_metrics::stats::{Bootstrap, Units};
/// let errors = [0.3, 0.1, 0.4, 0.1, 0.5, 0.9, 0.2, 0.6];
/// // A weighted mean by counts; every statistic is written in this way:
/// let mean = |counts: &[u32]| {
///     let n: u32 = counts.iter().sum();
///     Ok(counts.iter().zip(&errors).map(|(c, e)| f64::from(*c) * e).sum::<f64>() / f64::from(n))
/// };
/// let found = Bootstrap::default().run(&Units::samples(errors.len()), mean)?;
/// let [low, high] = found.interval.unwrap();
/// assert!(low < 0.3875 && 0.3875 < high && high - low < 0.4, "{low} {high}");
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bootstrap {
    /// Resamples `B` and seed; 2000 resamples unless set, at least 100.
    pub draws: Draws,
    /// How counts are drawn; multinomial unless set.
    pub resampling: Resampling,
    /// Which interval; BCa unless set.
    pub interval: Interval,
    /// What share of such intervals should hold the true value, in (0, 1); 0.95 unless set.
    pub level: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        let (resampling, interval) = (Resampling::default(), Interval::default());
        Self { draws: Draws { n: 2000, seed: 0 }, resampling, interval, level: 0.95 }
    }
}

impl Bootstrap {
    /// The interval of any statistic. It is handed how often each *sample* is in a resample, `[n]`, and gives a number or the
    /// reason why there is none.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for fewer than 100 or more than 10 million resamples, a level outside (0, 1), and a statistic
    /// that is no number up to 1e100.
    pub fn run(
        &self,
        units: &Units,
        statistic: impl Fn(&[u32]) -> OrReason<f64> + Send + Sync,
    ) -> Result<BootstrapInterval> {
        let value = |counts: &[u32]| statistic(&units.spread(counts));
        self.interval(units.len(), value, |unit| value(&all_but(units.len(), unit)))
    }

    /// The interval of any statistic on given resamples `[B][units]`, each saying how often it has each unit; number of
    /// draws, seed and kind of counts are not used.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::Shape`] for a resample of another length than there are units.
    pub fn run_given(
        &self,
        units: &Units,
        resamples: &[Vec<u32>],
        statistic: impl Fn(&[u32]) -> OrReason<f64> + Send + Sync,
    ) -> Result<BootstrapInterval> {
        check_level(WHAT, self.level)?;
        if let Some(odd) = resamples.iter().find(|counts| counts.len() != units.len()) {
            return Err(Error::Shape {
                op: WHAT.to_owned(),
                tensor: "resample",
                expected: format!("of length {}, a count a unit", units.len()),
                found: vec![i64::try_from(odd.len()).unwrap_or(i64::MAX)],
            });
        }
        let value = |counts: &[u32]| statistic(&units.spread(counts));
        let resampled = map_each(resamples.len(), |idx| value(&resamples[idx]));
        self.conclude(units.len(), value, |unit| value(&all_but(units.len(), unit)), resampled)
    }

    /// The interval of a statistic of the counts of `n` units, given also how it is without one of them.
    fn interval(
        &self,
        n: usize,
        value: impl Fn(&[u32]) -> OrReason<f64> + Send + Sync,
        without: impl Fn(usize) -> OrReason<f64> + Send + Sync,
    ) -> Result<BootstrapInterval> {
        check_level(WHAT, self.level)?;
        if self.draws.n < 100 {
            return Err(refuse(WHAT, "draws", "at least 100", self.draws.n.to_string()));
        }
        let each = |counts: &mut Vec<u32>, rng: &mut Rng| {
            self.resampling.draw(rng, counts);
            value(counts)
        };
        // Fewer than two units say nothing of others; `conclude` has the words.
        let resampled = if n < 2 { Vec::new() } else { self.draws.outcomes(WHAT, || vec![0; n], each)? };
        self.conclude(n, value, without, resampled)
    }

    fn conclude(
        &self,
        n: usize,
        value: impl Fn(&[u32]) -> OrReason<f64>,
        without: impl Fn(usize) -> OrReason<f64> + Send + Sync,
        resampled: Vec<OrReason<f64>>,
    ) -> Result<BootstrapInterval> {
        let real = if n == 0 { Err("no unit".to_owned()) } else { checked(value(&vec![1; n]))? };
        let resampled = resampled.into_iter().map(checked).collect::<Result<Vec<_>>>()?;
        let needs_jackknife = self.interval == Interval::Bca && n >= 2 && real.is_ok();
        let jackknife: Vec<OrReason<f64>> = if needs_jackknife { map_each(n, without) } else { Vec::new() };
        let jackknife = jackknife.into_iter().map(checked).collect::<Result<Vec<_>>>()?;
        Ok(Found { units: n, value: real, resampled, jackknife }.interval(self.interval, self.level))
    }
}

/// Every unit once but one.
fn all_but(n: usize, unit: usize) -> Vec<u32> {
    (0..n).map(|idx| u32::from(idx != unit)).collect()
}

fn checked(value: OrReason<f64>) -> Result<OrReason<f64>> {
    match value {
        Ok(odd) if odd.is_nan() || odd.abs() > LARGEST => {
            Err(refuse(WHAT, "statistic", "a number up to 1e100", odd.to_string()))
        }
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(values: &[f64]) -> impl Fn(&[u32]) -> OrReason<f64> + Send + Sync {
        move |counts: &[u32]| {
            let n: u32 = counts.iter().sum();
            if n == 0 {
                return Err("nothing drawn".to_owned());
            }
            Ok(counts.iter().zip(values).map(|(c, x)| f64::from(*c) * x).sum::<f64>() / f64::from(n))
        }
    }

    fn values(n: usize) -> Vec<f64> {
        let mut rng = Rng::new(9);
        (0..n).map(|_| rng.normal()).collect()
    }

    #[test]
    fn the_error_of_a_mean_is_found() {
        let xs = values(400);
        let mean = xs.iter().sum::<f64>() / 400.0;
        let error = (xs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 400.0 / 400.0).sqrt();
        for resampling in [Resampling::Multinomial, Resampling::Poisson] {
            for interval in [Interval::Percentile, Interval::Bca] {
                let bootstrap = Bootstrap { resampling, interval, draws: Draws { n: 4000, seed: 1 }, level: 0.95 };
                let found = bootstrap.run(&Units::samples(400), mean_of(&xs)).unwrap();
                let [low, high] = found.interval.clone().unwrap();
                assert!((found.standard_error.clone().unwrap() / error - 1.0).abs() < 0.06, "{found:?}");
                let width = (high - low) / (2.0 * 1.96 * error);
                assert!((width - 1.0).abs() < 0.1 && low < mean && mean < high, "{found:?}");
                assert_eq!((found.units, found.resamples, found.left_out), (400, 4000, 0));
            }
        }
    }

    #[test]
    fn samples_that_belong_together_widen_the_interval() {
        // Each speaker gave eight equal samples: there are 25 facts, not 200.
        let xs: Vec<f64> = values(25).iter().flat_map(|x| [*x; 8]).collect();
        let speakers: Vec<u64> = (0..200).map(|idx| 1000 - idx / 8).collect();
        let width = |units: &Units| {
            let [low, high] = Bootstrap::default().run(units, mean_of(&xs)).unwrap().interval.unwrap();
            high - low
        };
        let ratio = width(&Units::groups(&speakers)) / width(&Units::samples(200));
        assert!((ratio - 8f64.sqrt()).abs() < 0.35, "{ratio}");
    }

    #[test]
    fn given_resamples() {
        let (xs, units) = ([1.0, 2.0, 6.0], Units::samples(3));
        let bootstrap = Bootstrap { interval: Interval::Percentile, level: 0.5, ..Bootstrap::default() };
        let given = [vec![3, 0, 0], vec![1, 1, 1], vec![0, 0, 3], vec![0, 3, 0], vec![1, 2, 0]];
        let found = bootstrap.run_given(&units, &given, mean_of(&xs)).unwrap();
        // Means 1, 3, 6, 2, 5/3; in order 1, 5/3, 2, 3, 6.
        assert_eq!(found.interval, Ok([5.0 / 3.0, 3.0]));
        let e = bootstrap.run_given(&units, &[vec![1, 1]], mean_of(&xs)).unwrap_err().to_string();
        assert_eq!(e, "bootstrap: resample must be of length 3, a count a unit, found [2]");
        let found = bootstrap.run_given(&units, &[], mean_of(&xs)).unwrap();
        assert_eq!(found.interval.unwrap_err(), "2 resamples at least are needed, there are 0");
    }

    #[test]
    fn undefined_and_refused() {
        let run = |n: usize, xs: &[f64]| Bootstrap::default().run(&Units::samples(n), mean_of(xs)).unwrap();
        assert_eq!(run(0, &[]).value.unwrap_err(), "no unit");
        let one = run(1, &[0.5]);
        assert_eq!((one.value, one.interval.unwrap_err().as_str()), (Ok(0.5), "one unit only: it has no variance"));
        assert!(run(3, &[0.5; 3]).interval.unwrap_err().contains("changes nothing"));
        let rare = |counts: &[u32]| if counts[0] > 1 { Ok(1.0) } else { Err("rare".to_owned()) };
        let found = Bootstrap::default().run(&Units::samples(9), rare).unwrap();
        assert_eq!((found.value.unwrap_err().as_str(), found.interval.unwrap_err().as_str()), ("rare", "rare"));
        let e = |bootstrap: &Bootstrap, x: f64| bootstrap.run(&Units::samples(2), |_| Ok(x)).unwrap_err().to_string();
        assert_eq!(e(&Bootstrap::default(), f64::NAN), "bootstrap: statistic must be a number up to 1e100, found NaN");
        let few = Bootstrap { draws: Draws { n: 99, seed: 0 }, ..Bootstrap::default() };
        assert_eq!(e(&few, 1.0), "bootstrap: draws must be at least 100, found 99");
        let odd = Bootstrap { level: 0.0, ..Bootstrap::default() };
        assert_eq!(e(&odd, 1.0), "bootstrap: level must be in (0, 1), found 0");
    }
}
