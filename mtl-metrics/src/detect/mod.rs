//! Detection, tracking and panoptic segmentation.
//!
//! | metric | what | equal to | state | differences on purpose |
//! |---|---|---|---|---|
//! | [`CocoAp`] | AP .50:.05:.95, AP50, AP75, S/M/L, AR@1/10/100; per class in a [`CocoReport`] | pycocotools 2.0.11, 1e-12 | 24 bytes a detection | `None` instead of -1; no special truth id 0 |
//! | [`MaskAp`] | the same of masks, as runs of pixels ([`Mask`]) | pycocotools 2.0.11 `segm`, 1e-12 | 24 bytes a detection | as above; masks of one size in an image, or an error |
//! | [`TemporalMap`] | mean AP of segments in time | ActivityNet's rule | 16 bytes a detection | ties by video id, not by an unstable sort |
//! | [`PanopticQuality`] | PQ, SQ, RQ | panopticapi's rule | 576 bytes a class | several crowds of a class; classes are those seen |
//! | [`Tracking`] | MOTA, MOTP, IDF1 | py-motmetrics 1.4.0 | 640 bytes | MOTP is an IoU, not `1 - IoU` |
//!
//! Boxes are `[left, top, width, height]` ([`boxes`]); ids name images, videos and classes.
//!
//! ```
//! use mtl_metrics::{Streaming, detect::{CocoAp, DetectionBatch, DetectionImage, Detections, Objects}};
//! let said = Detections { boxes: &[[10.0, 10.0, 50.0, 50.0], [0.0, 0.0, 9.0, 9.0]], scores: &[0.9, 0.3], classes: &[3, 3] };
//! let truth = Objects { boxes: &[[12.0, 10.0, 50.0, 50.0]], classes: &[3], ..Objects::default() };
//! let mut ap = Streaming::new(CocoAp::default());
//! ap.update_batch(&DetectionBatch::new([DetectionImage { id: 139, said, truth }])?)?;
//! // IoU 0.92: found at nine of ten thresholds.
//! assert!((ap.compute().value.unwrap_or(0.0) - 0.9).abs() < 1e-12);
//! # Ok::<(), mtl_core::Error>(())
//! ```

pub mod boxes;
pub mod coco;
mod coco_curve;
mod coco_image;
mod coco_match;
pub mod mask;
pub mod mask_ap;
pub mod panoptic;
pub mod temporal;
pub mod tracking;

pub use boxes::Xywh;
pub use coco::{ClassAp, CocoAp, CocoNumber, CocoReport, DetectionBatch, DetectionImage, Detections, Objects};
pub(crate) use coco_curve::{ClassCurve, curves};
pub(crate) use coco_image::by_score;
pub use coco_match::{ClassMatches, ImageMatches, Verdict};
pub(crate) use coco_match::{Scene, match_class, over_classes};
pub use mask::Mask;
pub use mask_ap::{MaskAp, MaskBatch, MaskDetections, MaskImage, MaskObjects};
pub use panoptic::{ClassPanoptic, MapSegment, PanopticBatch, PanopticQuality};
pub use temporal::{Segment, TemporalMap, Video, VideoBatch};
pub use tracking::{Frame, Sequence, Tracked, Tracking, TrackingNumber, TrackingReport};
