//! Values as other libraries have them, on the cases of the files beside this: a module a family. One program, since each is linked
//! with the whole crate.
#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "tests, helpers included")]

#[path = "../cases/mod.rs"]
mod cases;
mod class;
mod coco128;
mod dense;
mod detect;
mod images;
mod keypoint;
mod post_hoc;
mod ranking;
mod reading;
mod regress;
mod scores;
mod signal;
mod stats;
mod tags;
mod text;
mod trajectory;
