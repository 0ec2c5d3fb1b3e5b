//! Multi-object tracking: MOTA, MOTP and IDF1 of boxes with identities over frames.
//!
//! ```text
//! in every frame: an object keeps the track it was last matched with when that still overlaps by IoU >= 1/2;
//!   the others are assigned so that as many as possible match, then at the largest total IoU
//! MOTA = 1 - (missed + false + switches) / objects          MOTP = mean IoU of matches
//! IDTP = most frames in which a one-to-one map of true to said identities overlaps by IoU >= 1/2
//! IDF1 = 2 IDTP / (objects + said boxes)
//! ```
//!
//! A switch is a match with another track than the one the object was last matched with, however long ago.
//!
//! **Input** whole sequences: frames in order, in each the boxes `[g, 4]` with identities `[g]`, and the same of what
//! was said. **State** 640 bytes. **Cost** an assignment a frame, and one a sequence for IDF1.
//!
//! **Reference** K. Bernardin, R. Stiefelhagen, *CLEAR MOT*, 2008; E. Ristani et al., *Performance Measures and a Data
//! Set for Multi-Target Tracking*, 2016; py-motmetrics 1.4.0. **Differs from** py-motmetrics: MOTP is an IoU, not a
//! distance `1 - IoU`; sequences are pooled.

use std::collections::BTreeMap;

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    assignment::cheapest,
    detect::boxes::{Xywh, check_boxes, iou},
    exact_sum::ExactSum,
    metric::{Metric, MetricState, add_counts, refused},
    refusal::{refuse, same_length},
    value::{MetricValue, OrReason},
};

/// Overlap from which a track is on its object.
const LEAST_IOU: f64 = 0.5;

/// Boxes with identities in one frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tracked<'a> {
    /// `[n]` boxes.
    pub boxes: &'a [Xywh],
    /// `[n]` identities, different within a frame.
    pub identities: &'a [u64],
}

/// What there is and what was said in one frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct Frame<'a> {
    /// What there is.
    pub truth: Tracked<'a>,
    /// What was said.
    pub said: Tracked<'a>,
}

/// A whole sequence, checked.
#[derive(Debug, Clone, Copy)]
pub struct Sequence<'a>(&'a [Frame<'a>]);

impl<'a> Sequence<'a> {
    /// Checks frames, in the order of time.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists of different lengths, [`mtl_core::Error::InvalidConfig`] for boxes that
    /// cannot be measured and for an identity that is twice in a frame.
    pub fn new(frames: &'a [Frame<'a>]) -> Result<Self> {
        for (idx, frame) in frames.iter().enumerate() {
            for tracked in [&frame.truth, &frame.said] {
                check_boxes("frame", "boxes", tracked.boxes)?;
                same_length("frame", "identities", tracked.boxes.len(), tracked.identities.len())?;
                let mut ids = tracked.identities.to_vec();
                ids.sort_unstable();
                if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
                    let found = format!("{} twice in frame {idx}", pair[0]);
                    return Err(refuse("frame", "identities", "different within a frame", found));
                }
            }
        }
        Ok(Self(frames))
    }
}

/// Counts of what happened.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TrackingCounts {
    overlap: ExactSum,
    /// `[objects, said, matched, switches, idtp]`.
    counts: [u64; 5],
}

impl MetricState for TrackingCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        add_counts(&mut self.counts, &other.counts)?;
        self.overlap.merge(&other.overlap);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let [objects, said, matched, switches, idtp] = self.counts;
        let fits = matched.max(idtp) <= objects.min(said) && switches <= matched;
        if fits && (0.0..=matched as f64 * (1.0 + 1e-12)).contains(&self.overlap.value()) {
            return Ok(());
        }
        Err("its counts contradict each other".to_owned())
    }
}

