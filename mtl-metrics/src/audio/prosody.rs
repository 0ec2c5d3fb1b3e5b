//! Distances of synthesized speech from recorded speech: mel-cepstral distortion and the error of the pitch.
//!
//! ```text
//! MCD = mean over aligned frames of 10 / ln 10 * sqrt(2 sum_{d >= 1} (c_d - c'_d)^2)      in decibels
//! F0 RMSE = sqrt(mean over frames voiced in both of (f - f')^2)                             in hertz
//! ```
//!
//! Frames are aligned by dynamic time warping: the monotone path with the least summed distance, steps right, down and
//! diagonal alike (on a tie the diagonal, then the step in the estimate); the mean is over the steps of the path.
//!
//! **Reference** R. Kubichek, *Mel-cepstral distance measure for objective speech quality assessment*, 1993; H. Sakoe and S.
//! Chiba, *Dynamic programming algorithm optimization for spoken word recognition*, 1978.
//! **Differs from** nothing known. **State** 552 bytes. **Cost** O(n m d) an utterance.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    chunks::fold_chunks,
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    value::MetricValue,
};
use crate::{
    input::MetricBatch,
    judged::{FromJudged, Shelf},
};

/// The mel-cepstra of utterances, estimated and true, `[frames, d]` row by row; numbers of frames may differ.
#[derive(Debug, Clone)]
pub struct CepstrumPairs<'a> {
    pairs: Vec<(&'a [f32], &'a [f32])>,
    d: usize,
}

impl<'a> CepstrumPairs<'a> {
    /// Cepstra of `d` coefficients a frame, the first of which (the energy) does not count.
    ///
    /// # Errors
    /// [`Error::Shape`] when numbers of utterances disagree, there are no frames, or they have not `d` coefficients;
    /// [`Error::Label`] for a number that is not finite.
    pub fn new<E: AsRef<[f32]>, T: AsRef<[f32]>>(estimates: &'a [E], targets: &'a [T], d: usize) -> Result<Self> {
        if estimates.len() != targets.len() || d < 2 {
            return Err(Error::Shape {
                op: "mcd".into(),
                tensor: "targets",
                expected: format!("[{}], one per estimate, at least 2 coefficients", estimates.len()),
                found: vec![targets.len() as i64, d as i64],
            });
        }
        let pairs: Vec<_> = estimates.iter().map(AsRef::as_ref).zip(targets.iter().map(AsRef::as_ref)).collect();
        for (idx, frames) in pairs.iter().flat_map(|(estimate, target)| [estimate, target]).enumerate() {
            if frames.is_empty() || !frames.len().is_multiple_of(d) {
                return Err(Error::Shape {
                    op: format!("mcd, utterance {}", idx / 2),
                    tensor: "cepstrum",
                    expected: format!("[frames, {d}], at least one frame"),
                    found: vec![frames.len() as i64],
                });
            }
            finite("cepstrum", frames, idx / 2)?;
        }
        Ok(Self { pairs, d })
    }
}

fn finite(what: &'static str, numbers: &[f32], idx: usize) -> Result<()> {
    match numbers.iter().find(|x| !x.is_finite()) {
        None => Ok(()),
        Some(bad) => {
            let (expected, found) = ("finite".into(), bad.to_string());
            Err(Error::Label { task: "(unnamed)".into(), what, expected, found, sample: idx as u64 })
        }
    }
}

/// Mel-cepstral distortion in decibels, 0 and above; the mean over utterances.
///
/// ```
/// use mtl_metrics::{Metric, audio::{CepstrumPairs, MelCepstralDistortion}};
/// let mut mean = Default::default();
/// // The second true frame is said twice as long; energies (the first numbers) do not count.
/// let (said, truth) = ([[9.0, 1.0, 9.0, 2.0, 9.0, 2.0]], [[0.0, 1.0, 0.0, 2.0]]);
/// MelCepstralDistortion.update(&mut mean, &CepstrumPairs::new(&said, &truth, 2)?)?;
/// assert_eq!(MelCepstralDistortion.compute(&mean).value, Some(0.0));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MelCepstralDistortion;

impl Metric for MelCepstralDistortion {
    type Batch<'a> = CepstrumPairs<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "mcd"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, batch: &CepstrumPairs<'_>) -> Result<()> {
        let part: ExactMean = fold_chunks(batch.pairs.len(), 1, |range| {
            let mut mean = ExactMean::default();
            for (estimate, target) in batch.pairs.get(range).unwrap_or_default() {
                mean.add(warped_distance(estimate, target, batch.d));
            }
            Ok(mean)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        if state.n() == 0 { MetricValue::undefined("no utterance", 0) } else { state.value() }
    }
}

/// The mean distance along the cheapest path; row by row of the estimate, each cell with cost and steps so far.
fn warped_distance(estimate: &[f32], target: &[f32], d: usize) -> f64 {
    let distance = |a: &[f32], b: &[f32]| -> f64 {
        let squares = a.iter().zip(b).skip(1).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2));
        10.0 / std::f64::consts::LN_10 * (2.0 * squares.sum::<f64>()).sqrt()
    };
    const FAR: (f64, u64) = (f64::INFINITY, 0);
    let n_targets = target.len() / d;
    // Before the first frame of both lies the start, beside it nothing.
    let mut above = vec![FAR; n_targets + 1];
    above[0] = (0.0, 0);
    for frame in estimate.chunks_exact(d) {
        let mut row = vec![FAR; n_targets + 1];
        for (j, other) in target.chunks_exact(d).enumerate() {
            let mut best = above[j];
            for way in [above[j + 1], row[j]] {
                if way.0 < best.0 {
                    best = way;
                }
            }
            row[j + 1] = (best.0 + distance(frame, other), best.1 + 1);
        }
        above = row;
    }
    let (cost, steps) = above[n_targets];
    cost / steps as f64
}

