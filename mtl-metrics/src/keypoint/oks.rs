//! COCO's average precision of keypoints: overlap is object keypoint similarity.
//!
//! ```text
//! OKS(d, g) = mean over labeled keypoints i of exp( -|d_i - g_i|^2 / (2 area (2 sigma_i)^2) )
//! ```
//!
//! `area` is that of the true person, `sigma_i` how far annotators disagree on a keypoint. A person without any labeled
//! keypoint is ignored; its similarity is taken from the distance of keypoints to its doubled box. Matching and curves
//! are those of boxes ([`crate::detect::coco`]), with area ranges all, medium, large and 20 detections in an image.
//!
//! **Input** images with unique ids; keypoints `[d, k]` as `[x, y]` and scores `[d]`; persons with keypoints `[g, k]`
//! as `[x, y, visibility]`, boxes `[g, 4]`, areas `[g]`, crowd marks `[g]`. **State** 24 bytes a detection.
//!
//! **Reference** COCO keypoint task; pycocotools 2.0.11 `COCOeval(iouType="keypoints")`. **Differs from** it as
//! [`crate::detect::CocoAp`] does.

use mtl_core::{Result, metric::Direction};

use crate::{
    chunks::map_each,
    detect::{ClassCurve, ImageMatches, Scene, Xywh, boxes::check_boxes, by_score, curves, match_class, over_classes},
    keyed::Keyed,
    metric::{Metric, refused},
    refusal::{check_each, numbers, same_length},
    value::MetricValue,
};

/// Area ranges: all, medium, large.
const AREAS: [(f64, f64); 3] = [(0.0, 1e10), (1024.0, 9216.0), (9216.0, 1e10)];
/// Detections in an image.
const LIMIT: usize = 20;

/// The 17 keypoints of COCO persons: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles.
pub const COCO_SIGMAS: [f64; 17] = [
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089,
    0.089,
];

/// Persons said and true in one image; `k` keypoints each.
#[derive(Debug, Clone, Copy)]
pub struct PoseImage<'a> {
    /// Its id, once in a data set.
    pub id: u64,
    /// `[d, k]`, person after person.
    pub said: &'a [[f64; 2]],
    /// `[d]`.
    pub scores: &'a [f64],
    /// `[g, k]` as x, y, visibility; 0 means not labeled.
    pub truth: &'a [[f64; 3]],
    /// `[g]`.
    pub boxes: &'a [Xywh],
    /// `[g]`, pixels.
    pub areas: &'a [f64],
    /// `[g]`, true for a group of persons.
    pub crowd: &'a [bool],
}

/// Images, checked.
#[derive(Debug, Clone)]
pub struct PoseBatch<'a> {
    images: Vec<PoseImage<'a>>,
    k: usize,
}

impl<'a> PoseBatch<'a> {
    /// Images of persons with `k` keypoints.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists that do not fit together, [`mtl_core::Error::InvalidConfig`] for numbers
    /// that are not finite, negative sizes and areas.
    pub fn new(images: impl IntoIterator<Item = PoseImage<'a>>, k: usize) -> Result<Self> {
        let images: Vec<_> = images.into_iter().collect();
        let near = |x: f64| x.abs() <= 1e100;
        for image in &images {
            check_each("poses", "keypoints", "a number up to 1e100", image.said.iter().flatten(), near)?;
            check_each("poses", "true keypoints", "a number up to 1e100", image.truth.iter().flatten(), near)?;
            numbers("poses", "scores", image.scores)?;
            check_boxes("poses", "boxes", image.boxes)?;
            check_each("poses", "areas", "0 or more", image.areas, |area| (0.0..=1e100).contains(&area))?;
            let product = |n: usize| n.saturating_mul(k);
            same_length("poses", "keypoints", product(image.scores.len()), image.said.len())?;
            same_length("poses", "true keypoints", product(image.boxes.len()), image.truth.len())?;
            same_length("poses", "areas", image.boxes.len(), image.areas.len())?;
            same_length("poses", "crowd", image.boxes.len(), image.crowd.len())?;
        }
        Ok(Self { images, k })
    }
}