/// All numbers of a tracking evaluation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrackingReport {
    /// `1 - (missed + false + switches) / objects`.
    pub mota: Option<f64>,
    /// Mean IoU of matches.
    pub motp: Option<f64>,
    /// F1 of identities.
    pub idf1: Option<f64>,
    /// Precision of identities.
    pub idp: Option<f64>,
    /// Recall of identities.
    pub idr: Option<f64>,
    /// True boxes.
    pub objects: u64,
    /// True boxes without a track.
    pub missed: u64,
    /// Said boxes without an object.
    pub false_alarms: u64,
    /// Changes of the track on an object.
    pub switches: u64,
}

/// Which number a [`Tracking`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrackingNumber {
    /// Accuracy: errors by frame.
    #[default]
    Mota,
    /// Precision: overlap of matches.
    Motp,
    /// Identities kept.
    Idf1,
}

/// MOTA `(-inf, 1]`, MOTP or IDF1 `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tracking {
    /// The number that `compute` gives; a [`TrackingReport`] has all.
    pub number: TrackingNumber,
}

impl Tracking {
    /// All numbers.
    #[must_use]
    pub fn report(&self, state: &TrackingCounts) -> TrackingReport {
        let [objects, said, matched, switches, idtp] = state.counts;
        let ratio = |a: f64, b: u64| (b > 0).then(|| a / b as f64);
        let (missed, false_alarms) = (objects.saturating_sub(matched), said.saturating_sub(matched));
        let errors = missed as f64 + false_alarms as f64 + switches as f64;
        TrackingReport {
            mota: ratio(errors, objects).map(|share| 1.0 - share),
            motp: ratio(state.overlap.value(), matched),
            idf1: ratio(2.0 * idtp as f64, objects.saturating_add(said)),
            idp: ratio(idtp as f64, said),
            idr: ratio(idtp as f64, objects),
            objects,
            missed,
            false_alarms,
            switches,
        }
    }
}

impl Metric for Tracking {
    type Batch<'a> = Sequence<'a>;
    type State = TrackingCounts;

    fn name(&self) -> &'static str {
        match self.number {
            TrackingNumber::Mota => "mota",
            TrackingNumber::Motp => "motp",
            TrackingNumber::Idf1 => "idf1",
        }
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (if self.number == TrackingNumber::Mota { f64::NEG_INFINITY } else { 0.0 }, 1.0)
    }

    fn update(&self, state: &mut TrackingCounts, batch: &Sequence<'_>) -> Result<()> {
        state.merge(&follow(batch.0)).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &TrackingCounts) -> MetricValue {
        let report = self.report(state);
        let (value, missing) = match self.number {
            TrackingNumber::Mota => (report.mota, "no object"),
            TrackingNumber::Motp => (report.motp, "no match"),
            TrackingNumber::Idf1 => (report.idf1, "no box"),
        };
        match value {
            Some(value) => MetricValue::defined(value, report.objects),
            None => MetricValue::undefined(missing, report.objects),
        }
    }
}

