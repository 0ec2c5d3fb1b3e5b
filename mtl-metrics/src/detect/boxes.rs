//! Boxes and how much they overlap.
//!
//! ```text
//! IoU(a, b) = |a and b| / |a or b|          a crowd region as truth: |a and b| / |a|, a the detection
//! ```
//!
//! **Reference** COCO `maskApi.c`, `bbIou`: the same operations in the same order, so the same bits.
//! **Differs from** nothing known.

use mtl_core::Result;

use crate::{detect::coco_image::Region, refusal::check_each};

/// A box as COCO has it: left, top, width, height.
pub type Xywh = [f64; 4];

/// A box from its corners left, top, right, bottom.
#[must_use]
pub fn from_corners([x1, y1, x2, y2]: [f64; 4]) -> Xywh {
    [x1, y1, x2 - x1, y2 - y1]
}

/// Intersection over union, 0 for boxes that only touch.
#[must_use]
pub fn iou(a: &Xywh, b: &Xywh) -> f64 {
    overlap(a, b, false)
}

/// How much of the union (of the detection alone, for a crowd) is covered by both.
#[must_use]
pub(crate) fn overlap(detection: &Xywh, truth: &Xywh, crowd: bool) -> f64 {
    let [dx, dy, dw, dh] = *detection;
    let [gx, gy, gw, gh] = *truth;
    let w = (dw + dx).min(gw + gx) - dx.max(gx);
    if w <= 0.0 {
        return 0.0;
    }
    let h = (dh + dy).min(gh + gy) - dy.max(gy);
    if h <= 0.0 {
        return 0.0;
    }
    let both = w * h;
    let area = dw * dh;
    both / if crowd { area } else { area + gw * gh - both }
}

impl Region for Xywh {
    fn area(&self) -> f64 {
        self[2] * self[3]
    }

    fn overlap(&self, truth: &Self, crowd: bool) -> f64 {
        overlap(self, truth, crowd)
    }
}

/// Boxes that can be measured: finite, sizes not negative.
pub(crate) fn check_boxes(what: &'static str, field: &'static str, boxes: &[Xywh]) -> Result<()> {
    check_each(what, field, "a number up to 1e100", boxes.iter().flatten(), |x| x.abs() <= crate::refusal::LARGEST)?;
    let sizes = boxes.iter().flat_map(|of| &of[2..]);
    check_each(what, field, "of width and height 0 or more", sizes, |size| size >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let (a, b) = ([0.0, 0.0, 2.0, 2.0], from_corners([1.0, 1.0, 3.0, 3.0]));
        assert!((iou(&a, &b) - 1.0 / 7.0).abs() < 1e-16);
        assert!((overlap(&a, &b, true) - 0.25).abs() < 1e-16);
        assert!((iou(&a, &a) - 1.0).abs() < 1e-16);
        assert!(iou(&a, &[2.0, 0.0, 1.0, 1.0]) <= 0.0, "touching boxes share no area");
        assert!(iou(&[0.0; 4], &[0.0; 4]) <= 0.0, "boxes without area overlap nothing");
    }

    #[test]
    fn boxes_that_cannot_be_measured_are_refused() {
        assert!(check_boxes("d", "boxes", &[[0.0, 0.0, f64::INFINITY, 1.0]]).is_err());
        let e = check_boxes("d", "boxes", &[[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, -1.0]]).unwrap_err().to_string();
        assert_eq!(e, "d: boxes must be of width and height 0 or more, found -1 at position 3");
    }
}
