//! What people's data and settings did to the program, a case a file: each carries the inputs that failed once, more of
//! the same kind, and the right values.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "tests; exact values on purpose")]

mod c05_regression_units;
mod c14_solved_task;
mod c15_batch_of_one;
mod run;
