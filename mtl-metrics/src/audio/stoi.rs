//! Short-time objective intelligibility: how much of the words of clean speech a listener gets from processed or noisy
//! speech.
//!
//! ```text
//! 1  frames of 256 samples, half overlapping, Hann window; those of the clean signal more than 40 dB below its loudest
//!    are cut out of both signals
//! 2  X[j, m] = sqrt of the power of frame m in band j: 15 third-octave bands from 150 Hz up
//! 3  segments of 30 frames (0.4 s), each frame ending one
//! STOI    per band, y scaled to the norm of x and limited to x (1 + 10^(15/20)):     mean of the correlations of x and y
//! ESTOI   bands normalized over time, then frames over bands (mean 0, norm 1):       mean of the scalar products of frames
//! ```
//!
//! `x` is the clean signal (the target), `y` the other one (the estimate). 1 is intelligible; how many words a lower
//! value stands for depends on the listening test. ESTOI also follows noise that comes and goes.
//!
//! **Input** [`SignalPairs`] of 10 kHz: exactly [`Stoi::SAMPLE_RATE`] samples a second, mono, any scale. Signals of
//! other rates have to be resampled before; a batch cannot say its rate, so nothing here can notice. **State** 560
//! bytes. **Cost** two transforms of 512 points a frame (78 a second).
//!
//! **Reference** C. Taal et al., *An algorithm for intelligibility prediction of time-frequency weighted noisy speech*,
//! IEEE TASLP 2011; J. Jensen, C. Taal, *An algorithm for predicting the intelligibility of speech masked by modulated
//! noise maskers*, IEEE/ACM TASLP 2016; pystoi 0.4.1 at `fs_sig=10000`, to 1e-12.
//! **Differs from** pystoi: a signal of fewer than 30 frames of speech is left out (1e-5 or an error there), so is a
//! silent target (0 there). ESTOI adds no random numbers to the bands: a band that is silent throughout a segment
//! contributes 0, there noise.

use mtl_core::{Result, metric::Direction};

use super::{
    fourier::Fourier,
    signal_ratio::{SignalMean, SignalPairs},
};
use crate::{
    chunks::fold_chunks,
    metric::{Metric, MetricState, refused},
    value::MetricValue,
};

/// Samples of a frame, of which the next one begins at the middle.
const FRAME: usize = 256;
const HOP: usize = FRAME / 2;
/// A frame is made up to `2^BITS` samples by zeros.
const BITS: u32 = 9;
const N_BANDS: usize = 15;
/// The center of the lowest band, Hz.
const LOWEST: f64 = 150.0;
/// Frames of a segment.
const SPAN: usize = 30;
/// How far below the loudest frame speech ends, dB.
const RANGE: f64 = 40.0;
/// 1 plus the amplitude of the worst signal to distortion ratio, -15 dB.
const CEILING: f64 = 1.0 + 5.623_413_251_903_491;

/// Mean intelligibility over signals, up to 1.
///
/// ```
/// use mtl_metrics::{Metric, audio::{SignalPairs, Stoi}};
/// // A second of noise in bursts, and the same at half the volume.
/// let mut seed = 1_u32;
/// let clean: Vec<f32> = (0..10_000).map(|i| {
///     seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
///     ((seed >> 8) as f32 / (1 << 23) as f32 - 1.0) * [1.0, 0.2][i / 900 % 2]
/// }).collect();
/// let quiet: Vec<f32> = clean.iter().map(|x| x * 0.5).collect();
/// let (stoi, mut mean) = (Stoi::default(), Default::default());
/// stoi.update(&mut mean, &SignalPairs::new(&[quiet], &[clean])?)?;
/// assert!((stoi.compute(&mean).value.unwrap() - 1.0).abs() < 1e-9);
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stoi {
    extended: bool,
}

impl Stoi {
    /// Samples a second that signals are taken to have.
    pub const SAMPLE_RATE: u32 = 10_000;

    /// The extended measure, ESTOI.
    #[must_use]
    pub fn extended() -> Self {
        Self { extended: true }
    }
}

/// Bands of a frame.
type Bands = [f64; N_BANDS];

/// What does not depend on the signals.
struct Plan {
    window: Vec<f64>,
    fourier: Fourier,
    /// Bins where a band begins; the last one where the last band ends.
    edges: [usize; N_BANDS + 1],
}

