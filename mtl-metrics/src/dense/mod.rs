//! Dense prediction: a class, a depth or a direction for every pixel.
//!
//! | metric | what | equal to | state | differences on purpose |
//! |---|---|---|---|---|
//! | [`Segmentation`] | mIoU, Dice, pixel and mean accuracy, fwIoU; per class in a report | scikit-learn 1.9.1 `jaccard_score`, `f1_score` | 8 bytes a pair of classes | absent classes are left out and counted, or have a set value |
//! | [`BoundaryIou`] | IoU of outlines | B. Cheng's `mask_to_boundary` by scipy erosions | 16 bytes a class | ignored pixels are not counted |
//! | [`Hausdorff95`] | 95th percentile of the distance of outlines | monai's rule by scipy and numpy | 568 bytes a class | one-sided images are counted apart, not infinite |
//! | [`Depth`] | AbsRel, SqRel, RMSE, RMSE-log, log10, delta < 1.25^k | Eigen 2014 by numpy | 2.8 kB | pixels pooled over images |
//! | [`NormalAngle`] | mean angle, share < 11.25, 22.5, 30 degrees | LibMTL's rule by numpy | 600 bytes | exact near 0 degrees (no `arccos`) |
//! | [`NormalMedian`] | median angle | numpy `median` | 4 bytes a pixel | angles kept as `f32` |
//!
//! ```
//! use mtl_metrics::{Streaming, dense::{Classes, LabelMap, LabelMaps, Segmentation, SegmentationNumber}};
//! let (said, truth) = ([0_u8, 1, 1, 1], [0_u8, 0, 1, 255]);
//! let maps = LabelMaps::new(LabelMap::U8(&said), LabelMap::U8(&truth), [1, 2, 2])?;
//! let mut miou = Streaming::new(Segmentation::new(Classes::new(2, Some(255))?, SegmentationNumber::MeanIou));
//! miou.update_batch(&maps)?;
//! assert_eq!(miou.compute().value, Some(0.5));
//! # Ok::<(), mtl_core::Error>(())
//! ```

pub mod boundary;
pub mod depth;
pub mod hausdorff;
pub mod maps;
pub mod normals;
pub mod segmentation;

pub use boundary::BoundaryIou;
pub use depth::{Depth, DepthMaps, DepthNumber};
pub use hausdorff::{ClassDistance, Hausdorff95};
pub use maps::{Classes, LabelMap, LabelMaps};
pub use normals::{AngleNumber, NormalAngle, NormalMaps, NormalMedian};
pub use segmentation::{Absent, ClassOverlap, Segmentation, SegmentationNumber};
