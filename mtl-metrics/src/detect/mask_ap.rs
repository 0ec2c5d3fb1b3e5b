//! COCO's average precision and recall of masks: instance segmentation.
//!
//! The twelve numbers of [`CocoAp`](super::CocoAp), by the same matching and the same curves; only the overlap is that
//! of [`Mask`]s, and a detection is as large as its mask.
//!
//! **Input** images with unique ids; masks `[d]` of one size within an image, scores `[d]`, classes `[d]`; objects
//! `[g]`, classes `[g]`, optional areas `[g]` (else the pixels of the mask) and crowd marks `[g]`. At most 100
//! detections of a class in an image are used, the best ones. **State** 24 bytes a detection, 48 bytes a class in an
//! image; no mask.
//!
//! **Reference** T.-Y. Lin et al., *Microsoft COCO*, ECCV 2014; pycocotools 2.0.11 `COCOeval(iouType="segm")`.
//! **Differs from** it as [`CocoAp`](super::CocoAp) does; masks of different sizes in an image are an error, not of
//! overlap -1.

use mtl_core::{Result, metric::Direction};

use crate::{
    detect::{
        coco::{CocoNumber, CocoReport},
        coco_image::{Sides, fold},
        coco_match::ImageMatches,
        mask::Mask,
    },
    keyed::Keyed,
    metric::Metric,
    refusal::refuse,
    value::MetricValue,
};

/// What was found in one image.
#[derive(Debug, Clone, Copy, Default)]
pub struct MaskDetections<'a> {
    /// `[d]` masks.
    pub masks: &'a [Mask],
    /// `[d]`, larger is surer.
    pub scores: &'a [f64],
    /// `[d]`.
    pub classes: &'a [u32],
}

/// What there is in one image.
#[derive(Debug, Clone, Copy, Default)]
pub struct MaskObjects<'a> {
    /// `[g]` masks.
    pub masks: &'a [Mask],
    /// `[g]`.
    pub classes: &'a [u32],
    /// `[g]`, pixels; `None` counts those of the mask.
    pub areas: Option<&'a [f64]>,
    /// `[g]`, true for a region of many objects, which may be found any number of times and need not be.
    pub crowd: Option<&'a [bool]>,
}

/// One image.
#[derive(Debug, Clone, Copy)]
pub struct MaskImage<'a> {
    /// Its id, once in a data set.
    pub id: u64,
    /// What was found.
    pub said: MaskDetections<'a>,
    /// What there is.
    pub truth: MaskObjects<'a>,
}

impl MaskImage<'_> {
    fn sides(&self) -> Sides<'_, Mask> {
        let Self { said, truth, .. } = self;
        Sides {
            said: said.masks,
            scores: said.scores,
            said_classes: said.classes,
            truth: truth.masks,
            truth_classes: truth.classes,
            areas: truth.areas,
            crowd: truth.crowd,
        }
    }
}

/// Images, checked.
#[derive(Debug, Clone)]
pub struct MaskBatch<'a>(Vec<MaskImage<'a>>);

impl<'a> MaskBatch<'a> {
    /// Checks images.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists of different lengths, [`mtl_core::Error::InvalidConfig`] for scores that are no
    /// numbers, negative areas, and masks of different sizes in an image.
    pub fn new(images: impl IntoIterator<Item = MaskImage<'a>>) -> Result<Self> {
        let images: Vec<_> = images.into_iter().collect();
        for image in &images {
            let mut masks = image.said.masks.iter().chain(image.truth.masks);
            if let Some(first) = masks.next() {
                let [h, w] = first.size();
                if let Some(other) = masks.find(|mask| mask.size() != first.size()) {
                    let [other_h, other_w] = other.size();
                    let expected = format!("{h} x {w} as the first of image {}", image.id);
                    return Err(refuse("masks", "size", expected, format!("{other_h} x {other_w}")));
                }
            }
            image.sides().check()?;
        }
        Ok(Self(images))
    }
}

/// COCO AP or AR of masks, `[0, 1]`.
///
/// ```
/// use mtl_metrics::{Streaming, detect::{Mask, MaskAp, MaskBatch, MaskDetections, MaskImage, MaskObjects}};
/// // 20 x 20 pixels, the left half; found but for its last column.
/// let (truth, found) = ([Mask::new(20, 20, &[0, 200, 200])?], [Mask::new(20, 20, &[0, 180, 220])?]);
/// let mut ap = Streaming::new(MaskAp::default());
/// ap.update_batch(&MaskBatch::new([MaskImage {
///     id: 139,
///     said: MaskDetections { masks: &found, scores: &[0.9], classes: &[3] },
///     truth: MaskObjects { masks: &truth, classes: &[3], ..MaskObjects::default() },
/// }])?)?;
/// // IoU 0.9: found at nine of ten thresholds.
/// assert!((ap.compute().value.unwrap_or(0.0) - 0.9).abs() < 1e-12);
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MaskAp {
    /// The number that `compute` gives; a [`CocoReport`] has all.
    pub number: CocoNumber,
}

impl MaskAp {
    /// All numbers and those of every class.
    #[must_use]
    pub fn report(&self, state: &Keyed<ImageMatches>) -> CocoReport {
        CocoReport::of(state)
    }
}

impl Metric for MaskAp {
    type Batch<'a> = MaskBatch<'a>;
    type State = Keyed<ImageMatches>;

    fn name(&self) -> &'static str {
        let [_, of_masks] = self.number.names();
        of_masks
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MaskBatch<'_>) -> Result<()> {
        fold(self.name(), state, &batch.0, |image| (image.id, image.sides()))
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        self.number.read(state)
    }
}

crate::judged::answers_to_come! {
    MaskBatch<'a> => "masks";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Streaming, detect::CocoAp};

    #[test]
    fn masks_are_not_boxes() {
        // Two triangles share a bounding box and nothing else but the diagonal.
        let half = |below: bool| {
            let pixels: Vec<bool> = (0..400).map(|at| (at / 20 < at % 20) != below || at / 20 == at % 20).collect();
            Mask::from_pixels(20, 20, &pixels).unwrap()
        };
        let (found, truth) = ([half(true)], [half(false)]);
        let mut ap = Streaming::new(MaskAp::default());
        let said = MaskDetections { masks: &found, scores: &[0.5], classes: &[1] };
        let image =
            MaskImage { id: 1, said, truth: MaskObjects { masks: &truth, classes: &[1], ..Default::default() } };
        ap.update_batch(&MaskBatch::new([image]).unwrap()).unwrap();
        assert_eq!(ap.compute().value, Some(0.0));
        assert_eq!((ap.name(), CocoAp::default().name()), ("coco-mask-ap", "coco-ap"));
        assert!(ap.update_batch(&MaskBatch::new([image]).unwrap()).is_err(), "an image comes once");
    }

    #[test]
    fn masks_of_an_image_are_of_one_size() {
        let masks = [Mask::new(2, 3, &[6]).unwrap(), Mask::new(3, 2, &[6]).unwrap()];
        let said = MaskDetections { masks: &masks, scores: &[0.5, 0.4], classes: &[1, 1] };
        let e = MaskBatch::new([MaskImage { id: 7, said, truth: MaskObjects::default() }]).unwrap_err().to_string();
        assert_eq!(e, "masks: size must be 2 x 3 as the first of image 7, found 3 x 2");
    }
}