/// Pitch of frames, estimated and true, in hertz, 0 where unvoiced.
#[derive(Debug, Clone, Copy)]
pub struct PitchPairs<'a> {
    estimate: &'a [f32],
    target: &'a [f32],
}

impl<'a> PitchPairs<'a> {
    /// Frames of equal number.
    ///
    /// # Errors
    /// [`Error::Shape`] when numbers disagree; [`Error::Label`] for a pitch that is negative or not finite.
    pub fn new(estimate: &'a [f32], target: &'a [f32]) -> Result<Self> {
        if estimate.len() != target.len() {
            return Err(Error::Shape {
                op: "f0-rmse".into(),
                tensor: "target",
                expected: format!("as the estimate, [{}]", estimate.len()),
                found: vec![target.len() as i64],
            });
        }
        for (idx, (&said, &truth)) in estimate.iter().zip(target).enumerate() {
            if let Some(bad) = [said, truth].into_iter().find(|&f| !(f >= 0.0 && f.is_finite())) {
                let (expected, found) = ("finite and not negative".into(), bad.to_string());
                return Err(Error::Label {
                    task: "(unnamed)".into(),
                    what: "pitch",
                    expected,
                    found,
                    sample: idx as u64,
                });
            }
        }
        Ok(Self { estimate, target })
    }
}

/// Root mean squared error of the pitch over frames voiced in both, in hertz.
///
/// ```
/// use mtl_metrics::{Metric, audio::{F0Rmse, PitchPairs}};
/// let mut mean = Default::default();
/// F0Rmse.update(&mut mean, &PitchPairs::new(&[103.0, 0.0, 96.0], &[100.0, 90.0, 100.0])?)?;
/// assert_eq!(F0Rmse.compute(&mean).value, Some(12.5_f64.sqrt()));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct F0Rmse;

impl Metric for F0Rmse {
    type Batch<'a> = PitchPairs<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "f0-rmse"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, batch: &PitchPairs<'_>) -> Result<()> {
        let mut part = ExactMean::default();
        for (&said, &truth) in batch.estimate.iter().zip(batch.target) {
            if said > 0.0 && truth > 0.0 {
                part.add((f64::from(said) - f64::from(truth)).powi(2));
            }
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        match state.value().value {
            Some(mean) => MetricValue::defined(mean.sqrt(), state.n()),
            None => MetricValue::undefined("no frame is voiced in both", 0),
        }
    }
}

/// The numbers of a sample as a frame of cepstral coefficients.
impl<'a> FromJudged<'a> for CepstrumPairs<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let known = judged.known_values(metric, shelf)?;
        if known.n_cols < 2 {
            return Err(judged.unfit(metric, "at least two cepstral coefficients a sample"));
        }
        let pairs = known.said.chunks_exact(known.n_cols).zip(known.truth.chunks_exact(known.n_cols)).collect();
        Ok(Self { pairs, d: known.n_cols })
    }
}

/// Every number as the pitch of a frame.
impl<'a> FromJudged<'a> for PitchPairs<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let known = judged.known_values(metric, shelf)?;
        Self::new(known.said, known.truth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warping_by_hand() {
        let unit = 10.0 / std::f64::consts::LN_10 * 2.0_f64.sqrt();
        // 0 3 against 1 2 3: 0-1, 0-2 or 3-2, 3-3: 1 + 1 + 0 over 3 steps.
        let found = warped_distance(&[0.0, 0.0, 0.0, 3.0], &[0.0, 1.0, 0.0, 2.0, 0.0, 3.0], 2);
        assert!((found - unit * 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn bad_frames_are_refused() {
        assert!(CepstrumPairs::new(&[vec![0.0; 3]], &[vec![0.0; 2]], 2).is_err());
        assert!(CepstrumPairs::new(&[vec![0.0; 2]], &[Vec::<f32>::new()], 2).is_err());
        assert!(CepstrumPairs::new(&[[0.0]], &[[0.0]], 1).is_err());
        assert!(CepstrumPairs::new(&[[0.0, f32::NAN]], &[[0.0, 0.0]], 2).is_err());
        assert!(PitchPairs::new(&[-1.0], &[1.0]).is_err() && PitchPairs::new(&[1.0], &[]).is_err());
        let mut mean = ExactMean::default();
        F0Rmse.update(&mut mean, &PitchPairs::new(&[0.0, 100.0], &[100.0, 0.0]).unwrap()).unwrap();
        assert_eq!(F0Rmse.compute(&mean).get(), Err("no frame is voiced in both"));
    }
}
