//! The section `[cv_weights]`.

use serde::{Deserialize, Serialize};

use super::{Candidates, GridConfig};
use crate::error::Result;

/// How task weights are searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CvWeightsConfig {
    /// Parts of the training split, >= 2; default 5.
    #[schemars(range(min = 2))]
    pub folds: usize,
    /// What the cut depends on; default 0.
    pub seed: u64,
    /// Which weights are tried; default a grid of 8 steps.
    pub candidates: Candidates,
    /// One of so many candidates stays after each round, and gets so many times as many epochs; >= 2, or 1 to train all of
    /// them to the end; default 3.
    #[schemars(range(min = 1))]
    pub halving: u64,
    /// Epochs of the first round, >= 1; default 1.
    #[schemars(range(min = 1))]
    pub min_epochs: u64,
    /// Level of the intervals over folds, in (0, 1); default 0.95.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub level: f64,
}

impl Default for CvWeightsConfig {
    fn default() -> Self {
        Self {
            folds: 5,
            seed: 0,
            candidates: Candidates::Grid(GridConfig::default()),
            halving: 3,
            min_epochs: 1,
            level: 0.95,
        }
    }
}

impl CvWeightsConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        let check = |field, valid: bool, expected: &str, found: String| match valid {
            true => Ok(()),
            false => {
                Err(mtl_core::Error::InvalidConfig { what: "cv_weights", field, expected: expected.into(), found })
            }
        };
        check("folds", self.folds >= 2, ">= 2", self.folds.to_string())?;
        check("halving", self.halving >= 1, ">= 1", self.halving.to_string())?;
        check("min_epochs", self.min_epochs >= 1, ">= 1", self.min_epochs.to_string())?;
        check("level", self.level > 0.0 && self.level < 1.0, "in (0, 1)", self.level.to_string())?;
        self.candidates.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused() {
        let refused = |text: &str| toml::from_str::<CvWeightsConfig>(text).unwrap().validate().unwrap_err().to_string();
        assert!(CvWeightsConfig::default().validate().is_ok());
        assert_eq!(refused("folds = 1"), "cv_weights: folds must be >= 2, found 1");
        assert!(refused("halving = 0").contains("halving must be >= 1"));
        assert!(refused("min_epochs = 0").contains("min_epochs"));
        assert!(refused("level = 2.0").contains("level"));
        assert!(refused(r#"candidates = { kind = "grid", steps = 1 }"#).contains("steps must be >= 2"));
        assert!(refused(r#"candidates = { kind = "sobol", n = 0 }"#).contains("n must be in 1..=10000"));
        assert!(toml::from_str::<CvWeightsConfig>("fold = 3").is_err());
    }
}
