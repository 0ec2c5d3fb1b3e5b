//! Signal to noise, in decibels: how much of an estimated signal is the target, under three ideas of what may differ.
//!
//! ```text
//! SNR      10 log10 |t|^2 / |t - e|^2                                   nothing may differ
//! SI-SDR   10 log10 |a t|^2 / |a t - e|^2,  a = <e, t> / |t|^2          the scale may
//! SDR      10 log10 c / (1 - c),  c = b' R^-1 b                         a filter of 512 taps may: R autocorrelation of t,
//!                                                                       b correlation of e with t, both of length 1
//! ```
//!
//! `R` is a symmetric Toeplitz matrix, solved by Levinson's recursion.
//!
//! **Reference** J. Le Roux et al., *SDR - half-baked or well done?*, ICASSP 2019, <https://arxiv.org/abs/1811.02508>; R. Scheibler,
//! *SDR - medium rare with fast computations*, ICASSP 2022, <https://arxiv.org/abs/2110.06440>; torchmetrics 1.9
//! `signal_noise_ratio`, `scale_invariant_signal_distortion_ratio`, `signal_distortion_ratio`, in f64 to 1e-6 dB.
//! **Differs from** torchmetrics: 2.2e-16 is added to the powers whatever the type of the signals; a silent target (for
//! SI-SDR and SDR a silent estimate too) has no ratio and is left out. **State** 560 bytes. **Cost** O(n), SDR O(512 n).

use std::ops::Range;

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    chunks::fold_chunks,
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
};
use crate::{
    input::MetricBatch,
    judged::{FromJudged, Shelf},
};

/// Signals that one thread takes at a time.
const CHUNK: usize = 1;

/// Estimated signals beside their targets, any number of samples each.
///
/// ```
/// use mtl_metrics::audio::SignalPairs;
/// assert!(SignalPairs::new(&[[0.1, 0.2]], &[[0.1, 0.3]]).is_ok());
/// assert!(SignalPairs::new(&[[f32::NAN]], &[[0.0]]).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct SignalPairs<'a> {
    pairs: Vec<(&'a [f32], &'a [f32])>,
}

impl<'a> SignalPairs<'a> {
    /// Estimates and targets of equal lengths.
    ///
    /// # Errors
    /// [`Error::Shape`] when numbers or lengths disagree; [`Error::Label`] for a sample that is not finite.
    pub fn new<E: AsRef<[f32]>, T: AsRef<[f32]>>(estimates: &'a [E], targets: &'a [T]) -> Result<Self> {
        let shape = |op: String, expected: usize, found: usize| Error::Shape {
            op,
            tensor: "target",
            expected: format!("as the estimate, [{expected}]"),
            found: vec![found as i64],
        };
        if estimates.len() != targets.len() {
            return Err(shape("signals".into(), estimates.len(), targets.len()));
        }
        let pairs: Vec<_> = estimates.iter().map(AsRef::as_ref).zip(targets.iter().map(AsRef::as_ref)).collect();
        for (idx, (estimate, target)) in pairs.iter().enumerate() {
            if estimate.len() != target.len() {
                return Err(shape(format!("signal {idx}"), estimate.len(), target.len()));
            }
            if let Some(bad) = estimate.iter().chain(*target).find(|x| !x.is_finite()) {
                return Err(Error::Label {
                    task: "(unnamed)".into(),
                    what: "signal",
                    expected: "finite".into(),
                    found: bad.to_string(),
                    sample: idx as u64,
                });
            }
        }
        Ok(Self { pairs })
    }

    /// Number of signals.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Estimates and targets at these places.
    pub(super) fn pairs(&self, range: Range<usize>) -> &[(&'a [f32], &'a [f32])] {
        self.pairs.get(range).unwrap_or_default()
    }

    /// Whether there is no signal.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

/// What may differ between target and estimate without being noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allowed {
    /// Nothing: SNR.
    Nothing,
    /// The scale: SI-SDR.
    Scale,
    /// A filter of 512 taps: SDR of BSS eval.
    Filter,
}

