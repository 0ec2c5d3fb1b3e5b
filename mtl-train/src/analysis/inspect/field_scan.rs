//! What a pass over a split found in its inputs.

use serde::Serialize;

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldScan {
    /// Codes.
    Categorical {
        /// The column's name.
        name: String,
        /// Samples by code; code 0 is a text that the training split does not have.
        counts: Vec<u64>,
    },
    /// Numbers, as the model sees them (scaled).
    Numeric {
        /// The column's name.
        name: String,
        /// Their mean.
        mean: f64,
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
        /// How many are NaN or infinite.
        not_finite: u64,
        /// How many are the number that stands for a gap; `None` where it was not looked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        gaps: Option<u64>,
    },
}

/// What an input holds that is no columns of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InputScan {
    /// Its name.
    pub name: String,
    /// What it is: `picture of 1 x 28 x 28`.
    pub what: String,
    /// Mean, smallest and largest of its numbers, padding left out; `None` for ids, of which a mean says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<[f64; 3]>,
    /// How many numbers are NaN or infinite.
    pub not_finite: u64,
    /// Mean, smallest and largest length of a sample; `None` where all are alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lengths: Option<[f64; 3]>,
    /// Ids that stand for what training does not have, and all ids; `None` where there is no such id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<[u64; 2]>,
}

impl InputScan {
    /// What it is and what was found, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.found() {
            found if found.is_empty() => self.what.clone(),
            found => format!("{}, {found}", self.what),
        }
    }

    /// The share of ids that stand for what training does not have, `[0, 1]`; 0 where there are none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub fn unknown_share(&self) -> f64 {
        self.unknown.map_or(0.0, |[unknown, all]| unknown as f64 / all.max(1) as f64)
    }

    /// What was found, in words.
    #[must_use]
    pub fn found(&self) -> String {
        let numbers = self.numbers.map(|[mean, min, max]| format!("{min:.3} to {max:.3}, mean {mean:.3}"));
        let lengths = self.lengths.map(|[mean, min, max]| format!("{min} to {max} long, mean {mean:.1}"));
        let unknown = self.unknown.map(|_| format!("{:.2} % unknown", 100.0 * self.unknown_share()));
        numbers.into_iter().chain(lengths).chain(unknown).collect::<Vec<_>>().join(", ")
    }
}

impl FieldScan {
    /// The column's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Categorical { name, .. } | Self::Numeric { name, .. } => name,
        }
    }

    /// Whether all samples have the same value.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        match self {
            Self::Categorical { counts, .. } => counts.iter().filter(|n| **n > 0).count() <= 1,
            Self::Numeric { min, max, .. } => max <= min,
        }
    }
}
