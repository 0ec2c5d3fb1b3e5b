//! What labels a head learns from, known before any batch.

use mtl_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The kind and width of a task's labels; it comes from the data, never from the head's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum TargetSpec {
    /// One of so many classes: `[b]` of `Int64`.
    Class {
        /// Number of classes, >= 2.
        classes: usize,
    },
    /// Independent yes/no labels: `[b, labels]`; one is a binary task.
    MultiLabel {
        /// Number of labels, >= 1.
        labels: usize,
    },
    /// Numbers: `[b, values]`.
    Values {
        /// Number of numbers, >= 1.
        values: usize,
    },
}

impl TargetSpec {
    /// The width of a prediction for such labels: classes, labels or numbers.
    #[must_use]
    pub fn width(&self) -> i64 {
        let (Self::Class { classes: n } | Self::MultiLabel { labels: n } | Self::Values { values: n }) = *self;
        i64::try_from(n).unwrap_or(i64::MAX)
    }

    /// What they are, for messages: `class labels [b] of 3 classes`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Class { classes } => format!("class labels [b] of {classes} classes"),
            Self::MultiLabel { labels } => format!("yes/no labels [b, {labels}]"),
            Self::Values { values } => format!("numbers [b, {values}]"),
        }
    }

    /// Refuses labels that nothing can be learned from.
    pub(crate) fn check(&self, head: &'static str) -> Result<()> {
        let (field, least) = match self {
            Self::Class { .. } => ("classes", 2),
            Self::MultiLabel { .. } => ("labels", 1),
            Self::Values { .. } => ("values", 1),
        };
        if self.width() >= least {
            return Ok(());
        }
        let (expected, found) = (format!(">= {least}"), self.width().to_string());
        Err(Error::InvalidConfig { what: head, field, expected, found })
    }
}
