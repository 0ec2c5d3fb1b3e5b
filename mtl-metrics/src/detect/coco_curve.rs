//! COCO's precision and recall from the matches of all images.
//!
//! ```text
//! detections of a class in falling order of score; ties: by image id, then by place in the image
//! p(k) = k / (k + false before the k-th hit + 2^-52)     made to fall:  p(k) = max_{j >= k} p(j)
//! AP_t = mean over r in {0, .01, .., 1} of p(the first k with k / n >= r), 0 where there is none
//! AR_t = hits among the first `max` of every image / n
//! ```
//!
//! `n` is the number of objects that count in the area range; a class without any has no value and is left out. A sort
//! of the scores serves all thresholds, ranges and limits. Classes run in parallel, each on its own, so that the
//! number of threads changes no bit.
//!
//! **Cost** `n log n` once for a class, then one pass over the verdicts for every threshold and range.
//! **Reference** pycocotools 2.0.11 `accumulate`. **Differs from** it in nothing known; envelopes are taken over hits
//! only, between which precision falls.

use std::collections::BTreeMap;

use crate::{
    chunks::map_each,
    detect::coco_match::{ClassMatches, ImageMatches, MAX_AREAS, N_THRESHOLDS, Verdict, no_object},
    keyed::Keyed,
    value::OrReason,
};

/// One class: what all values of a summary are means of.
#[derive(Debug, Clone)]
pub(crate) struct ClassCurve {
    pub(crate) class: u32,
    /// By area range.
    pub(crate) n_objects: [u64; MAX_AREAS],
    pub(crate) n_detections: u64,
    /// AP by area range and threshold.
    precision: [[f64; N_THRESHOLDS]; MAX_AREAS],
    /// Share of objects found, by area range, limit of detections and threshold.
    recall: [Vec<[f64; N_THRESHOLDS]>; MAX_AREAS],
}

impl ClassCurve {
    /// AP in an area range: the mean over thresholds, or that at one.
    pub(crate) fn ap(&self, area: usize, threshold: Option<usize>) -> OrReason<f64> {
        self.known(area)?;
        Ok(pick(&self.precision[area], threshold))
    }

    /// Recall in an area range with the `limit`-th limit of detections for an image.
    pub(crate) fn ar(&self, area: usize, limit: usize, threshold: Option<usize>) -> OrReason<f64> {
        self.known(area)?;
        self.recall[area].get(limit).map(|of| pick(of, threshold)).ok_or_else(|| format!("no limit {limit}"))
    }

    fn known(&self, area: usize) -> OrReason<()> {
        if self.n_objects[area] > 0 { Ok(()) } else { Err(no_object()) }
    }
}

fn pick(of: &[f64; N_THRESHOLDS], threshold: Option<usize>) -> f64 {
    match threshold {
        Some(t) => of[t.min(N_THRESHOLDS - 1)],
        None => of.iter().sum::<f64>() / N_THRESHOLDS as f64,
    }
}

/// The curves of all classes that were seen, ids rising. `limits` are numbers of detections for an image, rising.
pub(crate) fn curves(state: &Keyed<ImageMatches>, n_areas: usize, limits: &[usize]) -> Vec<ClassCurve> {
    let mut by_class: BTreeMap<u32, Vec<&ClassMatches>> = BTreeMap::new();
    for matches in state.records().flat_map(|image| &image.0) {
        by_class.entry(matches.class).or_default().push(matches);
    }
    let classes: Vec<_> = by_class.into_iter().collect();
    map_each(classes.len(), |idx| curve(classes[idx].0, &classes[idx].1, n_areas, limits))
}

fn curve(class: u32, images: &[&ClassMatches], n_areas: usize, limits: &[usize]) -> ClassCurve {
    let mut ranked: Vec<(usize, Verdict)> =
        images.iter().flat_map(|image| image.verdicts.iter().copied().enumerate()).collect();
    // Stable, and images come in the order of their ids.
    ranked.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
    let mut curve = ClassCurve {
        class,
        n_objects: [0; MAX_AREAS],
        n_detections: ranked.len() as u64,
        precision: [[0.0; N_THRESHOLDS]; MAX_AREAS],
        recall: std::array::from_fn(|_| vec![[0.0; N_THRESHOLDS]; limits.len()]),
    };
    let mut at_hits = Vec::new();
    for area in 0..n_areas.min(MAX_AREAS) {
        let n: u64 = images.iter().map(|image| u64::from(image.n_objects[area])).sum();
        curve.n_objects[area] = n;
        if n == 0 {
            continue;
        }
        for t in 0..N_THRESHOLDS {
            let bit = 1 << (area * N_THRESHOLDS + t);
            let (mut hits, mut wrong) = (0_u64, 0_u64);
            let mut within = vec![0_u64; limits.len()];
            at_hits.clear();
            for (rank, verdict) in &ranked {
                if verdict.ignored & bit != 0 {
                    continue;
                }
                if verdict.matched & bit == 0 {
                    wrong += 1;
                    continue;
                }
                hits += 1;
                at_hits.push(hits as f64 / ((wrong + hits) as f64 + f64::EPSILON));
                within.iter_mut().zip(limits).for_each(|(within, limit)| *within += u64::from(rank < limit));
            }
            curve.precision[area][t] = interpolated(&mut at_hits, n);
            for (recall, within) in curve.recall[area].iter_mut().zip(within) {
                recall[t] = within as f64 / n as f64;
            }
        }
    }
    curve
}

/// The mean of the falling envelope of precision at 101 recalls; `at_hits[k]` belongs to recall `(k + 1) / n`.
fn interpolated(at_hits: &mut [f64], n: u64) -> f64 {
    for k in (1..at_hits.len()).rev() {
        at_hits[k - 1] = at_hits[k - 1].max(at_hits[k]);
    }
    let (mut sum, mut k) = (0.0, 0);
    for r in 0..=100_u32 {
        let wanted = if r == 100 { 1.0 } else { f64::from(r) * 0.01 };
        while k < at_hits.len() && ((k + 1) as f64 / n as f64) < wanted {
            k += 1;
        }
        match at_hits.get(k) {
            Some(precision) => sum += precision,
            None => break,
        }
    }
    sum / 101.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_by_hand() {
        // Hit, miss, hit among 4 objects: precision 1 up to recall 1/4 (26 points), 2/3 up to 1/2 (25 points), then 0.
        let mut at_hits = [1.0, 2.0 / 3.0];
        let want = (26.0 + 25.0 * 2.0 / 3.0) / 101.0;
        assert!((interpolated(&mut at_hits, 4) - want).abs() < 1e-15);
        assert!(interpolated(&mut [], 4) <= 0.0);
        assert!((interpolated(&mut [0.5, 1.0], 2) - 1.0).abs() < 1e-15, "the envelope only falls");
    }
}
