//! What a stream found so far: `stream.json` of its run, written whenever it ends.

use mtl_data::table::stream::Passed;
use mtl_metrics::MetricReport;
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    run::{dir::RunDir, json},
};

#[cfg(doc)]
use crate::error::Error;

/// How far a stream got, and how its rows were judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamOutcome {
    /// Rows that were learned from.
    pub rows: u64,
    /// Lines of the stream up to there, header and rows that were left out included.
    pub lines: u64,
    /// Rows that were judged.
    pub judged: u64,
    /// What was passed over.
    pub passed: Passed,
    /// Metrics over the last rows, as many as the window has.
    pub window: MetricReport,
    /// The same over all rows, fading; `None` unless that was asked for.
    pub fading: Option<MetricReport>,
    /// Changes that were noticed.
    pub drifts: u64,
}

impl StreamOutcome {
    /// Writes it into a run's folder.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, dir: &RunDir) -> Result<()> {
        json::write(&dir.stream(), self)
    }

    /// That of a run; `None` for one that has not ended yet.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Checkpoint`] when it is damaged.
    pub fn read(dir: &RunDir) -> Result<Option<Self>> {
        json::read(&dir.stream(), |e| format!("is damaged: {e}"))
    }
}
