//! COCO's average precision and recall of boxes.
//!
//! ```text
//! AP     mean over classes and IoU thresholds .50, .55, .. .95 of the area under precision over recall
//! AP50   at IoU .50;  AP75 at .75;  APs, APm, APl: objects of area <= 32^2, 32^2..96^2, >= 96^2 pixels
//! AR@k   mean over classes and thresholds of the share of objects found by the k best detections of each class in an image
//! ```
//!
//! Matching is that of `coco_match`, curves are those of `coco_curve`; [`MaskAp`](super::MaskAp) shares both. Every image is
//! matched when it comes in; what stays is 24 bytes a detection, so images and masks can be dropped.
//!
//! **Input** images with unique ids; boxes `[d, 4]` as left, top, width, height in pixels, scores `[d]`, classes `[d]`;
//! objects `[g, 4]`, classes `[g]`, optional areas `[g]` (of the mask, as in COCO files; else width times height) and
//! crowd marks `[g]`. At most 100 detections of a class in an image are used, the best ones.
//! **State** 24 bytes a detection, 48 bytes a class in an image.
//!
//! **Reference** T.-Y. Lin et al., *Microsoft COCO*, ECCV 2014; pycocotools 2.0.11 `COCOeval(iouType="bbox")`.
//! **Differs from** pycocotools: an undefined value is `None` with a reason, not -1; ties between images are broken by
//! image id as there, but ids are numbers and come once; a truth with id 0 is no special case.

use mtl_core::{Result, metric::Direction};
use serde::Serialize;

use crate::{
    detect::{
        boxes::{Xywh, check_boxes},
        coco_curve::{ClassCurve, curves},
        coco_image::{AREAS, LIMITS, Sides, fold},
        coco_match::{ImageMatches, over_classes},
    },
    keyed::Keyed,
    metric::Metric,
    value::MetricValue,
};

/// What was found in one image.
#[derive(Debug, Clone, Copy, Default)]
pub struct Detections<'a> {
    /// `[d]` boxes.
    pub boxes: &'a [Xywh],
    /// `[d]`, larger is surer.
    pub scores: &'a [f64],
    /// `[d]`.
    pub classes: &'a [u32],
}

/// What there is in one image.
#[derive(Debug, Clone, Copy, Default)]
pub struct Objects<'a> {
    /// `[g]` boxes.
    pub boxes: &'a [Xywh],
    /// `[g]`.
    pub classes: &'a [u32],
    /// `[g]`, pixels; `None` takes width times height.
    pub areas: Option<&'a [f64]>,
    /// `[g]`, true for a region of many objects, which may be found any number of times and need not be.
    pub crowd: Option<&'a [bool]>,
}

/// One image.
#[derive(Debug, Clone, Copy)]
pub struct DetectionImage<'a> {
    /// Its id, once in a data set.
    pub id: u64,
    /// What was found.
    pub said: Detections<'a>,
    /// What there is.
    pub truth: Objects<'a>,
}

impl DetectionImage<'_> {
    fn sides(&self) -> Sides<'_, Xywh> {
        let Self { said, truth, .. } = self;
        Sides {
            said: said.boxes,
            scores: said.scores,
            said_classes: said.classes,
            truth: truth.boxes,
            truth_classes: truth.classes,
            areas: truth.areas,
            crowd: truth.crowd,
        }
    }
}

/// Images, checked.
#[derive(Debug, Clone)]
pub struct DetectionBatch<'a>(Vec<DetectionImage<'a>>);

impl<'a> DetectionBatch<'a> {
    /// Checks images.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists of different lengths, [`mtl_core::Error::InvalidConfig`] for numbers that
    /// are not finite, negative sizes and areas.
    pub fn new(images: impl IntoIterator<Item = DetectionImage<'a>>) -> Result<Self> {
        let images: Vec<_> = images.into_iter().collect();
        for image in &images {
            check_boxes("detections", "boxes", image.said.boxes)?;
            check_boxes("objects", "boxes", image.truth.boxes)?;
            image.sides().check()?;
        }
        Ok(Self(images))
    }
}