/// The mean ratio over signals, in decibels.
///
/// ```
/// use mtl_metrics::{Metric, audio::{Allowed, SignalPairs, SignalRatio}};
/// let snr = SignalRatio::new(Allowed::Nothing, false);
/// let mut mean = Default::default();
/// snr.update(&mut mean, &SignalPairs::new(&[[1.1, 1.9, 3.0]], &[[1.0, 2.0, 3.0]])?)?;
/// assert!((snr.compute(&mean).value.unwrap() - 10.0 * 700.0_f64.log10()).abs() < 1e-5);
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalRatio {
    allowed: Allowed,
    zero_mean: bool,
}

impl SignalRatio {
    /// That ratio; `zero_mean` takes the mean off both signals first.
    #[must_use]
    pub fn new(allowed: Allowed, zero_mean: bool) -> Self {
        Self { allowed, zero_mean }
    }

    /// Decibels; `None` for silence.
    fn ratio(&self, estimate: &[f32], target: &[f32]) -> Option<f64> {
        let centered = |signal: &[f32]| -> Vec<f64> {
            let signal: Vec<f64> = signal.iter().map(|&x| f64::from(x)).collect();
            let mean = if self.zero_mean { signal.iter().sum::<f64>() / signal.len().max(1) as f64 } else { 0.0 };
            signal.into_iter().map(|x| x - mean).collect()
        };
        let (estimate, target) = (centered(estimate), centered(target));
        let (of_target, of_estimate) = (dot(&target, &target), dot(&estimate, &estimate));
        if of_target == 0.0 || (of_estimate == 0.0 && self.allowed != Allowed::Nothing) {
            return None;
        }
        let scale = match self.allowed {
            Allowed::Nothing => 1.0,
            Allowed::Scale => (dot(&estimate, &target) + f64::EPSILON) / (of_target + f64::EPSILON),
            Allowed::Filter => {
                let coherence = coherence(&estimate, &target, of_estimate.sqrt(), of_target.sqrt());
                // Rounding may leave [0, 1) at a perfect estimate.
                let coherence = coherence.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON / 2.0);
                return Some(10.0 * (coherence / (1.0 - coherence)).log10());
            }
        };
        let noise: f64 = target.iter().zip(&estimate).map(|(t, e)| (scale * t - e).powi(2)).sum();
        let signal = scale * scale * of_target;
        Some(10.0 * ((signal + f64::EPSILON) / (noise + f64::EPSILON)).log10())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The share of the estimate's power that a filtered target explains.
fn coherence(estimate: &[f64], target: &[f64], of_estimate: f64, of_target: f64) -> f64 {
    const TAPS: usize = 512;
    let lagged = |a: &[f64], lag: usize| a.get(lag..).map_or(0.0, |late| dot(late, target));
    let auto: Vec<f64> = (0..TAPS).map(|lag| lagged(target, lag) / (of_target * of_target)).collect();
    let cross: Vec<f64> = (0..TAPS).map(|lag| lagged(estimate, lag) / (of_estimate * of_target)).collect();
    dot(&cross, &solve_toeplitz(&auto, &cross))
}

/// Solves `T x = y` for the symmetric Toeplitz matrix with first column `column`, as far as it is positive definite.
fn solve_toeplitz(column: &[f64], y: &[f64]) -> Vec<f64> {
    let n = column.len();
    let (mut x, mut filter) = (vec![0.0; n], vec![1.0]);
    let mut error = column[0];
    x[0] = y[0] / error;
    for m in 1..n {
        // The prediction filter of order m, then x of order m + 1.
        let missed: f64 = filter.iter().enumerate().map(|(i, a)| a * column[m - i]).sum();
        let reflection = -missed / error;
        let mut longer = filter.clone();
        longer.push(0.0);
        for i in 1..=m {
            longer[i] += reflection * if m - i < m { filter[m - i] } else { 0.0 };
        }
        let smaller = error * (1.0 - reflection * reflection);
        if smaller.is_nan() || smaller <= column[0] * f64::EPSILON {
            // The target lies in fewer dimensions than there are taps.
            break;
        }
        (filter, error) = (longer, smaller);
        let missed: f64 = (0..m).map(|i| x[i] * column[m - i]).sum();
        let gain = (y[m] - missed) / error;
        for i in 0..=m {
            x[i] += gain * filter[m - i];
        }
    }
    x
}

impl Metric for SignalRatio {
    type Batch<'a> = SignalPairs<'a>;
    type State = SignalMean;

