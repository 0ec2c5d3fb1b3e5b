//! Every step mode against the exact one, on encoders with linear, convolution and expert layers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

mod agreement;
mod architectures;
mod frozen;
mod looks;
mod net;
mod rows;
mod sketch;
