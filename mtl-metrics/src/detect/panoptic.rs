//! Panoptic quality: how well an image is cut into segments of things and stuff.
//!
//! ```text
//! a said and a true segment of the same class match when IoU > 1/2 (then at most one can)
//! PQ_c = sum of matched IoU / (TP + FP/2 + FN/2) = SQ_c RQ_c
//! SQ_c = sum of matched IoU / TP          RQ_c = TP / (TP + FP/2 + FN/2)          PQ = mean over classes of PQ_c
//! ```
//!
//! Pixels without a true segment (void) count in no union. A said segment that lies by more than half in void or in
//! crowd regions of its class is not false; a crowd region is never missed.
//!
//! **Shapes** two maps `[h w]` of segment ids, 0 for void; two lists of segments. **State** 576 bytes a class.
//!
//! **Reference** A. Kirillov et al., *Panoptic Segmentation*, CVPR 2019; panopticapi `pq_compute_single_core`.
//! **Differs from** it: classes come from the segments seen, not from a file of categories, and those without any
//! segment do not exist rather than being left out; sums are exact.

use std::collections::BTreeMap;

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    exact_sum::ExactSum,
    metric::{Metric, MetricState, add_counts, refused},
    refusal::{refuse, same_length},
    value::{MetricValue, OrReason},
};

/// A segment of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapSegment {
    /// Its id in the map, not 0.
    pub id: u32,
    /// Its class.
    pub class: u32,
    /// A region of many things; only of meaning for the truth.
    pub crowd: bool,
}

/// Said and true map of one image, checked.
#[derive(Debug, Clone)]
pub struct PanopticBatch<'a> {
    said: &'a [u32],
    truth: &'a [u32],
    said_segments: BTreeMap<u32, MapSegment>,
    true_segments: BTreeMap<u32, MapSegment>,
}

impl<'a> PanopticBatch<'a> {
    /// Checks the maps of one image.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for maps of different sizes, [`mtl_core::Error::InvalidConfig`] for an id in a map
    /// without a segment, for a segment that is listed twice or has id 0.
    pub fn new(
        said: &'a [u32],
        said_segments: &[MapSegment],
        truth: &'a [u32],
        true_segments: &[MapSegment],
    ) -> Result<Self> {
        same_length("panoptic maps", "said map", truth.len(), said.len())?;
        let said_segments = listed("said segments", said, said_segments)?;
        let true_segments = listed("true segments", truth, true_segments)?;
        Ok(Self { said, truth, said_segments, true_segments })
    }
}

fn listed(field: &'static str, map: &[u32], segments: &[MapSegment]) -> Result<BTreeMap<u32, MapSegment>> {
    let mut by_id = BTreeMap::new();
    for segment in segments {
        if segment.id == 0 || by_id.insert(segment.id, *segment).is_some() {
            return Err(refuse("panoptic maps", field, "of different ids from 1", format!("id {}", segment.id)));
        }
    }
    let mut last = 0;
    for (pixel, &id) in map.iter().enumerate() {
        if id != last && id != 0 && !by_id.contains_key(&id) {
            return Err(refuse("panoptic maps", field, "every id of the map", format!("no id {id} (pixel {pixel})")));
        }
        last = id;
    }
    Ok(by_id)
}

/// One class.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct ClassQuality {
    overlap: ExactSum,
    /// `[matched, false, missed]`.
    counts: [u64; 3],
}

/// What was matched, by class.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PanopticCounts(BTreeMap<u32, ClassQuality>);

impl MetricState for PanopticCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let mut merged = self.clone();
        for (&class, theirs) in &other.0 {
            let ours = merged.0.entry(class).or_default();
            add_counts(&mut ours.counts, &theirs.counts)?;
            ours.overlap.merge(&theirs.overlap);
        }
        *self = merged;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let good = |of: &ClassQuality| (0.0..=of.counts[0] as f64).contains(&of.overlap.value());
        if self.0.values().all(good) { Ok(()) } else { Err("its overlaps contradict its counts".to_owned()) }
    }
}

/// One class of a panoptic quality.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassPanoptic {
    /// Its id.
    pub class: u32,
    /// Panoptic quality.
    pub pq: Option<f64>,
    /// Segmentation quality: mean IoU of matches.
    pub sq: Option<f64>,
    /// Recognition quality: F1 of segments.
    pub rq: Option<f64>,
    /// Matched segments.
    pub matched: u64,
    /// Said segments that are not there.
    pub false_alarms: u64,
    /// True segments that were not found.
    pub missed: u64,
}

/// Panoptic quality, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PanopticQuality;

impl PanopticQuality {
    /// Every class, ids rising.
    #[must_use]
    pub fn classes(&self, state: &PanopticCounts) -> Vec<ClassPanoptic> {
        let one = |(&class, of): (&u32, &ClassQuality)| {
            let [matched, false_alarms, missed] = of.counts;
            let overlap = of.overlap.value();
            let all = matched as f64 + 0.5 * false_alarms as f64 + 0.5 * missed as f64;
            let ratio = |a: f64, b: f64| (b > 0.0).then(|| a / b);
            let sq = if all > 0.0 { Some(ratio(overlap, matched as f64).unwrap_or(0.0)) } else { None };
            ClassPanoptic {
                class,
                pq: ratio(overlap, all),
                sq,
                rq: ratio(matched as f64, all),
                matched,
                false_alarms,
                missed,
            }
        };
        state.0.iter().map(one).collect()
    }
}

impl Metric for PanopticQuality {
    type Batch<'a> = PanopticBatch<'a>;
    type State = PanopticCounts;

