//! Exported models: the same answers wherever they run, and nothing used that is damaged, foreign or newer.
//!
//! | file | shows |
//! |---|---|
//! | `fixture.rs` | a small run on CSV files, and one on pictures |
//! | `agreement.rs` | run, package and TorchScript answer as the evaluation does |
//! | `recording.rs` | every architecture and encoder can be recorded, for any batch size |
//! | `post_hoc.rs` | calibration, sets, decisions and rejections go where the model goes |
//! | `program.rs` | `mtl export` and `mtl predict`, and what they say about bad rows |
//! | `refusals.rs` | damaged, foreign and newer files; thousands of mutations |
//!
//! `check_torchscript.py` beside them does in Python what no Rust test can: it runs a package without any code of ours.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod agreement;
mod fixture;
mod post_hoc;
mod program;
mod recording;
mod refusals;
