//! Segments of frame-wise labels: temporal action segmentation, phonemes, sections of music.
//!
//! ```text
//! segment      a longest run of frames of one class that is not background
//! F1@tau       2 TP / (2 TP + FP + FN); each predicted segment, in order, takes the true segment of its class with the
//!              largest IoU: TP if that is >= tau and not taken yet, else FP; true segments never taken are FN
//! edit score   mean over sequences of 1 - d / max(n_said, n_true); d: edit distance of the two lists of classes
//! boundary F   2 hits / (n_said + n_true); inner boundaries (frames where the class changes), matched one to one within
//!              a tolerance
//! ```
//!
//! **Reference** F1 and edit: C. Lea et al., *Temporal convolutional networks for action segmentation*, CVPR 2017, and
//! the evaluation of MS-TCN (CVPR 2019); boundaries: mir_eval 0.8 `segment.detection(trim=True)`.
//! **Differs from** MS-TCN: 0 to 1 and not 0 to 100; the last segment ends after the last frame (there one earlier); two
//! sequences without any segment have no edit score and are left out. From mir_eval: hits are summed over sequences.
//! **State** 24 bytes; 560 for the edit score.

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::pairs::TagPairs;
use crate::{
    audio::edits::{Aligner, Edit},
    chunks::fold_chunks,
    mean::ExactMean,
    metric::{Metric, MetricState, add_counts, refused},
    text::words::WordIds,
    value::{MetricValue, OrReason},
};

const CHUNK: usize = 16;

/// A run of frames, `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    class: i64,
    start: usize,
    end: usize,
}

/// The runs of classes that are not background.
fn segments(frames: &[i64], background: Option<i64>) -> Vec<Segment> {
    let mut start = 0;
    let runs = frames.chunk_by(|a, b| a == b).map(|run| {
        let segment = Segment { class: run[0], start, end: start + run.len() };
        start = segment.end;
        segment
    });
    runs.filter(|segment| Some(segment.class) != background).collect()
}

/// F1 over segments, 0 to 1: `segmental-f1@50`.
///
/// ```
/// use mtl_metrics::{Metric, tags::{SegmentalF1, TagPairs}};
/// let f1 = SegmentalF1::new(50, Some(0))?;
/// let mut counts = Default::default();
/// // Class 1 overlaps by 2 of 3 frames, class 2 is missing:
/// f1.update(&mut counts, &TagPairs::new(&[[1, 1, 0, 0, 0]], &[[1, 1, 1, 2, 2]])?)?;
/// assert_eq!(f1.compute(&counts).value, Some(2.0 / 3.0));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SegmentalF1 {
    percent: u8,
    background: Option<i64>,
    name: String,
}

impl SegmentalF1 {
    /// F1 at that least IoU in percent, usually 10, 25 and 50; `background` is a class that makes no segment.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a percentage outside 1 to 100.
    pub fn new(percent: u8, background: Option<i64>) -> Result<Self> {
        if !(1..=100).contains(&percent) {
            let expected = "1 to 100 percent".into();
            return Err(Error::InvalidConfig {
                what: "segmental f1",
                field: "overlap",
                expected,
                found: percent.to_string(),
            });
        }
        Ok(Self { percent, background, name: format!("segmental-f1@percent={percent}") })
    }

    fn count(&self, said: &[Segment], truth: &[Segment]) -> MatchCounts {
        let mut taken = vec![false; truth.len()];
        let mut counts = MatchCounts { said: said.len() as u64, truth: truth.len() as u64, hits: 0 };
        for one in said {
            let overlap = |other: &Segment| {
                if other.class != one.class {
                    return (0, 1);
                }
                let shared = one.end.min(other.end).saturating_sub(one.start.max(other.start));
                (shared, one.end.max(other.end) - one.start.min(other.start))
            };
            // The first of equals, compared as fractions.
            let mut best: Option<(usize, (usize, usize))> = None;
            for (idx, (shared, union)) in truth.iter().map(overlap).enumerate() {
                if best.is_none_or(|(_, (s, u))| shared as u128 * u as u128 > s as u128 * union as u128) {
                    best = Some((idx, (shared, union)));
                }
            }
            if let Some((idx, (shared, union))) = best
                && shared as u128 * 100 >= union as u128 * u128::from(self.percent)
                && !std::mem::replace(&mut taken[idx], true)
            {
                counts.hits += 1;
            }
        }
        counts
    }
}

