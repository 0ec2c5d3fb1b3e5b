//! What people's data and settings did to the program, a case a file: each carries the inputs that failed once, more of
//! the same kind, and the right values.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "tests; exact values on purpose")]

mod c10_closed_pipe;
mod c18_set_a_key;
mod run;