/// Which of COCO's twelve numbers a [`CocoAp`] or [`MaskAp`](super::MaskAp) gives as its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the module essay says what each is")]
pub enum CocoNumber {
    #[default]
    Ap,
    Ap50,
    Ap75,
    ApSmall,
    ApMedium,
    ApLarge,
    Ar1,
    Ar10,
    Ar100,
    ArSmall,
    ArMedium,
    ArLarge,
}

impl CocoNumber {
    /// All, in the order in which pycocotools prints them.
    pub const ALL: [Self; 12] = [
        Self::Ap,
        Self::Ap50,
        Self::Ap75,
        Self::ApSmall,
        Self::ApMedium,
        Self::ApLarge,
        Self::Ar1,
        Self::Ar10,
        Self::Ar100,
        Self::ArSmall,
        Self::ArMedium,
        Self::ArLarge,
    ];

    /// What the metrics are called: of boxes and of masks.
    pub(super) fn names(self) -> [&'static str; 2] {
        match self {
            Self::Ap => ["coco-ap", "coco-mask-ap"],
            Self::Ap50 => ["coco-ap50", "coco-mask-ap50"],
            Self::Ap75 => ["coco-ap75", "coco-mask-ap75"],
            Self::ApSmall => ["coco-ap-small", "coco-mask-ap-small"],
            Self::ApMedium => ["coco-ap-medium", "coco-mask-ap-medium"],
            Self::ApLarge => ["coco-ap-large", "coco-mask-ap-large"],
            Self::Ar1 => ["coco-ar-1", "coco-mask-ar-1"],
            Self::Ar10 => ["coco-ar-10", "coco-mask-ar-10"],
            Self::Ar100 => ["coco-ar-100", "coco-mask-ar-100"],
            Self::ArSmall => ["coco-ar-small", "coco-mask-ar-small"],
            Self::ArMedium => ["coco-ar-medium", "coco-mask-ar-medium"],
            Self::ArLarge => ["coco-ar-large", "coco-mask-ar-large"],
        }
    }

    /// The number of all images seen.
    pub(super) fn read(self, state: &Keyed<ImageMatches>) -> MetricValue {
        self.of(&curves(state, AREAS.len(), &LIMITS))
    }

    fn of(self, curves: &[ClassCurve]) -> MetricValue {
        let (area, read): (usize, fn(&ClassCurve, usize) -> _) = match self {
            Self::Ap => (0, |c, a| c.ap(a, None)),
            Self::Ap50 => (0, |c, a| c.ap(a, Some(0))),
            Self::Ap75 => (0, |c, a| c.ap(a, Some(5))),
            Self::ApSmall => (1, |c, a| c.ap(a, None)),
            Self::ApMedium => (2, |c, a| c.ap(a, None)),
            Self::ApLarge => (3, |c, a| c.ap(a, None)),
            Self::Ar1 => (0, |c, a| c.ar(a, 0, None)),
            Self::Ar10 => (0, |c, a| c.ar(a, 1, None)),
            Self::Ar100 => (0, |c, a| c.ar(a, 2, None)),
            Self::ArSmall => (1, |c, a| c.ar(a, 2, None)),
            Self::ArMedium => (2, |c, a| c.ar(a, 2, None)),
            Self::ArLarge => (3, |c, a| c.ar(a, 2, None)),
        };
        let parts: Vec<_> = curves.iter().map(|curve| read(curve, area)).collect();
        over_classes(&parts, curves.iter().map(|curve| curve.n_objects[area]).sum())
    }
}

/// COCO AP or AR of boxes, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CocoAp {
    /// The number that `compute` gives; a [`CocoReport`] has all.
    pub number: CocoNumber,
}

impl CocoAp {
    /// All numbers and those of every class.
    #[must_use]
    pub fn report(&self, state: &Keyed<ImageMatches>) -> CocoReport {
        CocoReport::of(state)
    }
}

/// All that pycocotools prints, and every class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CocoReport {
    /// In the order of [`CocoNumber::ALL`].
    pub numbers: [MetricValue; 12],
    /// Class ids rising.
    pub classes: Vec<ClassAp>,
}

