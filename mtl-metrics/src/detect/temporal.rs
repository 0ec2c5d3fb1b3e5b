//! Temporal mAP: average precision of segments on the time axis.
//!
//! ```text
//! tIoU(a, b) = |a and b| / |a or b|
//! a detection, scores falling, takes the free object of its class and video with the highest tIoU >= t, else is false
//! AP = sum over hits k of (1 / n) max_{j >= k} p(j)          area under the falling envelope of precision
//! value = mean over classes and over t in {.50, .55, .. .95} of AP
//! ```
//!
//! A detection can take the second-best object when the best is taken, as long as its tIoU reaches `t`.
//!
//! **Input** videos with unique ids; segments `[d]` as `[start, end]` in seconds (any unit), scores `[d]`, classes
//! `[d]`; objects `[g]` and classes `[g]`. **State** 16 bytes a detection.
//!
//! **Reference** F. Caba Heilbron et al., *ActivityNet*, CVPR 2015; its evaluation code (interpolated AP as in VOC
//! 2010).
//! **Differs from** it: ties in score are broken by video id and place (there by an unstable sort); classes that occur
//! only in detections have no value and are counted as left out (there they are dropped silently).

use std::collections::BTreeMap;

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    detect::{
        coco_image::by_score,
        coco_match::{N_THRESHOLDS, no_object, over_classes, thresholds},
    },
    keyed::Keyed,
    metric::{Metric, MetricState, refused},
    refusal::{numbers, refuse, same_length},
    value::{MetricValue, OrReason},
};

/// Start and end.
pub type Segment = [f64; 2];

/// One video.
#[derive(Debug, Clone, Copy)]
pub struct Video<'a> {
    /// Its id, once in a data set.
    pub id: u64,
    /// `[d]` segments that were found.
    pub said: &'a [Segment],
    /// `[d]`.
    pub scores: &'a [f64],
    /// `[d]`.
    pub said_classes: &'a [u32],
    /// `[g]` segments that there are.
    pub truth: &'a [Segment],
    /// `[g]`.
    pub truth_classes: &'a [u32],
}

/// Videos, checked.
#[derive(Debug, Clone)]
pub struct VideoBatch<'a>(Vec<Video<'a>>);

impl<'a> VideoBatch<'a> {
    /// Checks videos.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists of different lengths, [`mtl_core::Error::InvalidConfig`] for numbers that
    /// are not finite and segments that end before they start.
    pub fn new(videos: impl IntoIterator<Item = Video<'a>>) -> Result<Self> {
        let videos: Vec<_> = videos.into_iter().collect();
        for video in &videos {
            for segments in [video.said, video.truth] {
                numbers("segments", "ends", segments.iter().flatten())?;
                if let Some([start, end]) = segments.iter().find(|[start, end]| start > end) {
                    return Err(refuse("segments", "end", "after the start", format!("{start} to {end}")));
                }
            }
            numbers("segments", "scores", video.scores)?;
            same_length("segments", "scores", video.said.len(), video.scores.len())?;
            same_length("segments", "classes", video.said.len(), video.said_classes.len())?;
            same_length("segments", "true classes", video.truth.len(), video.truth_classes.len())?;
        }
        Ok(Self(videos))
    }
}

/// One class in one video: how many objects, and `(score, hits by threshold)` in falling order.
type ClassHits = (u32, u32, Vec<(f64, u16)>);

/// The classes of one video, ids rising.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct VideoHits(Vec<ClassHits>);

impl MetricState for VideoHits {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.0.is_empty() {
            return Ok(());
        }
        if !self.0.is_empty() {
            return Err("a video cannot be merged with another".to_owned());
        }
        self.clone_from(other);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let good = |(score, hits): &(f64, u16)| score.is_finite() && hits >> N_THRESHOLDS == 0;
        let rising = self.0.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let falling = self.0.iter().all(|(_, _, of)| of.windows(2).all(|pair| pair[0].0 >= pair[1].0));
        let good = self.0.iter().all(|(_, _, of)| of.iter().all(good));
        if rising && falling && good { Ok(()) } else { Err("its segments contradict each other".to_owned()) }
    }
}

/// Mean AP of segments, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TemporalMap;

/// One class of a temporal mAP.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentAp {
    /// Its id.
    pub class: u32,
    /// AP at tIoU .50, .55, .. .95; `None` without an object.
    pub ap: Option<[f64; N_THRESHOLDS]>,
    /// Objects.
    pub objects: u64,
}

