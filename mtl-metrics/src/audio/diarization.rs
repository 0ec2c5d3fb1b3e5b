//! DER and JER: how well a recording is divided among its speakers.
//!
//! ```text
//! per stretch of time, r true and s predicted speakers, c of them right under the best one-to-one mapping of the recording
//!
//! miss = max(0, r - s)   false alarm = max(0, s - r)   confusion = min(r, s) - c       seconds of them summed
//!
//! DER = (miss + false alarm + confusion) / true speech
//! JER = mean over true speakers of 1 - |A n B| / |A u B|      A: its time, B: that of the speaker it is mapped with, else 1
//! ```
//!
//! DER maps so that most time is right, JER so that the mean is least. A collar leaves out the seconds around boundaries of
//! true turns, on both sides.
//!
//! **Reference** NIST rich transcription; pyannote.metrics 4 `DiarizationErrorRate` (whose `collar` is twice ours), to 1e-9; N.
//! Ryant et al., *The second DIHARD challenge*, Interspeech 2019 (JER, as dscore computes it).
//! **Differs from** pyannote: overlapping turns of one speaker count once. **State** 2.2 kB. **Cost** O(turns^2) a recording.

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::turns::{Diarizations, Stretches};
use crate::{
    chunks::fold_chunks,
    cluster::assignment::best_assignment,
    exact_sum::ExactSum,
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
};

/// Recordings that one thread takes at a time.
const CHUNK: usize = 1;

fn check_collar(collar: f64) -> Result<()> {
    if collar >= 0.0 && collar.is_finite() {
        return Ok(());
    }
    let (expected, found) = ("finite and not negative".into(), collar.to_string());
    Err(Error::InvalidConfig { what: "diarization", field: "collar", expected, found })
}

/// Diarization error rate, 0 and above.
///
/// ```
/// use mtl_metrics::{Metric, audio::{DiarizationErrorRate, Diarizations, Turn}};
/// let turn = |speaker, start, end| Turn { speaker, start, end };
/// let der = DiarizationErrorRate::new(0.0, false)?;
/// let mut times = Default::default();
/// let (said, truth) = ([vec![turn(1, 0.0, 6.0), turn(2, 6.0, 10.0)]], [vec![turn(0, 0.0, 8.0), turn(5, 8.0, 10.0)]]);
/// der.update(&mut times, &Diarizations::new(&said, &truth)?)?;
/// assert_eq!(der.compute(&times).value, Some(0.2));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiarizationErrorRate {
    collar: f64,
    skip_overlap: bool,
}

impl DiarizationErrorRate {
    /// DER leaving out `collar` seconds on both sides of true boundaries and, if asked, overlapped speech.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a collar that is negative or not finite.
    pub fn new(collar: f64, skip_overlap: bool) -> Result<Self> {
        check_collar(collar)?;
        Ok(Self { collar, skip_overlap })
    }
}

impl Metric for DiarizationErrorRate {
    type Batch<'a> = Diarizations<'a>;
    type State = DiarizationTimes;

    fn name(&self) -> &'static str {
        "der"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut DiarizationTimes, batch: &Diarizations<'_>) -> Result<()> {
        let part: DiarizationTimes = fold_chunks(batch.len(), CHUNK, |range| {
            let mut times = DiarizationTimes::default();
            for idx in range {
                times.add(&batch.stretches(idx, self.collar, self.skip_overlap));
            }
            Ok(times)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &DiarizationTimes) -> MetricValue {
        let speech = state.speech.value();
        if speech == 0.0 {
            return MetricValue::undefined("no true speech", state.recordings);
        }
        let errors = state.miss.value() + state.false_alarm.value() + state.confusion.value();
        MetricValue::defined(errors / speech, state.recordings)
    }
}

/// Seconds of speech and of errors.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DiarizationTimes {
    speech: ExactSum,
    miss: ExactSum,
    false_alarm: ExactSum,
    confusion: ExactSum,
    recordings: u64,
}

impl DiarizationTimes {
    fn add(&mut self, recording: &Stretches) {
        let size = recording.n_reference.max(recording.n_hypothesis);
        let costs: Vec<f64> = recording.overlaps(size).into_iter().map(|seconds| -seconds).collect();
        let mapped = best_assignment(&costs, size);
        for (seconds, of_reference, of_hypothesis) in &recording.stretches {
            let right = of_reference.iter().filter(|&&i| of_hypothesis.contains(&mapped[i])).count();
            let (r, s) = (of_reference.len(), of_hypothesis.len());
            for (sum, n) in [
                (&mut self.speech, r),
                (&mut self.miss, r.saturating_sub(s)),
                (&mut self.false_alarm, s.saturating_sub(r)),
                (&mut self.confusion, r.min(s) - right),
            ] {
                sum.add(seconds * n as f64);
            }
        }
        self.recordings += 1;
    }

    /// Seconds of true speech (overlapped speech counts by speaker), missed, falsely alarmed, given to the wrong speaker.
    #[must_use]
    pub fn seconds(&self) -> [f64; 4] {
        [&self.speech, &self.miss, &self.false_alarm, &self.confusion].map(ExactSum::value)
    }
}

