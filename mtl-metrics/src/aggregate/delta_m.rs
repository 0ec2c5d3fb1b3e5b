//! delta_m: how much better than single-task models, on average, in percent.
//!
//! ```text
//! delta_m = 1/T sum_t 1/K_t sum_k  (-1)^l_tk (M_tk - B_tk) / |B_tk| * 100
//! ```
//!
//! `M`: metric of the multi-task model; `B`: the same metric of a model trained on task t alone; `l = 1` where lower is
//! better. Positive is good.
//!
//! **Reference** K.-K. Maninis, I. Radosavovic, I. Kokkinos, *Attentive Single-Tasking of Multiple Tasks*, CVPR 2019.
//! **Differs from** the paper in dividing by `|B|` (so that a negative R2 as baseline keeps the sign right) and in
//! refusing a baseline within [`MIN_BASELINE`] of zero, where the ratio says nothing; from LibMTL, which takes the first
//! epoch of the multi-task run itself for a baseline when none is given: here there is no default.

use mtl_core::{
    Error, Result,
    metric::Direction,
    task::{TaskName, TaskSet},
};
use serde::{Deserialize, Serialize};

use super::Aggregate;
use crate::{
    report::{MetricEntry, MetricReport, TaskReport},
    value::MetricValue,
};

/// The smallest size of a baseline against which a relative gain is taken.
pub const MIN_BASELINE: f64 = 1e-6;

/// Mean relative gain over the metrics of single-task models, in percent.
#[derive(Debug, Clone, PartialEq)]
pub struct DeltaM {
    baselines: MetricReport,
}

/// The gain of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskGain {
    /// The task.
    pub task: TaskName,
    /// Mean gain over its metrics, percent.
    pub gain: MetricValue,
    /// Gain by metric, percent.
    pub metrics: Vec<(String, MetricValue)>,
}

impl DeltaM {
    /// Gains against a report of single-task models ([`MetricReport::join`] makes one of several runs), over all the
    /// metrics in it; [`MetricReport::primary`] restricts it to the primary ones.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`], naming task and metric, for a baseline that is undefined or too close to zero, or a
    /// report without metrics.
    pub fn new(baselines: MetricReport) -> Result<Self> {
        let refuse = |expected: &str, found| {
            Err(Error::InvalidConfig { what: "delta_m", field: "baseline", expected: expected.into(), found })
        };
        if baselines.tasks.is_empty() {
            return refuse("at least one task", "none".to_owned());
        }
        for report in &baselines.tasks {
            if report.metrics.is_empty() {
                return refuse("at least one metric per task", format!("none for task {}", report.task));
            }
            for MetricEntry { metric, outcome, .. } in &report.metrics {
                match outcome.value {
                    Some(value) if value.is_finite() && value.abs() >= MIN_BASELINE => {}
                    Some(_) => {
                        let found = format!("{outcome} for {}.{metric}", report.task);
                        return refuse("a finite number at least 1e-6 away from zero", found);
                    }
                    None => return refuse("defined", format!("{}.{metric}: {outcome}", report.task)),
                }
            }
        }
        Ok(Self { baselines })
    }

    /// Gains of the primary metrics against the baselines that the task set holds.
    ///
    /// # Errors
    /// As [`new`](Self::new); a task without a baseline or a primary metric is named.
    pub fn of_tasks(tasks: &TaskSet) -> Result<Self> {
        let report = |task: &mtl_core::task::Task| {
            let outcome = match task.baseline {
                Some(value) => MetricValue::defined(value, 0),
                None => MetricValue::undefined("no single-task baseline", 0),
            };
            let metric = task.metric()?;
            let entry = MetricEntry { metric: metric.to_string(), direction: metric.direction(), outcome };
            Ok(TaskReport { task: task.name.clone(), metrics: vec![entry] })
        };
        Self::new(MetricReport { tasks: tasks.iter().map(report).collect::<Result<_>>()?, ..MetricReport::default() })
    }

    /// The gain of every task.
    ///
    /// # Errors
    /// [`Error::UnknownTask`], [`Error::UnknownName`]: the report lacks a task or metric that has a baseline.
    pub fn gains(&self, report: &MetricReport) -> Result<Vec<TaskGain>> {
        let gain = |task: &TaskName, base: &MetricEntry| -> Result<(String, MetricValue)> {
            let ours = &report.entry(task.as_str(), &base.metric)?.outcome;
            let gain = match (ours.get(), base.outcome.value) {
                (Ok(value), Some(baseline)) => {
                    MetricValue::defined(relative_gain(base.direction, value, baseline), ours.support)
                }
                (Ok(_), None) => MetricValue::undefined("no baseline", ours.support),
                (Err(reason), _) => MetricValue::undefined(reason, ours.support),
            };
            Ok((base.metric.clone(), gain))
        };
        let task_gain = |base: &TaskReport| {
            let metrics: Vec<_> = base.metrics.iter().map(|entry| gain(&base.task, entry)).collect::<Result<_>>()?;
            let named = metrics.iter().map(|(name, gain)| (name.as_str(), gain));
            Ok(TaskGain { task: base.task.clone(), gain: strict_mean(named), metrics })
        };
        self.baselines.tasks.iter().map(task_gain).collect()
    }
}

impl Aggregate for DeltaM {
    fn name(&self) -> &'static str {
        "delta_m"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn compute(&self, report: &MetricReport) -> Result<MetricValue> {
        let gains = self.gains(report)?;
        Ok(strict_mean(gains.iter().map(|task| (task.task.as_str(), &task.gain))))
    }
}

/// `(-1)^l (value - baseline) / |baseline| * 100`: positive when `value` is better.
#[must_use]
pub fn relative_gain(direction: Direction, value: f64, baseline: f64) -> f64 {
    let change = (value - baseline) / baseline.abs() * 100.0;
    match direction {
        Direction::Maximize => change,
        Direction::Minimize => -change,
    }
}

/// The mean of all, undefined as soon as one is: leaving a task out would change what is compared.
fn strict_mean<'a>(parts: impl Iterator<Item = (&'a str, &'a MetricValue)>) -> MetricValue {
    let (mut sum, mut n, mut support) = (0.0, 0_u32, u64::MAX);
    for (name, part) in parts {
        support = support.min(part.support);
        match part.get() {
            Ok(value) => sum += value,
            Err(reason) => return MetricValue::undefined(format!("{name}: {reason}"), support),
        }
        n += 1;
    }
    MetricValue::defined(sum / f64::from(n), support)
}