impl Plan {
    fn new() -> Self {
        let window =
            (1..=FRAME).map(|i| 0.5 - 0.5 * libm::cos(2.0 * std::f64::consts::PI * i as f64 / (FRAME + 1) as f64));
        let bin = f64::from(Stoi::SAMPLE_RATE) / f64::from(1 << BITS);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 219")]
        let edge = |band: usize| (LOWEST * libm::exp2((2.0 * band as f64 - 1.0) / 6.0) / bin).round() as usize;
        Self { window: window.collect(), fourier: Fourier::new(BITS), edges: std::array::from_fn(edge) }
    }

    /// Windowed frames of a signal; one that ends where the signal ends is none, as in the reference.
    fn frames<'a>(&'a self, signal: &'a [f64]) -> impl Iterator<Item = impl Iterator<Item = f64> + 'a> {
        let starts = (0..signal.len().saturating_sub(FRAME)).step_by(HOP);
        starts.map(move |start| signal.iter().skip(start).zip(&self.window).map(|(x, w)| x * w))
    }

    /// The chosen frames one after another, overlapping by half.
    fn joined(&self, signal: &[f64], keep: &[bool]) -> Vec<f64> {
        let n = keep.iter().filter(|keep| **keep).count();
        let mut joined = vec![0.0; if n > 0 { (n - 1) * HOP + FRAME } else { 0 }];
        let kept = self.frames(signal).zip(keep).filter(|(_, keep)| **keep);
        for (idx, (frame, _)) in kept.enumerate() {
            joined.iter_mut().skip(idx * HOP).zip(frame).for_each(|(sum, x)| *sum += x);
        }
        joined
    }

    /// Amplitudes of the bands of every frame.
    fn bands(&self, signal: &[f64]) -> Vec<Bands> {
        let mut room = Vec::new();
        let of = |powers: &[f64], band: usize| {
            let bins =
                self.edges.get(band).zip(self.edges.get(band + 1)).and_then(|(&low, &high)| powers.get(low..high));
            bins.unwrap_or_default().iter().sum::<f64>().sqrt()
        };
        self.frames(signal)
            .map(|frame| {
                let powers = self.fourier.powers(frame, &mut room);
                std::array::from_fn(|band| of(&powers, band))
            })
            .collect()
    }

    /// Intelligibility of one signal; `None` for too little speech.
    fn score(&self, extended: bool, estimate: &[f32], target: &[f32]) -> Option<f64> {
        let double = |signal: &[f32]| -> Vec<f64> { signal.iter().map(|&x| f64::from(x)).collect() };
        let (target, estimate) = (double(target), double(estimate));
        let level = |frame: f64| 20.0 * (frame.sqrt() + f64::EPSILON).log10();
        let levels: Vec<f64> = self.frames(&target).map(|frame| level(frame.map(|x| x * x).sum())).collect();
        let loudest = levels.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let keep: Vec<bool> = levels.iter().map(|level| loudest - RANGE - level < 0.0).collect();
        let [x, y] = [&target, &estimate].map(|signal| self.bands(&self.joined(signal, &keep)));
        if x.len() < SPAN || target.iter().all(|&x| x == 0.0) {
            return None;
        }
        let segment = if extended { segment_extended } else { segment_plain };
        let n = (x.len() - SPAN + 1) as f64;
        let sum: f64 = x.windows(SPAN).zip(y.windows(SPAN)).map(|(x, y)| segment(x, y)).sum();
        Some((sum / n).clamp(-1.0, 1.0))
    }
}

