//! Methods that look at losses only: one backward pass of the weighted sum per step.

mod equal;
mod fixed;
mod uncertainty;

pub use equal::{Equal, EqualConfig, Reduction};
pub use fixed::{Fixed, FixedConfig};
pub use uncertainty::{Uncertainty, UncertaintyConfig, UncertaintyForm, UncertaintyPenalty};
