//! A metric that selection goes by and that has no value.

use std::fmt;

use mtl_core::task::TaskName;
use serde::{Deserialize, Serialize};

/// What has no value, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The task; `None` for an expression as a whole.
    pub task: Option<TaskName>,
    /// The metric's name, or the expression.
    pub metric: String,
    /// Why there is no value, in words.
    pub reason: String,
    /// Who is to blame.
    pub because_of: Cause,
}

/// What leaves a metric without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The labels of the validation split: no answer would give it one, in any epoch.
    Labels,
    /// What was answered in this epoch.
    Answers,
}

impl LeftOut {
    /// `cold.auroc`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.task {
            Some(task) => format!("{task}.{}", self.metric),
            None => format!("{:?}", self.metric),
        }
    }

    /// What lacks a value in this list, with the reasons: `cold.auroc (no negative sample)`.
    #[must_use]
    pub fn list<'a>(left_out: impl IntoIterator<Item = &'a Self>) -> String {
        left_out.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.reason)
    }
}