impl Metric for SegmentalF1 {
    type Batch<'a> = TagPairs<'a>;
    type State = MatchCounts;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut MatchCounts, pairs: &TagPairs<'_>) -> Result<()> {
        count_matches(&self.name, state, pairs, |said, truth| {
            self.count(&segments(said, self.background), &segments(truth, self.background))
        })
    }

    fn compute(&self, state: &MatchCounts) -> MetricValue {
        state.f1("no segment")
    }
}

/// Edit score over the order of segments, 0 to 1.
///
/// ```
/// use mtl_metrics::{Metric, tags::{SegmentalEdit, TagPairs}};
/// let edit = SegmentalEdit::new(None);
/// let mut mean = Default::default();
/// // 1 2 1 against 1 2:
/// edit.update(&mut mean, &TagPairs::new(&[[1, 2, 2, 1]], &[[1, 1, 2, 2]])?)?;
/// assert_eq!(edit.compute(&mean).value, Some(1.0 - 1.0 / 3.0));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentalEdit {
    background: Option<i64>,
}

impl SegmentalEdit {
    /// The edit score; `background` is a class that makes no segment.
    #[must_use]
    pub fn new(background: Option<i64>) -> Self {
        Self { background }
    }
}

impl Metric for SegmentalEdit {
    type Batch<'a> = TagPairs<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "segmental-edit"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ExactMean, pairs: &TagPairs<'_>) -> Result<()> {
        let pairs = pairs.unweighted(self.name())?;
        let part: ExactMean = fold_chunks(pairs.len(), CHUNK, |range| {
            let (mut mean, mut ids, mut aligner) = (ExactMean::default(), WordIds::default(), Aligner::default());
            for idx in range {
                let (said, truth) = pairs.known(idx);
                ids.clear();
                let mut classes = |frames: &[i64]| -> Vec<u32> {
                    let id = |segment: &Segment| ids.id(&segment.class.to_le_bytes());
                    segments(frames, self.background).iter().map(id).collect()
                };
                let (said, truth) = (classes(&said), classes(&truth));
                let longest = said.len().max(truth.len());
                if longest > 0 {
                    let mut distance = 0_u32;
                    aligner.align(&truth, &said, ids.len(), &mut |edit| distance += u32::from(edit != Edit::Hit));
                    mean.add(1.0 - f64::from(distance) / longest as f64);
                }
            }
            Ok(mean)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        if state.n() == 0 { MetricValue::undefined("no segment", 0) } else { state.value() }
    }
}

/// F1 over the places where the class changes, 0 to 1: `boundary-f@2`.
///
/// ```
/// use mtl_metrics::{Metric, tags::{BoundaryF, TagPairs}};
/// let boundary = BoundaryF::new(1);
/// let mut counts = Default::default();
/// boundary.update(&mut counts, &TagPairs::new(&[[1, 1, 1, 2, 3]], &[[1, 1, 2, 2, 2]])?)?;
/// assert_eq!(boundary.compute(&counts).value, Some(2.0 / 3.0));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BoundaryF {
    tolerance: usize,
    name: String,
}

impl BoundaryF {
    /// Boundaries match when they are at most `tolerance` frames apart.
    #[must_use]
    pub fn new(tolerance: usize) -> Self {
        Self { tolerance, name: format!("boundary-f@tolerance={tolerance}") }
    }
}