impl MetricState for DiarizationTimes {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.recordings = self.recordings.checked_add(other.recordings).ok_or("a count is beyond 64 bits")?;
        self.speech.merge(&other.speech);
        self.miss.merge(&other.miss);
        self.false_alarm.merge(&other.false_alarm);
        self.confusion.merge(&other.confusion);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let sound = self.seconds().iter().all(|seconds| seconds.is_finite() && *seconds >= 0.0);
        if sound { Ok(()) } else { Err("its times are no times".into()) }
    }
}

/// Jaccard error rate, 0 to 1.
///
/// ```
/// use mtl_metrics::{Metric, audio::{Diarizations, JaccardErrorRate, Turn}};
/// let turn = |speaker, start, end| Turn { speaker, start, end };
/// let mut mean = Default::default();
/// let (said, truth) = ([vec![turn(1, 0.0, 6.0)]], [vec![turn(0, 0.0, 8.0), turn(5, 8.0, 10.0)]]);
/// JaccardErrorRate.update(&mut mean, &Diarizations::new(&said, &truth)?)?;
/// assert_eq!(JaccardErrorRate.compute(&mean).value, Some((0.25 + 1.0) / 2.0));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JaccardErrorRate;

impl Metric for JaccardErrorRate {
    type Batch<'a> = Diarizations<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "jer"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ExactMean, batch: &Diarizations<'_>) -> Result<()> {
        let part: ExactMean = fold_chunks(batch.len(), CHUNK, |range| {
            let mut mean = ExactMean::default();
            for idx in range {
                add_speakers(&mut mean, &batch.stretches(idx, 0.0, false));
            }
            Ok(mean)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        if state.n() == 0 { MetricValue::undefined("no true speaker", 0) } else { state.value() }
    }
}

fn add_speakers(mean: &mut ExactMean, recording: &Stretches) {
    let size = recording.n_reference.max(recording.n_hypothesis);
    let (mut of_reference, mut of_hypothesis) = (vec![0.0; size], vec![0.0; size]);
    for (seconds, reference, hypothesis) in &recording.stretches {
        reference.iter().for_each(|&i| of_reference[i] += seconds);
        hypothesis.iter().for_each(|&j| of_hypothesis[j] += seconds);
    }
    let mut errors = recording.overlaps(size);
    for i in 0..size {
        for j in 0..size {
            let shared = errors[i * size + j];
            let either = of_reference[i] + of_hypothesis[j] - shared;
            errors[i * size + j] = if either > 0.0 { 1.0 - shared / either } else { 1.0 };
        }
    }
    // Rows beyond the true speakers cost the same everywhere.
    errors[recording.n_reference * size..].fill(1.0);
    let mapped = best_assignment(&errors, size);
    for (i, &j) in mapped.iter().enumerate().take(recording.n_reference) {
        if of_reference[i] > 0.0 {
            mean.add(errors[i * size + j]);
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "times with few binary digits are exact")]
mod tests {
    use super::*;
    use crate::audio::Turn;

    fn turn(speaker: u32, start: f64, end: f64) -> Turn {
        Turn { speaker, start, end }
    }

    fn der(collar: f64, skip: bool, said: &[Turn], truth: &[Turn]) -> (DiarizationTimes, MetricValue) {
        let metric = DiarizationErrorRate::new(collar, skip).unwrap();
        let mut times = DiarizationTimes::default();
        metric.update(&mut times, &Diarizations::new(&[said], &[truth]).unwrap()).unwrap();
        let value = metric.compute(&times);
        (times, value)
    }

    #[test]
    fn every_kind_of_error() {
        let truth = [turn(0, 0.0, 4.0), turn(1, 3.0, 6.0)];
        let said = [turn(8, 0.0, 5.0), turn(9, 7.0, 8.0)];
        // 8 is 0 until 4, missing one in 3-4, for 1 in 4-5, nobody in 5-6, 9 alone in 7-8.
        assert_eq!(der(0.0, false, &said, &truth).0.seconds(), [7.0, 2.0, 1.0, 1.0]);
        assert_eq!(der(0.0, true, &said, &truth).0.seconds(), [5.0, 1.0, 1.0, 1.0]);
        assert_eq!(der(0.25, false, &said, &truth).0.seconds(), [5.0, 1.25, 1.0, 0.75]);
    }

    #[test]
    fn silence_and_bad_settings() {
        assert_eq!(der(0.0, false, &[turn(0, 0.0, 1.0)], &[]).1.get(), Err("no true speech"));
        assert_eq!(der(0.0, false, &[], &[turn(0, 1.0, 1.0)]).1.get(), Err("no true speech"));
        assert_eq!(der(0.0, false, &[], &[turn(0, 0.0, 1.0), turn(0, 0.5, 2.0)]).0.seconds(), [2.0, 2.0, 0.0, 0.0]);
        assert!(DiarizationErrorRate::new(-1.0, false).is_err() && DiarizationErrorRate::new(f64::NAN, false).is_err());
        let mut mean = ExactMean::default();
        JaccardErrorRate.update(&mut mean, &Diarizations::new(&[[turn(0, 0.0, 1.0)]], &[[]]).unwrap()).unwrap();
        assert_eq!(JaccardErrorRate.compute(&mean).get(), Err("no true speaker"));
    }
}
