//! The mean of the tasks' primary metrics, weighted by what the user said each task counts.
//!
//! ```text
//! weighted = sum_t w_t m_t / sum_t w_t        w_t: weight in the task set
//! ```

use mtl_core::{Result, metric::Direction, task::TaskSet};

use super::{
    Aggregate,
    primary::{Normalizer, PrimaryMetrics},
};
use crate::{report::MetricReport, value::MetricValue};

/// Mean over tasks of the primary metric, weighted by [`Task::weight`](mtl_core::task::Task::weight).
#[derive(Debug, Clone, PartialEq)]
pub struct TaskWeighted(PrimaryMetrics);

impl TaskWeighted {
    /// The weighted mean over all tasks. `normalizers` has one entry per task, or none at all.
    ///
    /// # Errors
    /// As [`TaskMean::new`](super::TaskMean::new).
    pub fn new(tasks: &TaskSet, normalizers: &[Option<Normalizer>]) -> Result<Self> {
        PrimaryMetrics::new("task-weighted mean", tasks, tasks.iter().map(|task| task.weight), normalizers).map(Self)
    }
}

impl Aggregate for TaskWeighted {
    fn name(&self) -> &'static str {
        "task-weighted"
    }

    fn direction(&self) -> Direction {
        self.0.direction()
    }

    fn compute(&self, report: &MetricReport) -> Result<MetricValue> {
        self.0.weighted_sum(report)
    }
}