    fn name(&self) -> &'static str {
        match (self.allowed, self.zero_mean) {
            (Allowed::Nothing, false) => "snr",
            (Allowed::Nothing, true) => "snr-zero-mean",
            (Allowed::Scale, false) => "si-sdr",
            (Allowed::Scale, true) => "si-sdr-zero-mean",
            (Allowed::Filter, false) => "sdr",
            (Allowed::Filter, true) => "sdr-zero-mean",
        }
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn update(&self, state: &mut SignalMean, batch: &SignalPairs<'_>) -> Result<()> {
        let part: SignalMean = fold_chunks(batch.len(), CHUNK, |range| {
            let mut mean = SignalMean::default();
            for (estimate, target) in batch.pairs(range) {
                mean.add(self.ratio(estimate, target));
            }
            Ok(mean)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &SignalMean) -> MetricValue {
        state.value("no signal but silence")
    }
}

/// The mean over signals that have a value, and how many have none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SignalMean {
    mean: ExactMean,
    left_out: u64,
}

impl SignalMean {
    /// Adds the value of one signal; `None` leaves it out.
    pub(super) fn add(&mut self, value: Option<f64>) {
        match value {
            Some(value) => self.mean.add(value),
            None => self.left_out += 1,
        }
    }

    /// The mean, or that reason when no signal has a value.
    pub(super) fn value(&self, reason: &str) -> MetricValue {
        let n = self.mean.n();
        let value = if n == 0 { MetricValue::undefined(reason, 0) } else { self.mean.value() };
        MetricValue { parts: n.saturating_add(self.left_out), left_out: self.left_out, ..value }
    }
}

impl MetricState for SignalMean {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let left_out = self.left_out.checked_add(other.left_out).ok_or("a count is beyond 64 bits")?;
        self.mean.merge(&other.mean)?;
        self.left_out = left_out;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.mean.check()
    }
}

/// The numbers of a sample as a signal.
impl<'a> FromJudged<'a> for SignalPairs<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let known = judged.known_values(metric, shelf)?;
        let pairs = known.said.chunks_exact(known.n_cols).zip(known.truth.chunks_exact(known.n_cols)).collect();
        Ok(Self { pairs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(allowed: Allowed, estimate: &[f32], target: &[f32]) -> MetricValue {
        let (metric, mut mean) = (SignalRatio::new(allowed, false), SignalMean::default());
        metric.update(&mut mean, &SignalPairs::new(&[estimate], &[target]).unwrap()).unwrap();
        metric.compute(&mean)
    }

    #[test]
    fn toeplitz_by_hand() {
        // [2 1 0; 1 2 1; 0 1 2] x = [3 4 3] has x = [1 1 1].
        let x = solve_toeplitz(&[2.0, 1.0, 0.0], &[3.0, 4.0, 3.0]);
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-14), "{x:?}");
    }

    #[test]
    fn scale_and_filter() {
        let target: Vec<f32> = (0..2000_i32).map(|i| ((i * i % 97) as f32 / 48.0) - 1.0).collect();
        let scaled: Vec<f32> = target.iter().map(|x| x * 0.25).collect();
        assert!(value(Allowed::Nothing, &scaled, &target).value.unwrap() < 3.0);
        assert!(value(Allowed::Scale, &scaled, &target).value.unwrap() > 100.0);
        let delayed: Vec<f32> = std::iter::repeat_n(0.0, 40).chain(target.iter().copied()).take(2000).collect();
        assert!(value(Allowed::Scale, &delayed, &target).value.unwrap() < 3.0);
        // The cut end of the signal is what a filter cannot give.
        assert!(value(Allowed::Filter, &delayed, &target).value.unwrap() > 15.0);
    }

    #[test]
    fn silence_is_left_out() {
        for allowed in [Allowed::Nothing, Allowed::Scale, Allowed::Filter] {
            let found = value(allowed, &[0.1, 0.2], &[0.0, 0.0]);
            assert_eq!((found.get(), found.left_out), (Err("no signal but silence"), 1));
            assert!(value(allowed, &[], &[]).value.is_none());
        }
        assert!(value(Allowed::Filter, &[1.0, -1.0], &[1.0, -1.0]).value.unwrap() > 100.0);
    }
}
