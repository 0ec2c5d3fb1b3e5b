//! Pages as a reader gets them: what they say is what the files of a run say, no document breaks them, every browser shows them.
//!
//! | module | |
//! |---|---|
//! | `numbers` | every number of a run's page is in its `metrics.json` |
//! | `study` | the page of a comparison |
//! | `laws`, `demo` | what holds for any document, tried on random ones; one to look at |
//! | `well_formed`, `browser` | how pages are judged: by a strict reader, and by a real browser |
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "tests, helpers included; exact values on purpose"
)]

mod browser;
mod demo;
mod laws;
mod numbers;
mod study;
mod well_formed;
