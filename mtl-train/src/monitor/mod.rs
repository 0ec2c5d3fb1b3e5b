//! Everything that a run tells while it goes on: to a terminal, to files.
//!
//! | module | to |
//! |---|---|
//! | [`console`] | the one door through which the program prints |
//! | [`progress`] | bars and lines on a terminal |
//! | [`runlog`] | JSON lines, CSV, TensorBoard |
//! | `tui` (feature `tui`) | a dashboard in the terminal |

pub mod console;
pub mod progress;
pub mod runlog;
#[cfg(feature = "tui")]
pub mod tui;
