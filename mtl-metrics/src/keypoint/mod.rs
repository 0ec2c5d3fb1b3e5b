//! Keypoints and poses.
//!
//! | metric | what | equal to | state | differences on purpose |
//! |---|---|---|---|---|
//! | [`OksAp`] | COCO AP and AR over object keypoint similarity | pycocotools 2.0.11, 1e-12 | 24 bytes a detection | `None` instead of -1 |
//! | [`Pck`] | share of keypoints nearer than alpha norms; PCKh of heads | mmpose's rules by numpy | 16 bytes a keypoint | what should not count is marked, not numbered |
//! | [`Mpjpe`] | mean joint distance; PA-MPJPE after Procrustes alignment | mmpose's rule by scipy and numpy | 560 bytes | joints that coincide are moved only, not a division by 0 |
//!
//! ```
//! use mtl_metrics::{Streaming, keypoint::{Mpjpe, Skeletons}};
//! let truth = [[0.0, 0.0, 0.0], [0.0, 0.0, 100.0]];
//! let said = [[0.0, 3.0, 4.0], [0.0, 0.0, 100.0]];
//! let mut mpjpe = Streaming::new(Mpjpe::default());
//! mpjpe.update_batch(&Skeletons::new(&said, &truth, &[true, true], 2)?)?;
//! assert_eq!(mpjpe.compute().value, Some(2.5));
//! # Ok::<(), mtl_core::Error>(())
//! ```

pub mod oks;
pub mod pck;
pub mod pose;
mod svd3;

pub use oks::{COCO_SIGMAS, OksAp, OksNumber, PoseBatch, PoseImage};
pub use pck::{Pck, Persons};
pub use pose::{Mpjpe, Skeletons};