impl CocoReport {
    /// The report of all images seen.
    pub(super) fn of(state: &Keyed<ImageMatches>) -> Self {
        let curves = curves(state, AREAS.len(), &LIMITS);
        let classes = curves.iter().map(|curve| ClassAp {
            class: curve.class,
            ap: curve.ap(0, None).ok(),
            ap50: curve.ap(0, Some(0)).ok(),
            ap75: curve.ap(0, Some(5)).ok(),
            ar100: curve.ar(0, 2, None).ok(),
            objects: curve.n_objects[0],
            detections: curve.n_detections,
        });
        Self { numbers: CocoNumber::ALL.map(|number| number.of(&curves)), classes: classes.collect() }
    }

    /// One of the numbers.
    #[must_use]
    pub fn number(&self, number: CocoNumber) -> &MetricValue {
        &self.numbers[number as usize]
    }
}

/// One class of a [`CocoReport`]; values are `None` without an object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassAp {
    /// Its id.
    pub class: u32,
    /// AP.
    pub ap: Option<f64>,
    /// AP at IoU .50.
    pub ap50: Option<f64>,
    /// AP at IoU .75.
    pub ap75: Option<f64>,
    /// AR with 100 detections in an image.
    pub ar100: Option<f64>,
    /// Objects that count.
    pub objects: u64,
    /// Detections used.
    pub detections: u64,
}

impl Metric for CocoAp {
    type Batch<'a> = DetectionBatch<'a>;
    type State = Keyed<ImageMatches>;

    fn name(&self) -> &'static str {
        let [of_boxes, _] = self.number.names();
        of_boxes
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &DetectionBatch<'_>) -> Result<()> {
        fold(self.name(), state, &batch.0, |image| (image.id, image.sides()))
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        self.number.read(state)
    }
}

crate::judged::answers_to_come! {
    DetectionBatch<'a> => "boxes";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    const BOX: Xywh = [10.0, 10.0, 40.0, 40.0];

    fn image<'a>(
        id: u64,
        said: &'a [(Xywh, f64)],
        boxes: &'a mut Vec<Xywh>,
        scores: &'a mut Vec<f64>,
    ) -> DetectionImage<'a> {
        (*boxes, *scores) = said.iter().copied().unzip();
        let said = Detections { boxes, scores, classes: &[7; 9][..said.len()] };
        DetectionImage { id, said, truth: Objects { boxes: &[BOX], classes: &[7], ..Objects::default() } }
    }

    #[test]
    fn a_hit_below_a_false_alarm_is_worth_half() {
        let (mut boxes, mut scores) = (vec![], vec![]);
        let image = image(1, &[([90.0, 90.0, 40.0, 40.0], 0.9), (BOX, 0.8)], &mut boxes, &mut scores);
        let mut metric = Streaming::new(CocoAp::default());
        metric.update_batch(&DetectionBatch::new([image]).unwrap()).unwrap();
        assert!((metric.compute().value.unwrap() - 0.5).abs() < 1e-15);
        let report = CocoAp::default().report(metric.remembered());
        let of = |number| report.number(number).value;
        assert_eq!((of(CocoNumber::Ar1), of(CocoNumber::Ar10)), (Some(0.0), Some(1.0)));
        assert_eq!(report.number(CocoNumber::ApSmall).get(), Err("no known label"));
        assert_eq!((report.classes[0].objects, report.classes[0].detections), (1, 2));
        assert!(metric.update_batch(&DetectionBatch::new([image]).unwrap()).is_err(), "an image comes once");
        assert_eq!(metric.compute().support, 1);
    }

    #[test]
    fn lists_must_fit_together() {
        let said = Detections { boxes: &[BOX], scores: &[], classes: &[1] };
        let e =
            DetectionBatch::new([DetectionImage { id: 1, said, truth: Objects::default() }]).unwrap_err().to_string();
        assert_eq!(e, "detections: scores must be of length 1, found [0]");
    }
}
