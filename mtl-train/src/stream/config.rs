//! How a stream is read and judged.

use mtl_data::table::stream::{BadRows, UnknownLabels};
use serde::{Deserialize, Serialize};

use super::drift::DriftConfig;
use crate::error::Result;

/// The section `[stream]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StreamConfig {
    /// Rows at the beginning whose codes, scales and classes count for all that follow; they are learned from and not judged, up to the
    /// end of their last batch. 0 where a run's model goes on (`--from`), which brings them. Default 10000.
    pub warmup_rows: u64,
    /// Rows between two points of the curve, a multiple of `train.batch_size`, >= 1; default 10 batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub every: Option<u64>,
    /// Rows that the metrics of a point look back on, a multiple of `every`, >= 1; default 10 times `every`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub window: Option<u64>,
    /// Beside the window: metrics over all rows so far, each weighing this much of the one after it, in [0.5, 1]; default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.5, max = 1.0))]
    pub fading: Option<f64>,
    /// Rows that are judged before a row is learned from, as if its labels came that late: a multiple of `train.batch_size`; default
    /// 0.
    pub label_delay: u64,
    /// Whether to wait for a file to grow where it ends; default false.
    pub follow: bool,
    /// Seconds without a new byte after which a file that is followed has ended, > 0; default never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub idle_seconds: Option<f64>,
    /// What happens at a row with a wrong number of fields or a number that is none: `refuse`, `skip`; default refuse.
    pub bad_rows: BadRows,
    /// What happens at a label that its task does not have: `refuse`, `missing`; default refuse.
    pub unknown_labels: UnknownLabels,
    /// Rows between two checkpoints, >= 1; default 100000.
    #[schemars(range(min = 1))]
    pub checkpoint_every: u64,
    /// What watches the loss of each task for a change; default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftConfig>,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            warmup_rows: 10_000,
            every: None,
            window: None,
            fading: None,
            label_delay: 0,
            follow: false,
            idle_seconds: None,
            bad_rows: BadRows::default(),
            unknown_labels: UnknownLabels::default(),
            checkpoint_every: 100_000,
            drift: None,
        }
    }
}

/// The numbers of a stream in batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InBatches {
    pub(super) every: u64,
    /// In blocks of `every`.
    pub(super) blocks: u64,
    pub(super) delay: u64,
    pub(super) checkpoint: u64,
    /// Batches that are learned from and not judged.
    pub(super) warmup: u64,
}

impl StreamConfig {
    /// Checks every setting, for batches of a size.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the first setting that cannot be used.
    pub fn validate(&self, batch_size: usize) -> Result<()> {
        let at_least_one = |field, value: u64| check(field, value >= 1, ">= 1", value.to_string());
        at_least_one("checkpoint_every", self.checkpoint_every)?;
        let batch = batch_size as u64;
        let every = self.every.unwrap_or(10 * batch);
        let multiple = |field, value: u64, of: u64, what: &str| {
            let nearest = value.div_ceil(of.max(1)).max(1) * of;
            let expected = format!("a multiple of {what}, which is {of}: {nearest}");
            check(field, value.is_multiple_of(of.max(1)), &expected, value.to_string())
        };
        at_least_one("every", every)?;
        multiple("every", every, batch, "train.batch_size")?;
        let window = self.window.unwrap_or(10 * every);
        at_least_one("window", window)?;
        multiple("window", window, every, "every")?;
        multiple("label_delay", self.label_delay, batch, "train.batch_size")?;
        if let Some(fading) = self.fading {
            check("fading", (0.5..=1.0).contains(&fading), "in [0.5, 1]", fading.to_string())?;
        }
        if let Some(seconds) = self.idle_seconds {
            check("idle_seconds", seconds > 0.0 && seconds < 1e9, "> 0", seconds.to_string())?;
            check("idle_seconds", self.follow, "left out unless follow = true", seconds.to_string())?;
        }
        self.drift.as_ref().map_or(Ok(()), |drift| Ok(drift.validate().map_err(|e| e.inside("drift"))?))
    }

    /// The same with what follows from other settings written out.
    #[must_use]
    pub(super) fn spelled_out(self, batch_size: usize) -> Self {
        let every = self.every.unwrap_or(10 * batch_size as u64);
        Self { window: Some(self.window.unwrap_or(10 * every)), every: Some(every), ..self }
    }

    /// The settings in batches.
    pub(super) fn in_batches(&self, batch_size: usize) -> InBatches {
        let batch = (batch_size as u64).max(1);
        let every = self.every.unwrap_or(10 * batch).max(1);
        InBatches {
            every: (every / batch).max(1),
            blocks: (self.window.unwrap_or(10 * every) / every).max(1),
            delay: self.label_delay / batch,
            checkpoint: self.checkpoint_every.div_ceil(batch),
            warmup: self.warmup_rows.div_ceil(batch),
        }
    }
}

fn check(field: &'static str, valid: bool, expected: &str, found: String) -> Result<()> {
    match valid {
        true => Ok(()),
        false => Err(mtl_core::Error::InvalidConfig { what: "stream", field, expected: expected.into(), found }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_whole_batches_and_whole_blocks() {
        let refused = |text: &str| {
            let config: StreamConfig = toml::from_str(text).unwrap();
            config.validate(100).unwrap_err().to_string()
        };
        assert!(refused("every = 250").contains("every must be a multiple of train.batch_size, which is 100: 300"));
        assert!(refused("every = 200\nwindow = 500").contains("window must be a multiple of every, which is 200: 600"));
        assert!(refused("label_delay = 50").contains("label_delay must be a multiple of train.batch_size"));
        assert!(refused("idle_seconds = 3.0").contains("left out unless follow = true"));
        assert!(refused("fading = 0.2").contains("in [0.5, 1]"));
        let config: StreamConfig = toml::from_str("every = 200\nwarmup_rows = 250\nlabel_delay = 300").unwrap();
        config.validate(100).unwrap();
        let expected = InBatches { every: 2, blocks: 10, delay: 3, checkpoint: 1000, warmup: 3 };
        assert_eq!(config.in_batches(100), expected);
        assert_eq!(config.spelled_out(100).window, Some(2000));
    }
}
