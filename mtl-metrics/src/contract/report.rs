//! The values of all metrics of all tasks at one moment, in the user's order.

use std::fmt;

use mtl_core::{
    Error, Result,
    metric::Direction,
    task::{TaskName, TaskSet},
};
use serde::{Deserialize, Serialize};

use crate::{joint::JointEntry, registry, value::MetricValue};

/// What [`MetricSet::compute`](crate::MetricSet::compute) says: tasks in task order, metrics in the order asked for.
///
/// It is plain data: log it as JSON, read it back, give it to the aggregates.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricReport {
    /// One entry per task.
    pub tasks: Vec<TaskReport>,
    /// Metrics over several tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joint: Vec<JointEntry>,
}

/// The values of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// The task.
    pub task: TaskName,
    /// Its metrics, in the order asked for.
    pub metrics: Vec<MetricEntry>,
}

/// One metric of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricEntry {
    /// The metric's name.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
    /// Its value.
    pub outcome: MetricValue,
}

impl TaskReport {
    /// The entry of a metric, also in a report of an older version that spelled its name otherwise.
    #[must_use]
    pub fn find(&self, metric: &str) -> Option<&MetricEntry> {
        let exact = self.metrics.iter().find(|entry| entry.metric == metric);
        exact.or_else(|| {
            let known = registry::process();
            self.metrics.iter().find(|entry| known.same(&entry.metric, metric))
        })
    }
}

impl MetricReport {
    /// The number of a metric by its name, `None` when it is undefined or was not computed.
    #[must_use]
    pub fn value(&self, task_idx: usize, metric: &str) -> Option<f64> {
        self.tasks.get(task_idx)?.find(metric)?.outcome.value
    }

    /// The entry of a metric by names.
    ///
    /// # Errors
    /// [`Error::UnknownTask`] or [`Error::UnknownName`], listing what there is.
    pub fn entry(&self, task: &str, metric: &str) -> Result<&MetricEntry> {
        let report = self.tasks.iter().find(|t| t.task.as_str() == task).ok_or_else(|| Error::UnknownTask {
            name: task.to_owned(),
            known: self.tasks.iter().map(|t| t.task.to_string()).collect(),
        })?;
        report.find(metric).ok_or_else(|| Error::UnknownName {
            what: "metric",
            name: format!("{task}.{metric}"),
            known: report.metrics.iter().map(|entry| format!("{task}.{}", entry.metric)).collect(),
        })
    }

    /// A metric over several tasks by its name.
    ///
    /// # Errors
    /// [`Error::UnknownName`], listing what there is.
    pub fn joint(&self, name: &str) -> Result<&JointEntry> {
        self.joint.iter().find(|entry| entry.name == name).ok_or_else(|| Error::UnknownName {
            what: "joint metric",
            name: name.to_owned(),
            known: self.joint.iter().map(|entry| entry.name.clone()).collect(),
        })
    }

    /// The report with the primary metric of each task only.
    ///
    /// # Errors
    /// As [`entry`](Self::entry), for a task whose primary metric is not in the report.
    pub fn primary(&self, tasks: &TaskSet) -> Result<Self> {
        let only = |task: &mtl_core::task::Task| {
            let metrics = vec![self.entry(task.name.as_str(), task.metric()?.name().as_str())?.clone()];
            Ok(TaskReport { task: task.name.clone(), metrics })
        };
        Ok(Self { tasks: tasks.iter().map(only).collect::<Result<_>>()?, joint: Vec::new() })
    }

    /// One report of the reports of several runs, such as single-task baselines. Metrics over several tasks belong to one run and are
    /// not in it.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when a task is in two of them.
    pub fn join(reports: impl IntoIterator<Item = Self>) -> Result<Self> {
        let mut joined = Self::default();
        for report in reports.into_iter().flat_map(|report| report.tasks) {
            if joined.tasks.iter().any(|t| t.task == report.task) {
                return Err(Error::Duplicate { what: "task", name: report.task.to_string() });
            }
            joined.tasks.push(report);
        }
        Ok(joined)
    }
}

impl fmt::Display for MetricReport {
    /// One line: `income auroc 0.9512 accuracy 0.9534 | age rmse 7.2031`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, report) in self.tasks.iter().enumerate() {
            write!(f, "{}{}", if idx == 0 { "" } else { " | " }, report.task)?;
            for entry in &report.metrics {
                write!(f, " {} {:.*}", entry.metric, f.precision().unwrap_or(4), entry.outcome)?;
            }
        }
        for entry in &self.joint {
            write!(f, " | {} {:.*}", entry.name, f.precision().unwrap_or(4), entry.outcome)?;
        }
        Ok(())
    }
}
