//! What a run writes down, beside what it must.

use serde::{Deserialize, Serialize};

use crate::error::Result;

/// The `[log]` section of a configuration file. JSON lines are always written; the rest is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Optimizer steps between two logged ones, >= 1; default 10.
    #[schemars(range(min = 1))]
    pub every: u64,
    /// `steps.csv` and `epochs.csv` too; default false.
    pub csv: bool,
    /// TensorBoard events in `tensorboard/` too; default false.
    pub tensorboard: bool,
    /// Histograms of all parameters after each epoch, in the TensorBoard events; default false.
    pub histograms: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { every: 10, csv: false, tensorboard: false, histograms: false }
    }
}

impl LogConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the setting out of range.
    pub fn validate(&self) -> Result<()> {
        let refuse = |field, expected: &str, found: String| {
            Err(mtl_core::Error::InvalidConfig { what: "log", field, expected: expected.into(), found }.into())
        };
        if self.every == 0 {
            return refuse("every", ">= 1", "0".into());
        }
        if self.histograms && !self.tensorboard {
            return refuse("histograms", "false, or tensorboard = true, which holds them", "true".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        assert!(LogConfig::default().validate().is_ok());
        let e = LogConfig { every: 0, ..LogConfig::default() }.validate().unwrap_err();
        assert_eq!(e.to_string(), "log: every must be >= 1, found 0");
        let e = LogConfig { histograms: true, ..LogConfig::default() }.validate().unwrap_err();
        assert!(e.to_string().contains("tensorboard = true"), "{e}");
    }
}
