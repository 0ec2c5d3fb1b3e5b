//! What metrics owe whoever computes them, on random data: a module a family. One program, since each is linked with the whole crate.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::needless_pass_by_value,
    reason = "tests, helpers included"
)]

mod aggregates;
#[path = "../cases/mod.rs"]
mod cases;
mod dense;
mod detect;
mod drawing;
mod forecast;
mod heads;
mod hostile_text;
mod keypoint;
mod laws_catch;
mod post_hoc;
mod registry;
mod signal;
mod stats;
mod text;
mod trajectory;
mod weights;
