//! The plain mean of the tasks' primary metrics.
//!
//! ```text
//! mean = 1/m sum_t m_t        m_t: primary metric of task t, or its normalized value
//! ```

use mtl_core::{Result, metric::Direction, task::TaskSet};

use super::{
    Aggregate,
    primary::{Normalizer, PrimaryMetrics},
};
use crate::{report::MetricReport, value::MetricValue};

/// Mean over tasks of the primary metric.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskMean(PrimaryMetrics);

impl TaskMean {
    /// The mean over all tasks. `normalizers` has one entry per task, or none at all.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`], naming task and metric: primary metrics outside `[0, 1]` or of opposite
    /// directions without a normalizer.
    pub fn new(tasks: &TaskSet, normalizers: &[Option<Normalizer>]) -> Result<Self> {
        PrimaryMetrics::new("task mean", tasks, tasks.iter().map(|_| 1.0), normalizers).map(Self)
    }
}

impl Aggregate for TaskMean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn direction(&self) -> Direction {
        self.0.direction()
    }

    fn compute(&self, report: &MetricReport) -> Result<MetricValue> {
        self.0.weighted_sum(report)
    }
}