fn norm(of: &[f64]) -> f64 {
    of.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn center(of: &mut [f64]) {
    let mean = of.iter().sum::<f64>() / of.len() as f64;
    of.iter_mut().for_each(|x| *x -= mean);
}

/// The mean over bands of the correlation over time.
fn segment_plain(x: &[Bands], y: &[Bands]) -> f64 {
    let band = |of: &[Bands], band: usize| -> [f64; SPAN] {
        std::array::from_fn(|m| of.get(m).and_then(|frame| frame.get(band)).copied().unwrap_or(0.0))
    };
    let correlation = |idx: usize| {
        let (mut x, mut y) = (band(x, idx), band(y, idx));
        let scale = norm(&x) / (norm(&y) + f64::EPSILON);
        y.iter_mut().zip(&x).for_each(|(y, x)| *y = (*y * scale).min(x * CEILING));
        center(&mut x);
        center(&mut y);
        dot(&x, &y) / ((norm(&x) + f64::EPSILON) * (norm(&y) + f64::EPSILON))
    };
    (0..N_BANDS).map(correlation).sum::<f64>() / N_BANDS as f64
}

/// The mean over frames of the scalar product of normalized frames.
fn segment_extended(x: &[Bands], y: &[Bands]) -> f64 {
    let (x, y) = (normalized(x), normalized(y));
    x.iter().zip(&y).map(|(x, y)| dot(x, y)).sum::<f64>() / SPAN as f64
}

/// Bands of mean 0 and norm 1 over time, then frames over bands; what is constant becomes 0.
fn normalized(segment: &[Bands]) -> Vec<Bands> {
    let unit = |of: &mut [f64]| {
        center(of);
        let norm = norm(of);
        if norm > 0.0 {
            of.iter_mut().for_each(|x| *x /= norm);
        }
    };
    let mut frames = segment.to_vec();
    for band in 0..N_BANDS {
        let mut over_time: Vec<f64> = frames.iter().filter_map(|frame| frame.get(band)).copied().collect();
        unit(&mut over_time);
        frames.iter_mut().filter_map(|frame| frame.get_mut(band)).zip(over_time).for_each(|(x, unit)| *x = unit);
    }
    frames.iter_mut().for_each(|frame| unit(frame));
    frames
}

impl Metric for Stoi {
    type Batch<'a> = SignalPairs<'a>;
    type State = SignalMean;

    fn name(&self) -> &'static str {
        if self.extended { "estoi" } else { "stoi" }
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn update(&self, state: &mut SignalMean, batch: &SignalPairs<'_>) -> Result<()> {
        let plan = Plan::new();
        let part: SignalMean = fold_chunks(batch.len(), 1, |range| {
            let mut mean = SignalMean::default();
            for (estimate, target) in batch.pairs(range) {
                mean.add(plan.score(self.extended, estimate, target));
            }
            Ok(mean)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &SignalMean) -> MetricValue {
        state.value("no signal with 30 frames of speech")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise whose volume changes, of period lengths that no frame divides.
    fn speech(seed: u64, n: usize) -> Vec<f32> {
        let mut rng = mtl_core::rng::Rng::new(seed);
        (0..n)
            .map(|i| ((rng.next_u64() >> 40) as f32 / (1 << 23) as f32 - 1.0) * [1.0, 0.1, 0.5][i / 700 % 3])
            .collect()
    }

    fn value(metric: Stoi, estimate: &[f32], target: &[f32]) -> MetricValue {
        let mut mean = SignalMean::default();
        metric.update(&mut mean, &SignalPairs::new(&[estimate], &[target]).unwrap()).unwrap();
        metric.compute(&mean)
    }

    #[test]
    fn the_bands_of_the_paper() {
        let edges = Plan::new().edges;
        assert_eq!(edges[..4], [7, 9, 11, 14]);
        assert_eq!(edges[N_BANDS], 219, "the highest center is 3.8 kHz");
        assert!((CEILING - (1.0 + 10.0_f64.powf(15.0 / 20.0))).abs() < 1e-15);
    }

    #[test]
    fn noise_costs_intelligibility() {
        let (clean, noise) = (speech(1, 9000), speech(2, 9000));
        for metric in [Stoi::default(), Stoi::extended()] {
            let mixed = |gain: f32| -> f64 {
                let mixed: Vec<f32> = clean.iter().zip(noise.iter().rev()).map(|(x, n)| x + gain * n).collect();
                value(metric, &mixed, &clean).value.unwrap()
            };
            assert!(mixed(0.0) > 1.0 - 1e-9 && mixed(0.0) > mixed(0.3) && mixed(0.3) > mixed(2.0), "{metric:?}");
        }
    }

    #[test]
    fn too_little_speech_is_left_out() {
        let clean = speech(3, 6000);
        // 31 frames begin before the end of 4097 samples, and the joined signal has one less.
        for (n, defined) in [(0, false), (256, false), (4096, false), (4097, true)] {
            let found = value(Stoi::default(), &clean[..n], &clean[..n]);
            assert_eq!((found.value.is_some(), found.left_out), (defined, u64::from(!defined)), "{n}: {found:?}");
        }
        let found = value(Stoi::extended(), &clean, &[0.0; 6000]);
        assert_eq!((found.get(), found.left_out), (Err("no signal with 30 frames of speech"), 1));
        // Nothing comes through.
        assert_eq!(value(Stoi::default(), &[0.0; 6000], &clean).value, Some(0.0));
        assert_eq!(value(Stoi::extended(), &[0.0; 6000], &clean).value, Some(0.0));
    }
}