    fn name(&self) -> &'static str {
        "panoptic-quality"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut PanopticCounts, batch: &PanopticBatch<'_>) -> Result<()> {
        state.merge(&count(batch)).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &PanopticCounts) -> MetricValue {
        let classes = self.classes(state);
        let reason = || "no segment that counts".to_owned();
        let parts: Vec<_> = classes.iter().map(|class| class.pq.ok_or_else(reason)).collect();
        let support = classes.iter().map(|class| class.matched + class.false_alarms + class.missed).sum();
        MetricValue::average(&parts, "class", support)
    }
}

fn count(batch: &PanopticBatch<'_>) -> PanopticCounts {
    // Pixels by (true id, said id); maps have long runs, which are counted as one.
    let mut shared: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let mut pixels = batch.truth.iter().zip(batch.said);
    let mut run = pixels.next().map(|(&t, &s)| ((t, s), 1_u64));
    for (&t, &s) in pixels {
        match &mut run {
            Some((pair, length)) if *pair == (t, s) => *length += 1,
            _ => {
                if let Some((pair, length)) = run.replace(((t, s), 1)) {
                    *shared.entry(pair).or_default() += length;
                }
            }
        }
    }
    if let Some((pair, length)) = run {
        *shared.entry(pair).or_default() += length;
    }
    let (mut true_area, mut said_area) = (BTreeMap::<u32, u64>::new(), BTreeMap::<u32, u64>::new());
    for (&(t, s), &n) in &shared {
        *true_area.entry(t).or_default() += n;
        *said_area.entry(s).or_default() += n;
    }
    let area = |areas: &BTreeMap<u32, u64>, id| areas.get(&id).copied().unwrap_or(0);
    let void = |said: u32| shared.get(&(0, said)).copied().unwrap_or(0);
    let mut counts = PanopticCounts::default();
    let (mut found, mut used) = (Vec::new(), Vec::new());
    // Pixels of a said segment in crowds of its class.
    let mut in_crowd: BTreeMap<u32, u64> = BTreeMap::new();
    for (&(t, s), &both) in &shared {
        let (Some(there), Some(said)) = (batch.true_segments.get(&t), batch.said_segments.get(&s)) else { continue };
        if there.class != said.class {
            continue;
        }
        if there.crowd {
            *in_crowd.entry(s).or_default() += both;
            continue;
        }
        let union = area(&true_area, t) + area(&said_area, s) - both - void(s);
        if 2 * both > union {
            let class = counts.0.entry(there.class).or_default();
            class.overlap.add(both as f64 / union as f64);
            class.counts[0] += 1;
            found.push(t);
            used.push(s);
        }
    }
    used.sort_unstable();
    // Segments that have no pixel in the map are not there.
    let there = batch.true_segments.values().filter(|segment| area(&true_area, segment.id) > 0);
    for segment in there.filter(|segment| !segment.crowd && found.binary_search(&segment.id).is_err()) {
        counts.0.entry(segment.class).or_default().counts[2] += 1;
    }
    for segment in batch.said_segments.values().filter(|segment| used.binary_search(&segment.id).is_err()) {
        let size = area(&said_area, segment.id);
        let excused = void(segment.id) + in_crowd.get(&segment.id).copied().unwrap_or(0);
        if size > 0 && 2 * excused <= size {
            counts.0.entry(segment.class).or_default().counts[1] += 1;
        }
    }
    counts
}

crate::judged::answers_to_come! {
    PanopticBatch<'a> => "masks";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    fn segment(id: u32, class: u32) -> MapSegment {
        MapSegment { id, class, crowd: false }
    }

    #[test]
    fn by_hand() {
        // Class 1: 3 of 4 pixels found, one more said in void: IoU 3/4. Class 2: missed, and said elsewhere.
        let truth = [1, 1, 1, 1, 2, 2, 0, 3];
        let said = [5, 5, 5, 0, 0, 0, 5, 6];
        let batch = PanopticBatch::new(
            &said,
            &[segment(5, 1), segment(6, 2)],
            &truth,
            &[segment(1, 1), segment(2, 2), segment(3, 3)],
        );
        let mut metric = Streaming::new(PanopticQuality);
        metric.update_batch(&batch.unwrap()).unwrap();
        let classes = PanopticQuality.classes(metric.remembered());
        assert_eq!((classes[0].pq, classes[0].sq, classes[0].rq), (Some(0.75), Some(0.75), Some(1.0)));
        assert_eq!((classes[1].matched, classes[1].false_alarms, classes[1].missed), (0, 1, 1));
        assert_eq!((classes[2].pq, classes[2].missed), (Some(0.0), 1));
        assert!((metric.compute().value.unwrap() - 0.25).abs() < 1e-15);
    }

    #[test]
    fn crowds_and_void_excuse() {
        let crowd = MapSegment { crowd: true, ..segment(1, 1) };
        let batch = PanopticBatch::new(&[4, 4, 4], &[segment(4, 1)], &[1, 0, 9], &[crowd, segment(9, 2)]).unwrap();
        let mut metric = Streaming::new(PanopticQuality);
        metric.update_batch(&batch).unwrap();
        let classes = PanopticQuality.classes(metric.remembered());
        assert_eq!((classes.len(), classes[0].class, classes[0].missed), (1, 2, 1));
    }

    #[test]
    fn maps_and_lists_must_fit() {
        let e = PanopticBatch::new(&[4], &[], &[0], &[]).unwrap_err().to_string();
        assert_eq!(e, "panoptic maps: said segments must be every id of the map, found no id 4 (pixel 0)");
        assert!(PanopticBatch::new(&[4, 4], &[segment(4, 1)], &[0], &[]).is_err());
        assert!(PanopticBatch::new(&[], &[segment(0, 1)], &[], &[]).is_err());
    }
}
