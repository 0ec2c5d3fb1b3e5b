//! Statistics of comparisons: is one method better than another, or did it have a lucky seed?
//!
//! | item | question |
//! |---|---|
//! | [`Estimate`] | how far off may a mean over seeds be: t interval, also of paired differences |
//! | [`ranks`] | who is first, second, .. in one block; ties share |
//! | [`Friedman`] | do several methods differ at all, over many blocks |
//! | [`nemenyi_difference`] | how far apart must two mean ranks be |
//! | [`StudentizedRange`] | the distribution behind it |
//!
//! Distributions with a name (Student, chi square, F) are those of the `statrs` crate; `tests/golden_stats.rs` holds all of
//! it against scipy. Nothing here knows of tasks or networks: slices in, numbers out.

mod estimate;
mod friedman;
mod nemenyi;
mod rank;
mod studentized_range;

pub use estimate::Estimate;
pub use friedman::Friedman;
pub use nemenyi::nemenyi_difference;
pub use rank::ranks;
pub use studentized_range::StudentizedRange;
