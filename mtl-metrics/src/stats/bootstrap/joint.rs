//! Several statistics on the same resamples: every metric of every task of a test split, and means over tasks.
//!
//! A resample of samples is drawn once and handed to one function that gives all statistics of it, so that what is common to
//! them (taking the rows, running a network's answers through several metrics) is done once, and a mean of two statistics
//! has the interval that their dependence gives it.

use mtl_core::{Result, rng::Rng};

use super::{Bootstrap, BootstrapInterval, Interval, Units, WHAT, checked, interval::Found};
use crate::{refusal::refuse, stats::normal::check_level, value::OrReason};

impl Bootstrap {
    /// Percentile intervals of several statistics. `statistics` is handed how often each *sample* is in a resample, `[n]`,
    /// and gives one value, or the reason why there is none, per statistic, always as many and in the same order.
    ///
    /// ```
    /// use mtl_metrics::stats::{Bootstrap, Interval, Units};
    /// let errors = [0.3, 0.1, 0.4, 0.1, 0.5, 0.9, 0.2, 0.6];
    /// let both = |counts: &[u32]| {
    ///     let n: u32 = counts.iter().sum();
    ///     let mean = |f: fn(f64) -> f64| counts.iter().zip(&errors).map(|(c, e)| f64::from(*c) * f(*e)).sum::<f64>() / f64::from(n);
    ///     vec![Ok(mean(|e| e)), Ok(mean(|e| e * e))]
    /// };
    /// let bootstrap = Bootstrap { interval: Interval::Percentile, ..Bootstrap::default() };
    /// let found = bootstrap.joint(&Units::samples(errors.len()), both)?;
    /// assert!(found.iter().all(|f| f.interval.is_ok()));
    /// # Ok::<(), mtl_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run); [`mtl_core::Error::InvalidConfig`] unless `interval` is the percentile one: BCa
    /// needs every statistic again without each unit.
    pub fn joint(
        &self,
        units: &Units,
        statistics: impl Fn(&[u32]) -> Vec<OrReason<f64>> + Send + Sync,
    ) -> Result<Vec<BootstrapInterval>> {
        check_level(WHAT, self.level)?;
        if self.interval != Interval::Percentile {
            return Err(refuse(WHAT, "interval", "percentile for several statistics", "bca".to_owned()));
        }
        if self.draws.n < 100 {
            return Err(refuse(WHAT, "draws", "at least 100", self.draws.n.to_string()));
        }
        let n = units.len();
        let real = if n == 0 { Vec::new() } else { statistics(&units.spread(&vec![1; n])) };
        let each = |counts: &mut Vec<u32>, rng: &mut Rng| {
            self.resampling.draw(rng, counts);
            statistics(&units.spread(counts))
        };
        let draws = if n < 2 { Vec::new() } else { self.draws.outcomes(WHAT, || vec![0; n], each)? };
        let interval = |(idx, value): (usize, OrReason<f64>)| {
            let drawn = draws.iter().map(|draw| draw.get(idx).cloned().unwrap_or_else(|| Err("not given".to_owned())));
            let resampled = drawn.map(checked).collect::<Result<Vec<_>>>()?;
            let found = Found { units: n, value: checked(value)?, resampled, jackknife: Vec::new() };
            Ok(found.interval(Interval::Percentile, self.level))
        };
        real.into_iter().enumerate().map(interval).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Draws;

    #[test]
    fn each_as_if_it_were_alone_and_undefined_ones_do_not_spoil_the_others() {
        let xs = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0];
        let mean = |counts: &[u32]| -> OrReason<f64> {
            let n: u32 = counts.iter().sum();
            Ok(counts.iter().zip(&xs).map(|(c, x)| f64::from(*c) * x).sum::<f64>() / f64::from(n))
        };
        let first = |counts: &[u32]| if counts[0] > 0 { Ok(f64::from(counts[0])) } else { Err("absent".to_owned()) };
        let draws = Draws { n: 300, seed: 5 };
        let bootstrap = Bootstrap { draws, interval: Interval::Percentile, ..Bootstrap::default() };
        let units = Units::samples(6);
        let both = bootstrap.joint(&units, |counts| vec![mean(counts), first(counts)]).unwrap();
        assert_eq!(both[0], bootstrap.run(&units, mean).unwrap());
        assert_eq!(both[1], bootstrap.run(&units, first).unwrap());
        assert!(both[1].left_out > 50 && both[1].interval.is_ok());
        let e = Bootstrap::default().joint(&units, |_| Vec::new()).unwrap_err().to_string();
        assert_eq!(e, "bootstrap: interval must be percentile for several statistics, found bca");
        assert!(bootstrap.joint(&Units::samples(0), |_| vec![Ok(1.0)]).unwrap().is_empty());
    }
}
