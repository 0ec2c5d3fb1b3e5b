//! How long a run trains, and how often it is validated.
//!
//! ```text
//! epochs = 10                                   ten passes over the training split, validated after each
//! epochs = 10, validate_every = { steps = 500 } the same passes, validated every 500 optimizer steps and at the end
//! steps = 20000                                 so many optimizer steps, however many passes that is, validated after each pass
//! steps = 20000, validate_every = { steps = 500 }
//! time = "2m"                                   as many steps as fit, see [`TimeLimit`](super::TimeLimit); beside one of the others the smaller counts
//! ```
//! What lies between two validations is a *round*: an epoch unless `validate_every` says otherwise. Whatever is counted in epochs by its
//! name counts rounds: patience, freezing, the plateau schedule, balancers that change their weights once an epoch. Learning rates follow
//! the steps of the whole run. The budget's last step is validated, whether or not it is due.

use serde::{Deserialize, Serialize};

/// How long a run trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Budget {
    /// Passes over the training split.
    Epochs(u64),
    /// Optimizer steps.
    Steps(u64),
    /// What fits into a time.
    Time,
}

impl Budget {
    /// Optimizer steps in all; `None` where passes are counted and nobody knows how long one is, and before there is a plan for a time.
    #[must_use]
    pub fn steps(self, per_epoch: Option<u64>) -> Option<u64> {
        match self {
            Self::Epochs(n) => Some(n.saturating_mul(per_epoch?)),
            Self::Steps(n) => Some(n),
            Self::Time => None,
        }
    }

    /// Whether it is spent after so many whole passes and so many steps.
    pub(super) fn is_spent(self, epochs: u64, steps: u64) -> bool {
        match self {
            Self::Epochs(n) => epochs >= n,
            Self::Steps(n) => steps >= n,
            Self::Time => false,
        }
    }
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (n, what) = match self {
            Self::Epochs(n) => (*n, "epoch"),
            Self::Steps(n) => (*n, "step"),
            Self::Time => return f.write_str("a time"),
        };
        write!(f, "{n} {what}{}", if n == 1 { "" } else { "s" })
    }
}

/// How often a run is validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    /// After so many passes over the training split, >= 1.
    Epochs(#[schemars(range(min = 1))] u64),
    /// After so many optimizer steps, >= 1.
    Steps(#[schemars(range(min = 1))] u64),
}

impl Default for Every {
    fn default() -> Self {
        Self::Epochs(1)
    }
}

impl Every {
    /// Whether each pass is validated: then rounds are epochs, and are called so.
    #[must_use]
    pub fn is_epoch(&self) -> bool {
        *self == Self::default()
    }

    /// What a round is called.
    #[must_use]
    pub fn noun(self) -> &'static str {
        if self.is_epoch() { "epoch" } else { "validation" }
    }

    /// The number of passes or steps.
    pub(super) fn count(self) -> u64 {
        match self {
            Self::Epochs(n) | Self::Steps(n) => n,
        }
    }

    /// How many rounds a budget has at most; `None` where that depends on how long a pass is, and nobody knows, and for a time without a plan.
    #[must_use]
    pub fn rounds(self, budget: Budget, per_epoch: Option<u64>) -> Option<u64> {
        match (self, budget) {
            (Self::Epochs(every), Budget::Epochs(n)) => Some(n.div_ceil(every.max(1))),
            (Self::Epochs(every), Budget::Steps(n)) => Some(n.div_ceil(every.saturating_mul(per_epoch?).max(1))),
            (Self::Epochs(_), Budget::Time) => None,
            (Self::Steps(every), budget) => Some(budget.steps(per_epoch)?.div_ceil(every.max(1))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_rounds_by_hand() {
        assert_eq!(Budget::Epochs(3).steps(Some(7)), Some(21));
        assert_eq!((Budget::Epochs(3).steps(None), Budget::Steps(9).steps(None)), (None, Some(9)));
        let rounds = |every: Every, budget| every.rounds(budget, Some(7));
        assert_eq!(rounds(Every::Epochs(1), Budget::Epochs(5)), Some(5));
        assert_eq!(rounds(Every::Epochs(2), Budget::Epochs(5)), Some(3), "the last pass is validated too");
        assert_eq!(rounds(Every::Steps(10), Budget::Epochs(3)), Some(3), "after 10, 20 and 21 steps");
        assert_eq!(rounds(Every::Steps(10), Budget::Steps(20)), Some(2));
        assert_eq!(rounds(Every::Epochs(1), Budget::Steps(20)), Some(3), "after 7, 14 and 20 steps");
        assert_eq!(Every::Steps(10).rounds(Budget::Epochs(3), None), None);
        assert_eq!(Every::Epochs(1).rounds(Budget::Epochs(3), None), Some(3));
        assert_eq!((Budget::Steps(1).to_string(), Budget::Epochs(2).to_string()), ("1 step".into(), "2 epochs".into()));
    }

    #[test]
    fn files_say_it_in_a_table() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Settings {
            validate_every: Every,
        }
        let settings: Settings = toml::from_str("validate_every = { steps = 500 }").unwrap();
        assert_eq!(settings.validate_every, Every::Steps(500));
        assert_eq!(toml::from_str::<Settings>(&toml::to_string(&settings).unwrap()).unwrap(), settings);
    }
}