/// Which of COCO's ten keypoint numbers an [`OksAp`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "named as COCO names them")]
pub enum OksNumber {
    #[default]
    Ap,
    Ap50,
    Ap75,
    ApMedium,
    ApLarge,
    Ar,
    Ar50,
    Ar75,
    ArMedium,
    ArLarge,
}

impl OksNumber {
    /// All, in the order in which pycocotools prints them.
    pub const ALL: [Self; 10] = [
        Self::Ap,
        Self::Ap50,
        Self::Ap75,
        Self::ApMedium,
        Self::ApLarge,
        Self::Ar,
        Self::Ar50,
        Self::Ar75,
        Self::ArMedium,
        Self::ArLarge,
    ];

    fn of(self, curves: &[ClassCurve]) -> MetricValue {
        let (area, read): (usize, fn(&ClassCurve, usize) -> _) = match self {
            Self::Ap => (0, |c, a| c.ap(a, None)),
            Self::Ap50 => (0, |c, a| c.ap(a, Some(0))),
            Self::Ap75 => (0, |c, a| c.ap(a, Some(5))),
            Self::ApMedium => (1, |c, a| c.ap(a, None)),
            Self::ApLarge => (2, |c, a| c.ap(a, None)),
            Self::Ar => (0, |c, a| c.ar(a, 0, None)),
            Self::Ar50 => (0, |c, a| c.ar(a, 0, Some(0))),
            Self::Ar75 => (0, |c, a| c.ar(a, 0, Some(5))),
            Self::ArMedium => (1, |c, a| c.ar(a, 0, None)),
            Self::ArLarge => (2, |c, a| c.ar(a, 0, None)),
        };
        let parts: Vec<_> = curves.iter().map(|curve| read(curve, area)).collect();
        over_classes(&parts, curves.iter().map(|curve| curve.n_objects[area]).sum())
    }
}

/// AP or AR of keypoints, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct OksAp {
    number: OksNumber,
    sigmas: Vec<f64>,
}

impl OksAp {
    /// With one sigma a keypoint; COCO persons have [`COCO_SIGMAS`].
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a sigma that is not positive.
    pub fn new(number: OksNumber, sigmas: &[f64]) -> Result<Self> {
        check_each("oks", "sigmas", "in (1e-6, 1e6)", sigmas, |sigma| sigma > 1e-6 && sigma < 1e6)?;
        Ok(Self { number, sigmas: sigmas.to_vec() })
    }

    /// All ten numbers, in the order of [`OksNumber::ALL`].
    #[must_use]
    pub fn report(&self, state: &Keyed<ImageMatches>) -> [MetricValue; 10] {
        let curves = curves(state, AREAS.len(), &[LIMIT]);
        OksNumber::ALL.map(|number| number.of(&curves))
    }

    fn match_image(&self, image: &PoseImage<'_>) -> ImageMatches {
        let k = self.sigmas.len();
        let mut found: Vec<usize> = (0..image.scores.len()).collect();
        found.sort_by(|&a, &b| by_score(image.scores[a], image.scores[b]));
        found.truncate(LIMIT);
        let labeled = |g: usize| image.truth[g * k..(g + 1) * k].iter().any(|point| point[2] > 0.0);
        let ignored: Vec<bool> = (0..image.boxes.len()).map(|g| image.crowd[g] || !labeled(g)).collect();
        let overlap = |d: usize, g: usize| {
            let said = &image.said[d * k..(d + 1) * k];
            let truth = &image.truth[g * k..(g + 1) * k];
            oks(said, truth, &image.boxes[g], image.areas[g], &self.sigmas)
        };
        let pairs = found.iter().flat_map(|&d| (0..image.boxes.len()).map(move |g| (d, g)));
        let overlaps: Vec<f64> = pairs.map(|(d, g)| overlap(d, g)).collect();
        let areas: Vec<f64> = found.iter().map(|&d| extent(&image.said[d * k..(d + 1) * k])).collect();
        let scene = Scene {
            class: 0,
            scores: &found.iter().map(|&d| image.scores[d] + 0.0).collect::<Vec<_>>(),
            detection_areas: &areas,
            overlaps: &overlaps,
            object_areas: image.areas,
            crowd: image.crowd,
            ignored: &ignored,
        };
        ImageMatches(vec![match_class(&scene, &AREAS)])
    }
}

