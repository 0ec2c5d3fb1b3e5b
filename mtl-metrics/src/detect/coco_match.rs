//! COCO's matching of the detections of one class in one image with the objects there.
//!
//! ```text
//! for every area range and every threshold t:
//!   for every detection d, scores falling:
//!     m = the object of highest overlap(d, .) >= t among the free ones; the last one among equals
//!         (objects that count first; ignored ones only if no counting one was found)
//!     d takes m;  d is ignored if m is;  an unmatched d is ignored if its own area is out of range
//! ```
//!
//! An object is ignored when it is marked so (a crowd, a person without keypoints) or its area is out of range. A crowd
//! is never used up.
//!
//! The verdicts for ten thresholds and four ranges are two 40-bit words, filled in one walk over the few objects that
//! overlap a detection by at least the lowest threshold. Ranges in which the same objects are ignored share their
//! matching.
//!
//! **Cost** `d g` overlaps, then `d` times the overlapping objects. **Reference** pycocotools 2.0.11 `evaluateImg`.
//! **Differs from** it where a truth has id 0: there pycocotools takes the match for none. Objects have no ids here.

use serde::{Deserialize, Serialize};

use crate::{
    metric::MetricState,
    value::{MetricValue, OrReason},
};

/// Overlap thresholds.
pub(crate) const N_THRESHOLDS: usize = 10;
/// The most area ranges.
pub(crate) const MAX_AREAS: usize = 4;

/// The thresholds .50, .55, .. .95, rounded as `numpy.linspace` rounds them.
#[must_use]
pub(crate) fn thresholds() -> [f64; N_THRESHOLDS] {
    let step = (0.95 - 0.5) / 9.0;
    std::array::from_fn(|t| if t == N_THRESHOLDS - 1 { 0.95 } else { t as f64 * step + 0.5 })
}

/// One class in one image.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) class: u32,
    /// `[d]`, falling.
    pub(crate) scores: &'a [f64],
    /// `[d]`.
    pub(crate) detection_areas: &'a [f64],
    /// `[d, g]`, row by row.
    pub(crate) overlaps: &'a [f64],
    /// `[g]`.
    pub(crate) object_areas: &'a [f64],
    /// `[g]`: never used up.
    pub(crate) crowd: &'a [bool],
    /// `[g]`: neither missed nor false when found; true for every crowd.
    pub(crate) ignored: &'a [bool],
}

/// What became of one detection: bit `10 area + threshold` of either word.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub(crate) score: f64,
    pub(crate) matched: u64,
    pub(crate) ignored: u64,
}

/// What became of the detections of one class in one image, and how many objects there were to find.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMatches {
    pub(crate) class: u32,
    /// Objects that count, by area range.
    pub(crate) n_objects: [u32; MAX_AREAS],
    /// In the order of falling scores.
    pub(crate) verdicts: Vec<Verdict>,
}

/// All classes of one image, ids rising.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ImageMatches(pub(crate) Vec<ClassMatches>);

impl MetricState for ImageMatches {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.0.is_empty() {
            return Ok(());
        }
        if !self.0.is_empty() {
            return Err("an image cannot be merged with another".to_owned());
        }
        self.clone_from(other);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let rising = self.0.windows(2).all(|pair| pair[0].class < pair[1].class);
        let good = |v: &Verdict| v.score.is_finite() && (v.matched | v.ignored) >> (N_THRESHOLDS * MAX_AREAS) == 0;
        let falling = |of: &ClassMatches| of.verdicts.windows(2).all(|pair| pair[0].score >= pair[1].score);
        if rising && self.0.iter().all(|of| falling(of) && of.verdicts.iter().all(good)) {
            return Ok(());
        }
        Err("its matches contradict each other".to_owned())
    }
}

/// Matches one class in one image within every area range (both ends belong to it).
pub(crate) fn match_class(scene: &Scene<'_>, areas: &[(f64, f64)]) -> ClassMatches {
    let limits = thresholds().map(|t| t.min(1.0 - 1e-10));
    let n_truths = scene.object_areas.len();
    let mut near: Vec<(usize, f64)> = Vec::new();
    let mut starts = vec![0];
    for d in 0..scene.scores.len() {
        let row = scene.overlaps.get(d * n_truths..(d + 1) * n_truths).unwrap_or_default();
        near.extend(row.iter().copied().enumerate().filter(|&(_, overlap)| overlap >= limits[0]));
        starts.push(near.len());
    }
    let mut verdicts: Vec<Verdict> =
        scene.scores.iter().map(|&score| Verdict { score, matched: 0, ignored: 0 }).collect();
    let mut n_objects = [0; MAX_AREAS];
    // By area range: who is ignored, then who matched and which of these matches are ignored.
    let mut done: Vec<(Vec<bool>, Vec<[u16; 2]>)> = Vec::new();
    for (area, &(low, high)) in areas.iter().enumerate().take(MAX_AREAS) {
        let outside = |size: f64| size < low || size > high;
        let ignored: Vec<bool> =
            scene.ignored.iter().zip(scene.object_areas).map(|(&ignored, &size)| ignored || outside(size)).collect();
        n_objects[area] = u32::try_from(ignored.iter().filter(|&&ignored| !ignored).count()).unwrap_or(u32::MAX);
        let words = match done.iter().find(|(same, _)| *same == ignored) {
            Some((_, words)) => words.clone(),
            None => {
                let words = match_range(&near, &starts, &ignored, scene.crowd, &limits);
                done.push((ignored, words.clone()));
                words
            }
        };
        for ((verdict, [matched, ignored]), &size) in verdicts.iter_mut().zip(words).zip(scene.detection_areas) {
            let all = (1_u16 << N_THRESHOLDS) - 1;
            let ignored = ignored | if outside(size) { all & !matched } else { 0 };
            verdict.matched |= u64::from(matched) << (area * N_THRESHOLDS);
            verdict.ignored |= u64::from(ignored) << (area * N_THRESHOLDS);
        }
    }
    ClassMatches { class: scene.class, n_objects, verdicts }
}

