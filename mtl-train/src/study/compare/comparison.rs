//! The result of a comparison as plain data: what `compare.json` holds.

use mtl_core::metric::Direction;
use mtl_data::Origin;
use mtl_metrics::{
    aggregate::Balance,
    stats::{Estimate, Friedman},
};
use serde::{Deserialize, Serialize};

use crate::train::trainer::{Budget, TimeLimit};

/// All methods, with what can be said about their differences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The data set's name.
    pub dataset: String,
    /// Where its samples come from.
    pub origin: Origin,
    /// Epochs that every run had at most; 0 where the budget is in steps.
    pub epochs: u64,
    /// Optimizer steps that every run had at most, where the budget is in steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// How long every run took at most, where there is a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeLimit>,
    /// Samples per step.
    pub batch_size: usize,
    /// What chose epochs, and the recommended method: an expression over validation metrics.
    pub selection: String,
    /// The seeds that were asked for.
    pub seeds: Vec<u64>,
    /// Level of all intervals.
    pub level: f64,
    /// The tasks with what judges them.
    pub tasks: Vec<TaskColumn>,
    /// The methods; single-task networks come first, if there are any.
    pub methods: Vec<MethodResult>,
    /// The test of ranks, if there is enough to rank.
    pub ranks: Option<RankTest>,
    /// Why there is no such test.
    pub no_ranks: Option<String>,
    /// The method with the best mean score on validation: what to take, without a look at the test split.
    pub chosen: Option<String>,
    /// What is not as one may think about the choice of epochs: metrics that validation does not define, runs whose epoch could
    /// not be chosen.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Runs that could not be trained, with the reason.
    pub failures: Vec<String>,
}

/// A task and the metric that judges it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskColumn {
    /// The task.
    pub task: String,
    /// Its primary metric.
    pub metric: String,
    /// Which way it is better.
    pub direction: Direction,
}

/// One method over its seeds; metrics are of the test split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodResult {
    /// Its name.
    pub name: String,
    /// Whether every task has a network of its own.
    pub alone: bool,
    /// The seeds that finished.
    pub seeds: Vec<u64>,
    /// The folders of its runs below `cells/`, by seed.
    pub cells: Vec<Vec<String>>,
    /// Every metric of every task, in task order, the primary one first.
    pub metrics: Vec<MetricEstimate>,
    /// Metrics over several tasks, whose `task` is `a + b`: they judge no task, so nothing is compared by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joint: Vec<MetricEstimate>,
    /// The selection score on validation; `None` for single-task networks, which have one each.
    pub validation: Option<Estimate>,
    /// Mean relative gain over single-task networks of the same seeds, percent.
    pub delta_m: Option<Estimate>,
    /// The same with an interval so wide that those of *all* methods together hold their true values at the level of the
    /// comparison (Bonferroni): what may be said of the best of several methods, picked after the fact.
    #[serde(default)]
    pub delta_m_of_all: Option<Estimate>,
    /// Why there is none.
    pub no_delta_m: Option<String>,
    /// What learning together did to each task.
    pub transfer: Vec<Transfer>,
    /// How evenly the gains over single-task networks, averaged over seeds, are spread over tasks.
    #[serde(default)]
    pub balance: Option<Balance>,
    /// Share of tasks that are worse than alone beyond the noise between seeds; `None` without baselines or with one seed.
    #[serde(default)]
    pub negative_transfer: Option<f64>,
    /// No other method is at least as good in the mean of every primary metric and better in one.
    #[serde(default)]
    pub unbeaten: bool,
    /// Mean rank over tasks and seeds.
    pub mean_rank: Option<f64>,
    /// Trained numbers, of all networks together.
    pub parameters: usize,
    /// Seconds of training per epoch, of all networks together.
    pub seconds_per_epoch: Option<Estimate>,
    /// Training samples per second at that.
    pub samples_per_second: Option<f64>,
    /// Peak memory of a run over what the process held before, in MB; the largest of its runs.
    pub peak_memory_mb: Option<f64>,
}

/// A metric over seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricEstimate {
    /// The task.
    pub task: String,
    /// The metric.
    pub metric: String,
    /// Which way it is better.
    pub direction: Direction,
    /// The value of every finished seed; `None` where it is undefined.
    pub values: Vec<Option<f64>>,
    /// Mean and interval over the seeds that have a value; `None` without any.
    pub estimate: Option<Estimate>,
}

/// What learning together did to a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// The task.
    pub task: String,
    /// Primary metric less that of the single-task network with the same seed, signed so that more is better.
    pub difference: Estimate,
    /// The same in percent of the single-task value, taken per seed; `None` where that is undefined or too close to zero.
    #[serde(default)]
    pub gain: Option<Estimate>,
    /// The interval of the difference is below 0: the task lost.
    pub negative: bool,
    /// The interval of the difference is above 0: the task gained.
    pub positive: bool,
}

/// Friedman's test with Nemenyi's critical difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankTest {
    /// The methods that were ranked: those with a value in every block.
    pub methods: Vec<String>,
    /// Statistics; its blocks are the pairs of a task and a seed.
    pub friedman: Friedman,
    /// Mean ranks further apart than this differ.
    pub critical_difference: f64,
    /// At this error rate.
    pub alpha: f64,
}

impl Comparison {
    /// What every run had at most.
    #[must_use]
    pub fn budget(&self) -> String {
        let counted = match (self.steps, self.epochs) {
            (Some(steps), _) => Some(Budget::Steps(steps)),
            (None, 0) => None,
            (None, epochs) => Some(Budget::Epochs(epochs)),
        };
        match (counted, self.time) {
            (Some(counted), Some(time)) => format!("{counted} within {time}"),
            (Some(counted), None) => counted.to_string(),
            (None, time) => time.map_or_else(String::new, |time| time.to_string()),
        }
    }
}

impl MethodResult {
    /// The primary metric of every task.
    pub fn primary<'a>(&'a self, tasks: &'a [TaskColumn]) -> impl Iterator<Item = Option<&'a MetricEstimate>> {
        tasks.iter().map(move |column| self.metric(&column.task, &column.metric))
    }

    /// A metric by names.
    #[must_use]
    pub fn metric(&self, task: &str, metric: &str) -> Option<&MetricEstimate> {
        self.metrics.iter().find(|m| m.task == task && m.metric == metric)
    }

    /// What happened to a task.
    #[must_use]
    pub fn transfer_of(&self, task: &str) -> Option<&Transfer> {
        self.transfer.iter().find(|t| t.task == task)
    }
}