/// Object keypoint similarity of one said and one true person, `[0, 1]`; slices of equal length.
#[must_use]
pub fn oks(said: &[[f64; 2]], truth: &[[f64; 3]], around: &Xywh, area: f64, sigmas: &[f64]) -> f64 {
    let [left, top, w, h] = *around;
    let any = truth.iter().any(|point| point[2] > 0.0);
    let beyond = |x: f64, low: f64, high: f64| (low - x).max(0.0) + (x - high).max(0.0);
    let (mut sum, mut n) = (0.0, 0_u32);
    for ((&[x, y], &[tx, ty, visible]), sigma) in said.iter().zip(truth).zip(sigmas) {
        if any && visible <= 0.0 {
            continue;
        }
        let (dx, dy) = if any {
            (x - tx, y - ty)
        } else {
            (beyond(x, left - w, left + w * 2.0), beyond(y, top - h, top + h * 2.0))
        };
        let variance = (sigma * 2.0) * (sigma * 2.0);
        sum += (-(dx * dx + dy * dy) / variance / (area + f64::EPSILON) / 2.0).exp();
        n += 1;
    }
    if n == 0 { 0.0 } else { sum / f64::from(n) }
}

/// The area of the box around keypoints.
fn extent(points: &[[f64; 2]]) -> f64 {
    let span = |axis: usize| {
        let low = points.iter().map(|point| point[axis]).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(|point| point[axis]).fold(f64::NEG_INFINITY, f64::max);
        (high - low).max(0.0)
    };
    span(0) * span(1)
}

impl Metric for OksAp {
    type Batch<'a> = PoseBatch<'a>;
    type State = Keyed<ImageMatches>;

    fn name(&self) -> &'static str {
        match self.number {
            OksNumber::Ap => "oks-ap",
            OksNumber::Ap50 => "oks-ap50",
            OksNumber::Ap75 => "oks-ap75",
            OksNumber::ApMedium => "oks-ap-medium",
            OksNumber::ApLarge => "oks-ap-large",
            OksNumber::Ar => "oks-ar",
            OksNumber::Ar50 => "oks-ar50",
            OksNumber::Ar75 => "oks-ar75",
            OksNumber::ArMedium => "oks-ar-medium",
            OksNumber::ArLarge => "oks-ar-large",
        }
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &PoseBatch<'_>) -> Result<()> {
        same_length(self.name(), "keypoints of a person", self.sigmas.len(), batch.k)?;
        let images = &batch.images;
        let matched = map_each(images.len(), |idx| (images[idx].id, self.match_image(&images[idx])));
        let mut part = Keyed::default();
        matched
            .into_iter()
            .try_for_each(|(id, record)| part.insert(id, record))
            .and_then(|()| state.absorb(part))
            .map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        self.number.of(&curves(state, AREAS.len(), &[LIMIT]))
    }
}

crate::judged::answers_to_come! {
    PoseBatch<'a> => "keypoints";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_by_hand() {
        let truth = [[0.0, 0.0, 2.0], [5.0, 5.0, 0.0]];
        let said = [[3.0, 4.0], [99.0, 99.0]];
        let around = [0.0, 0.0, 10.0, 10.0];
        // |d|^2 = 25, (2 sigma)^2 = 1, area 100: exp(-25 / 200); the keypoint that is not labeled does not count.
        assert!((oks(&said, &truth, &around, 100.0, &[0.5, 0.5]) - (-0.125_f64).exp()).abs() < 1e-15);
        let unlabeled = [[0.0, 0.0, 0.0]; 2];
        assert!((oks(&[[15.0, 0.0], [-10.0, 20.0]], &unlabeled, &around, 100.0, &[0.5, 0.5]) - 1.0).abs() < 1e-15);
        assert!((extent(&said) - 96.0 * 95.0).abs() < 1e-12);
    }

    #[test]
    fn persons_have_as_many_keypoints_as_sigmas() {
        assert!(OksAp::new(OksNumber::Ap, &[0.0]).is_err());
        let metric = OksAp::new(OksNumber::Ap, &COCO_SIGMAS).unwrap();
        let batch = PoseBatch::new([], 3).unwrap();
        let e = metric.update(&mut Keyed::default(), &batch).unwrap_err().to_string();
        assert_eq!(e, "oks-ap: keypoints of a person must be of length 17, found [3]");
    }
}
