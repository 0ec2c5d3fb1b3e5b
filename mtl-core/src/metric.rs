//! Names of metrics and the direction in which they improve.
//!
//! The metrics themselves live in `mtl-metrics`; their names live here because tasks, heads and reports must agree on
//! them without depending on one another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

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

/// The metrics there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MetricId {
    /// Share of samples whose top class is the label, `[0, 1]`.
    Accuracy,
    /// Mean over classes of the F1 score, `[0, 1]`.
    MacroF1,
    /// Mean negative log-likelihood of the label, nats.
    LogLoss,
    /// Area under the ROC curve, `[0, 1]`; for several labels the mean over those that have both classes.
    Auroc,
    /// Mean absolute error, in the target's unit.
    Mae,
    /// Root mean squared error, in the target's unit.
    Rmse,
    /// Coefficient of determination, `(-inf, 1]`.
    R2,
}

impl MetricId {
    /// Every metric, in the order of the documentation.
    pub const ALL: &'static [Self] =
        &[Self::Accuracy, Self::MacroF1, Self::LogLoss, Self::Auroc, Self::Mae, Self::Rmse, Self::R2];

    /// The name used in configs, reports and expressions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::MacroF1 => "macro-f1",
            Self::LogLoss => "log-loss",
            Self::Auroc => "auroc",
            Self::Mae => "mae",
            Self::Rmse => "rmse",
            Self::R2 => "r2",
        }
    }

    /// One line on what it is.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Accuracy => "share of samples whose top class is the label",
            Self::MacroF1 => "mean over classes of the F1 score",
            Self::LogLoss => "mean negative log-likelihood of the label, nats",
            Self::Auroc => "area under the ROC curve, exact",
            Self::Mae => "mean absolute error",
            Self::Rmse => "root mean squared error",
            Self::R2 => "coefficient of determination",
        }
    }

    /// Which way is better.
    #[must_use]
    pub fn direction(self) -> Direction {
        match self {
            Self::Accuracy | Self::MacroF1 | Self::Auroc | Self::R2 => Direction::Maximize,
            Self::LogLoss | Self::Mae | Self::Rmse => Direction::Minimize,
        }
    }

    /// Whether the metric is a share, `[0, 1]`: only such metrics may be mixed without a normalizer.
    #[must_use]
    pub fn is_unit_range(self) -> bool {
        matches!(self, Self::Accuracy | Self::MacroF1 | Self::Auroc)
    }
}

impl fmt::Display for MetricId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for MetricId {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|id| id.name() == name).ok_or_else(|| Error::UnknownName {
            what: "metric",
            name: name.to_owned(),
            known: Self::ALL.iter().map(ToString::to_string).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_agree_with_serde() {
        for id in MetricId::ALL {
            assert_eq!(id.name().parse::<MetricId>().unwrap(), *id);
            assert_eq!(serde_json::to_string(id).unwrap(), format!("{:?}", id.name()));
        }
        assert!("acuracy".parse::<MetricId>().unwrap_err().to_string().contains("accuracy"));
    }

    #[test]
    fn direction_says_which_is_better() {
        assert!(MetricId::Auroc.direction().better(0.9, 0.8));
        assert!(MetricId::Rmse.direction().better(0.8, 0.9));
        assert!(!MetricId::Rmse.direction().better(f64::NAN, 0.9));
    }
}
