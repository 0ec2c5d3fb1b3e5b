//! Metrics as far as everybody must agree on them: names, directions, and what is known of a metric as data.
//!
//! No list of metrics is here. `mtl-metrics` has one, a user's crate may add to it, and whoever looks a [`MetricName`] up in
//! such a list gets a [`MetricSpec`]: the name in its one true form, with the [`MetricFacts`] that tasks, balancers and
//! selection go by.

mod facts;
mod name;
mod settings;

pub use facts::{MetricFacts, MetricSpec};
pub use name::MetricName;
pub use settings::{Setting, Settings};

use serde::{Deserialize, Serialize};

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Larger values are better: accuracy.
    Maximize,
    /// Smaller values are better: error.
    Minimize,
}

impl Direction {
    /// Whether `a` is strictly better than `b`.
    #[must_use]
    pub fn better(self, a: f64, b: f64) -> bool {
        match self {
            Self::Maximize => a > b,
            Self::Minimize => a < b,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_says_which_is_better() {
        assert!(Direction::Maximize.better(0.9, 0.8));
        assert!(Direction::Minimize.better(0.8, 0.9));
        assert!(!Direction::Minimize.better(f64::NAN, 0.9));
    }
}