impl Metric for BoundaryF {
    type Batch<'a> = TagPairs<'a>;
    type State = MatchCounts;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut MatchCounts, pairs: &TagPairs<'_>) -> Result<()> {
        count_matches(&self.name, state, pairs, |said, truth| {
            let boundaries = |frames: &[i64]| -> Vec<usize> {
                segments(frames, None).iter().skip(1).map(|segment| segment.start).collect()
            };
            let (said, truth) = (boundaries(said), boundaries(truth));
            let mut counts = MatchCounts { said: said.len() as u64, truth: truth.len() as u64, hits: 0 };
            // Windows of one width on a line: taking the first that fits is a largest matching.
            let mut rest = truth.iter().peekable();
            for one in said {
                while rest.next_if(|&&other| other + self.tolerance < one).is_some() {}
                counts.hits += u64::from(rest.next_if(|&&other| other <= one + self.tolerance).is_some());
            }
            counts
        })
    }

    fn compute(&self, state: &MatchCounts) -> MetricValue {
        state.f1("no boundary")
    }
}

fn count_matches(
    metric: &str,
    state: &mut MatchCounts,
    pairs: &TagPairs<'_>,
    count: impl Fn(&[i64], &[i64]) -> MatchCounts + Sync,
) -> Result<()> {
    let pairs = pairs.unweighted(metric)?;
    let part: MatchCounts = fold_chunks(pairs.len(), CHUNK, |range| {
        let mut counts = MatchCounts::default();
        for idx in range {
            let (said, truth) = pairs.known(idx);
            counts.merge(&count(&said, &truth)).map_err(|reason| refused(metric, reason))?;
        }
        Ok(counts)
    })?;
    state.merge(&part).map_err(|reason| refused(metric, reason))
}

/// Things said, things true, and pairs of them that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MatchCounts {
    /// Predicted ones.
    pub said: u64,
    /// True ones.
    pub truth: u64,
    /// Matches.
    pub hits: u64,
}

impl MatchCounts {
    fn f1(&self, missing: &str) -> MetricValue {
        let all = self.said as f64 + self.truth as f64;
        if all == 0.0 {
            return MetricValue::undefined(missing, 0);
        }
        MetricValue::defined(2.0 * self.hits as f64 / all, self.truth)
    }
}

impl MetricState for MatchCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let mut counts = [self.said, self.truth, self.hits];
        add_counts(&mut counts, &[other.said, other.truth, other.hits])?;
        [self.said, self.truth, self.hits] = counts;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        if self.hits <= self.said.min(self.truth) { Ok(()) } else { Err("more matches than things".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<M>(metric: &M, said: &[i64], truth: &[i64]) -> MetricValue
    where
        M: for<'a> Metric<Batch<'a> = TagPairs<'a>>,
    {
        let mut state = M::State::default();
        metric.update(&mut state, &TagPairs::new(&[said], &[truth]).unwrap()).unwrap();
        metric.compute(&state)
    }

    #[test]
    fn a_true_segment_is_taken_once() {
        let f1 = SegmentalF1::new(10, None).unwrap();
        // 1 | 2 | 1 both ones want the only true one.
        assert_eq!(value(&f1, &[1, 2, 1], &[1, 1, 1]).value, Some(0.5));
        assert!(SegmentalF1::new(0, None).is_err());
    }

    #[test]
    fn nothing_but_background() {
        let f1 = SegmentalF1::new(50, Some(0)).unwrap();
        assert_eq!(value(&f1, &[0, 0], &[0, 0]).get(), Err("no segment"));
        assert_eq!(value(&f1, &[], &[]).get(), Err("no segment"));
        assert_eq!(value(&SegmentalEdit::new(Some(0)), &[0, 1], &[0, 0]).value, Some(0.0));
        assert_eq!(value(&BoundaryF::new(0), &[3, 3], &[4, 4]).get(), Err("no boundary"));
    }

    #[test]
    fn boundaries_match_one_to_one() {
        let (said, truth) = ([1, 2, 3, 3, 3, 3], [1, 1, 1, 2, 2, 3]);
        assert_eq!(value(&BoundaryF::new(1), &said, &truth).value, Some(0.5));
        assert_eq!(value(&BoundaryF::new(4), &said, &truth).value, Some(1.0));
    }
}