impl TemporalMap {
    /// AP of every class at every threshold, ids rising.
    #[must_use]
    pub fn classes(&self, state: &Keyed<VideoHits>) -> Vec<SegmentAp> {
        let mut by_class: BTreeMap<u32, (u64, Vec<(f64, u16)>)> = BTreeMap::new();
        for (class, n, hits) in state.records().flat_map(|video| &video.0) {
            let (objects, ranked) = by_class.entry(*class).or_default();
            *objects += u64::from(*n);
            ranked.extend_from_slice(hits);
        }
        let one = |(class, (objects, mut ranked)): (u32, (u64, Vec<(f64, u16)>))| {
            ranked.sort_by(|a, b| by_score(a.0, b.0));
            let ap = (objects > 0).then(|| std::array::from_fn(|t| average_precision(&ranked, t, objects)));
            SegmentAp { class, ap, objects }
        };
        by_class.into_iter().map(one).collect()
    }
}

/// Area under the falling envelope.
fn average_precision(ranked: &[(f64, u16)], threshold: usize, n: u64) -> f64 {
    let mut hits = 0_u64;
    let mut at_hits = Vec::new();
    for (rank, (_, word)) in ranked.iter().enumerate() {
        if word & (1 << threshold) != 0 {
            hits += 1;
            at_hits.push(hits as f64 / (rank + 1) as f64);
        }
    }
    let mut best = 0.0_f64;
    let under = at_hits.iter().rev().map(|&precision| {
        best = best.max(precision);
        best
    });
    under.sum::<f64>() / n as f64
}

impl Metric for TemporalMap {
    type Batch<'a> = VideoBatch<'a>;
    type State = Keyed<VideoHits>;

    fn name(&self) -> &'static str {
        "temporal-map"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &VideoBatch<'_>) -> Result<()> {
        let mut part = Keyed::default();
        let mut videos = batch.0.iter();
        videos
            .try_for_each(|video| part.insert(video.id, match_video(video)))
            .and_then(|()| state.absorb(part))
            .map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        let classes = self.classes(state);
        let mean = |ap: [f64; N_THRESHOLDS]| ap.iter().sum::<f64>() / N_THRESHOLDS as f64;
        let parts: Vec<_> = classes.iter().map(|class| class.ap.map(mean).ok_or_else(no_object)).collect();
        over_classes(&parts, classes.iter().map(|class| class.objects).sum())
    }
}

/// Overlap of two segments, 0 for two points.
fn tiou([a, b]: Segment, [c, d]: Segment) -> f64 {
    let both = (b.min(d) - a.max(c)).max(0.0);
    let union = (b - a) + (d - c) - both;
    if union > 0.0 { both / union } else { 0.0 }
}

fn match_video(video: &Video<'_>) -> VideoHits {
    let mut classes: BTreeMap<u32, [Vec<usize>; 2]> = BTreeMap::new();
    for (side, list) in [video.said_classes, video.truth_classes].into_iter().enumerate() {
        for (idx, &class) in list.iter().enumerate() {
            classes.entry(class).or_default()[side].push(idx);
        }
    }
    let limits = thresholds();
    let one = |(class, [mut found, there]): (u32, [Vec<usize>; 2])| {
        found.sort_by(|&a, &b| by_score(video.scores[a], video.scores[b]));
        let mut taken = vec![0_u16; there.len()];
        let hits = found.iter().map(|&d| {
            let mut near: Vec<(usize, f64)> =
                there.iter().map(|&g| tiou(video.said[d], video.truth[g])).enumerate().collect();
            near.retain(|&(_, overlap)| overlap >= limits[0]);
            near.sort_by(|a, b| b.1.total_cmp(&a.1));
            let mut word = 0;
            for (t, &limit) in limits.iter().enumerate() {
                let free = near.iter().find(|&&(g, overlap)| overlap >= limit && taken[g] & (1 << t) == 0);
                if let Some(&(g, _)) = free {
                    taken[g] |= 1 << t;
                    word |= 1 << t;
                }
            }
            (video.scores[d] + 0.0, word)
        });
        let hits = hits.collect();
        (class, u32::try_from(there.len()).unwrap_or(u32::MAX), hits)
    };
    VideoHits(classes.into_iter().map(one).collect())
}

crate::judged::answers_to_come! {
    VideoBatch<'a> => "boxes";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        let video = Video {
            id: 0,
            said: &[[0.0, 10.0], [0.0, 9.0], [50.0, 60.0]],
            scores: &[0.9, 0.8, 0.95],
            said_classes: &[1, 1, 1],
            truth: &[[0.0, 10.0], [20.0, 30.0]],
            truth_classes: &[1, 1],
        };
        let mut metric = Streaming::new(TemporalMap);
        metric.update_batch(&VideoBatch::new([video]).unwrap()).unwrap();
        // One hit of two objects at rank 2 of 3: precision 1/2 over half of the recall.
        assert!((metric.compute().value.unwrap() - 0.25).abs() < 1e-15);
        assert!((tiou([0.0, 10.0], [5.0, 15.0]) - 1.0 / 3.0).abs() < 1e-15);
        let e = VideoBatch::new([Video { said: &[[3.0, 2.0]], scores: &[0.1], said_classes: &[0], ..video }]);
        assert_eq!(e.unwrap_err().to_string(), "segments: end must be after the start, found 3 to 2");
    }
}