/// `[matched, matched to an ignored object]` of every detection, a bit for each threshold.
fn match_range(
    near: &[(usize, f64)],
    starts: &[usize],
    ignored: &[bool],
    crowd: &[bool],
    limits: &[f64; N_THRESHOLDS],
) -> Vec<[u16; 2]> {
    let mut taken = vec![0_u16; ignored.len()];
    let mut words = Vec::with_capacity(starts.len().saturating_sub(1));
    for ends in starts.windows(2) {
        let candidates = &near[ends[0]..ends[1]];
        let mut word = [0, 0];
        for (t, &limit) in limits.iter().enumerate() {
            let bit = 1 << t;
            let best_of = |wanted: bool| {
                let mut best = (limit, None);
                for &(g, overlap) in candidates {
                    if ignored[g] == wanted && (taken[g] & bit == 0 || crowd[g]) && overlap >= best.0 {
                        best = (overlap, Some(g));
                    }
                }
                best.1
            };
            if let Some(g) = best_of(false).or_else(|| best_of(true)) {
                taken[g] |= bit;
                word[0] |= bit;
                word[1] |= if ignored[g] { bit } else { 0 };
            }
        }
        words.push(word);
    }
    words
}

/// A value for classes without any object to find.
pub(crate) fn no_object() -> String {
    "no object".to_owned()
}

/// The mean over classes as a value that rests on `n_objects`.
pub(crate) fn over_classes(parts: &[OrReason<f64>], n_objects: u64) -> MetricValue {
    MetricValue::average(parts, "class", n_objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_numpy() {
        // `numpy.linspace(.5, .95, 10)`.
        let bits = [
            4602678819172646912,
            4603129179135383962,
            4603579539098121011,
            4604029899060858061,
            4604480259023595110,
            4604930618986332160,
            4605380978949069210,
            4605831338911806259,
            4606281698874543308,
            4606732058837280358,
        ];
        assert_eq!(thresholds().map(f64::to_bits), bits);
    }

    fn run(overlaps: &[f64], crowd: &[bool], object_areas: &[f64]) -> ClassMatches {
        let n = overlaps.len() / crowd.len();
        let (scores, areas) = (vec![0.5; n], vec![10.0; n]);
        let scene =
            Scene { class: 0, scores: &scores, detection_areas: &areas, overlaps, object_areas, crowd, ignored: crowd };
        match_class(&scene, &[(0.0, 1e10), (0.0, 50.0)])
    }

    #[test]
    fn an_object_is_taken_once_and_a_crowd_for_ever() {
        let two = run(&[0.6, 0.7], &[false], &[10.0]);
        assert_eq!(two.n_objects[..2], [1, 1]);
        let low = |v: &Verdict| (v.matched & 0x3ff, v.ignored & 0x3ff);
        assert_eq!(two.verdicts.iter().map(low).collect::<Vec<_>>(), [(0b111, 0), (0b11000, 0)]);
        let crowd = run(&[0.6, 0.7], &[true], &[10.0]);
        assert_eq!(crowd.n_objects[..2], [0, 0]);
        assert_eq!(crowd.verdicts.iter().map(low).collect::<Vec<_>>(), [(0b111, 0b111), (0b11111, 0b11111)]);
    }

    #[test]
    fn a_counting_object_is_preferred_to_a_better_ignored_one() {
        let matches = run(&[0.9, 0.6], &[true, false], &[10.0, 10.0]);
        let [verdict] = matches.verdicts[..] else { panic!("{matches:?}") };
        // At .50 to .60 the plain object, at .65 to .90 the crowd.
        assert_eq!((verdict.matched & 0x3ff, verdict.ignored & 0x3ff), (0b1_1111_1111, 0b1_1111_1000));
    }

    #[test]
    fn a_large_object_is_ignored_among_the_small() {
        let matches = run(&[0.9], &[false], &[100.0]);
        assert_eq!(matches.n_objects[..2], [1, 0]);
        assert_eq!(matches.verdicts[0].ignored, 0b1_1111_1111 << 10, "a small detection of it is ignored too");
    }

    #[test]
    fn damaged_states_are_refused() {
        let verdict = |score| Verdict { score, matched: 1, ignored: 0 };
        let of = |verdicts| ImageMatches(vec![ClassMatches { class: 1, n_objects: [1; 4], verdicts }]);
        assert!(of(vec![verdict(0.5), verdict(0.4)]).check().is_ok());
        assert!(of(vec![verdict(0.4), verdict(0.5)]).check().is_err());
        assert!(of(vec![Verdict { score: 0.4, matched: 1 << 40, ignored: 0 }]).check().is_err());
    }
}