fn follow(frames: &[Frame<'_>]) -> TrackingCounts {
    let mut state = TrackingCounts::default();
    let mut last: BTreeMap<u64, u64> = BTreeMap::new();
    // Frames in which identities overlap, and in which they are there.
    let mut together: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for Frame { truth, said } in frames {
        state.counts[0] += truth.boxes.len() as u64;
        state.counts[1] += said.boxes.len() as u64;
        let (n_true, n_said) = (truth.boxes.len(), said.boxes.len());
        let overlaps: Vec<f64> = truth.boxes.iter().flat_map(|t| said.boxes.iter().map(|s| iou(t, s))).collect();
        let mut track_of = vec![None; n_true];
        let mut free = vec![true; n_said];
        for (g, truth_id) in truth.identities.iter().enumerate() {
            for (s, said_id) in said.identities.iter().enumerate() {
                if overlaps[g * n_said + s] >= LEAST_IOU {
                    *together.entry((*truth_id, *said_id)).or_default() += 1;
                    if last.get(truth_id) == Some(said_id) && free[s] {
                        (track_of[g], free[s]) = (Some(s), false);
                    }
                }
            }
        }
        let rows: Vec<usize> = (0..n_true).filter(|&g| track_of[g].is_none()).collect();
        let cols: Vec<usize> = (0..n_said).filter(|&s| free[s]).collect();
        // A pair too far apart costs more than any number of near ones.
        let far = 2.0 * (rows.len().min(cols.len()) + 1) as f64;
        let cost = |overlap: f64| if overlap >= LEAST_IOU { 1.0 - overlap } else { far };
        let costs: Vec<f64> = rows
            .iter()
            .flat_map(|g| cols.iter().map(move |s| (g, s)))
            .map(|(g, s)| cost(overlaps[g * n_said + s]))
            .collect();
        for (&g, col) in rows.iter().zip(cheapest(&costs, rows.len(), cols.len())) {
            track_of[g] = col.map(|col| cols[col]).filter(|s| overlaps[g * n_said + s] >= LEAST_IOU);
        }
        for (g, s) in track_of.iter().enumerate().filter_map(|(g, s)| s.map(|s| (g, s))) {
            state.counts[2] += 1;
            state.overlap.add(overlaps[g * n_said + s]);
            let before = last.insert(truth.identities[g], said.identities[s]);
            state.counts[3] += u64::from(before.is_some_and(|before| before != said.identities[s]));
        }
    }
    state.counts[4] = identity_hits(&together);
    state
}

/// The most frames that a one-to-one map of identities can have in common.
fn identity_hits(together: &BTreeMap<(u64, u64), u64>) -> u64 {
    let distinct = |pick: fn(&(u64, u64)) -> u64| {
        let mut ids: Vec<u64> = together.keys().map(pick).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let (truths, said) = (distinct(|pair| pair.0), distinct(|pair| pair.1));
    let frames = |t: &u64, s: &u64| together.get(&(*t, *s)).copied().unwrap_or(0);
    let costs: Vec<f64> = truths.iter().flat_map(|t| said.iter().map(move |s| -(frames(t, s) as f64))).collect();
    let columns = cheapest(&costs, truths.len(), said.len());
    truths.iter().zip(columns).filter_map(|(t, col)| col.and_then(|col| said.get(col)).map(|s| frames(t, s))).sum()
}

crate::judged::answers_to_come! {
    Sequence<'a> => "tracks";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    const A: Xywh = [0.0, 0.0, 10.0, 10.0];
    const B: Xywh = [100.0, 0.0, 10.0, 10.0];

    #[test]
    fn a_switch_by_hand() {
        let truth = Tracked { boxes: &[A, B], identities: &[1, 2] };
        let frame = |identities| Frame { truth, said: Tracked { boxes: &[A, B], identities } };
        let frames = [frame(&[7, 8]), frame(&[7, 8]), frame(&[8, 7])];
        let mut metric = Streaming::new(Tracking::default());
        metric.update_batch(&Sequence::new(&frames).unwrap()).unwrap();
        let report = Tracking::default().report(metric.remembered());
        assert_eq!((report.switches, report.missed, report.false_alarms), (2, 0, 0));
        assert_eq!((report.mota, report.motp, report.idf1), (Some(1.0 - 2.0 / 6.0), Some(1.0), Some(4.0 / 6.0)));
    }

    #[test]
    fn a_track_is_kept_before_a_better_one_is_taken() {
        let near: Xywh = [3.0, 0.0, 10.0, 10.0];
        let truth = Tracked { boxes: &[A], identities: &[1] };
        let frames = [
            Frame { truth, said: Tracked { boxes: &[A], identities: &[7] } },
            Frame { truth, said: Tracked { boxes: &[A, near], identities: &[9, 7] } },
        ];
        let report = Tracking::default().report(&follow(&frames));
        assert_eq!((report.switches, report.false_alarms, report.objects), (0, 1, 2));
    }

    #[test]
    fn identities_are_different_in_a_frame() {
        let frames = [Frame { truth: Tracked { boxes: &[A, B], identities: &[1, 1] }, ..Frame::default() }];
        let e = Sequence::new(&frames).unwrap_err().to_string();
        assert_eq!(e, "frame: identities must be different within a frame, found 1 twice in frame 0");
        assert_eq!(Streaming::new(Tracking::default()).compute().get(), Err("no object"));
    }
}
