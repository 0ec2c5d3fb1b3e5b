//! Optimizers, schedules and what goes with them, in whole runs and against reference values.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

mod ema;
mod lr_finder;
mod optimizer_golden;
mod precision;
mod ranks;
mod refusals;
mod resume;
mod run;
mod schedule_golden;
