//! Early stopping of single tasks: who no longer improves is frozen, the others go on.
//!
//! After every epoch each task's primary metric on validation is compared with its best so far. A task that has not improved
//! by more than `min_delta` for `patience` epochs is frozen for the rest of the run; an epoch in which its metric has no value says
//! nothing and is not counted.
//!
//!
//! | `what` | then |
//! |---|---|
//! | `head` | its own parameters stay as they are; its loss still shapes the shared ones, so that the trunk does not forget it |
//! | `task` | it takes no part in training any more, which also saves its backward pass; its metrics are still computed |
//!
//! When all tasks are frozen as tasks the run ends.
//!
//! Reference: Caruana, "Multitask Learning", Machine Learning 28, 1997, section 3.4 (early stopping task by task).

use mtl_core::{loss::TaskLoss, step::Gradients, task::TaskSet};
use mtl_metrics::MetricReport;
use serde::{Deserialize, Serialize};

use crate::{error::Result, train::model::Model};

/// When and how tasks are frozen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FreezeConfig {
    /// Epochs without improvement after which a task is frozen, >= 1; default 3.
    #[schemars(range(min = 1))]
    pub patience: u64,
    /// What counts as improvement: more than this, in the metric's unit, >= 0; default 0.
    #[schemars(range(min = 0.0))]
    pub min_delta: f64,
    /// `head` (default) or `task`.
    pub what: Frozen,
}

/// What is frozen of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Frozen {
    /// Its own parameters.
    #[default]
    Head,
    /// All of it.
    Task,
}

impl Default for FreezeConfig {
    fn default() -> Self {
        Self { patience: 3, min_delta: 0.0, what: Frozen::default() }
    }
}

impl FreezeConfig {
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming the setting out of range.
    pub(super) fn validate(&self) -> Result<()> {
        let refuse = |field, expected: &str, found: String| {
            Err(mtl_core::Error::InvalidConfig { what: "train", field, expected: expected.into(), found }.into())
        };
        if self.patience == 0 {
            return refuse("freeze.patience", ">= 1", "0".into());
        }
        if self.min_delta >= 0.0 && self.min_delta.is_finite() {
            return Ok(());
        }
        refuse("freeze.min_delta", ">= 0", self.min_delta.to_string())
    }
}

/// How long each task has not improved; part of the checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plateaus {
    best: Vec<Option<f64>>,
    stale: Vec<u64>,
    frozen: Vec<bool>,
}

impl Plateaus {
    pub(super) fn new(n_tasks: usize) -> Self {
        Self { best: vec![None; n_tasks], stale: vec![0; n_tasks], frozen: vec![false; n_tasks] }
    }

    /// Takes an epoch's validation in; gives the tasks that are frozen from now on.
    pub(super) fn hear(&mut self, config: &FreezeConfig, tasks: &TaskSet, report: &MetricReport) -> Vec<usize> {
        let mut new = Vec::new();
        for (idx, task) in tasks.iter().enumerate() {
            if self.frozen[idx] {
                continue;
            }
            let Some(metric) = &task.primary else { continue };
            let Some(value) = report.value(idx, metric.name().as_str()) else { continue };
            let better = self.best[idx]
                .is_none_or(|best| metric.direction().better(value, best) && (value - best).abs() > config.min_delta);
            if better {
                self.best[idx] = Some(value);
                self.stale[idx] = 0;
            } else {
                self.stale[idx] += 1;
            }
            if self.stale[idx] >= config.patience {
                self.frozen[idx] = true;
                new.push(idx);
            }
        }
        new
    }

    pub(super) fn all_frozen(&self) -> bool {
        self.frozen.iter().all(|f| *f)
    }

    pub(super) fn frozen(&self) -> &[bool] {
        &self.frozen
    }

    /// Takes frozen tasks out of a step.
    pub(super) fn silence(&self, what: Frozen, losses: &mut [TaskLoss]) {
        if what == Frozen::Task {
            let frozen = losses.iter_mut().zip(&self.frozen).filter(|(_, frozen)| **frozen);
            frozen.for_each(|(loss, _)| *loss = TaskLoss::absent());
        }
    }

    /// Takes the gradients of frozen tasks' own parameters away.
    pub(super) fn hold(&self, model: &Model, gradients: &mut Gradients) {
        for (idx, _) in self.frozen.iter().enumerate().filter(|(_, frozen)| **frozen) {
            gradients.forget(&model.params().owned_by(idx));
        }
    }
}

#[cfg(test)]
mod tests {
    use mtl_core::task::Task;
    use mtl_metrics::{
        MetricValue,
        report::{MetricEntry, TaskReport},
    };

    use super::*;

    fn report(tasks: &TaskSet, values: [Option<f64>; 2]) -> MetricReport {
        let entry = |(task, value): (&Task, Option<f64>)| TaskReport {
            task: task.name.clone(),
            metrics: vec![MetricEntry {
                metric: task.metric().unwrap().to_string(),
                direction: task.metric().unwrap().direction(),
                outcome: value.map_or_else(|| MetricValue::undefined("no label", 0), |v| MetricValue::defined(v, 1)),
            }],
        };
        MetricReport { tasks: tasks.iter().zip(values).map(entry).collect(), ..MetricReport::default() }
    }

    #[test]
    fn a_task_is_frozen_when_its_patience_is_over_and_stays_so() {
        let tasks = vec![
            Task::new("up").unwrap().judged_by(mtl_metrics::known("auroc").unwrap()),
            Task::new("down").unwrap().judged_by(mtl_metrics::known("rmse").unwrap()),
        ];
        let tasks = TaskSet::new(tasks).unwrap();
        let config = FreezeConfig { patience: 2, min_delta: 0.01, what: Frozen::Task };
        let mut plateaus = Plateaus::new(2);
        let mut hear = |values| plateaus.hear(&config, &tasks, &report(&tasks, values));
        assert!(hear([Some(0.7), Some(2.0)]).is_empty());
        assert!(hear([Some(0.705), Some(1.5)]).is_empty(), "0.005 is no improvement, 0.5 is");
        assert!(hear([None, Some(1.0)]).is_empty(), "undefined says nothing");
        assert_eq!(hear([Some(0.7), Some(0.9)]), [0]);
        assert!(hear([Some(0.99), Some(1.0)]).is_empty());
        assert_eq!(hear([Some(0.99), Some(1.2)]), [1]);
        assert!(plateaus.all_frozen());
        let loss = || TaskLoss::new(tch::Tensor::from(1.0f32), 1.0);
        let mut losses = [loss(), loss()];
        plateaus.silence(Frozen::Head, &mut losses);
        assert!(losses.iter().all(TaskLoss::is_present));
        plateaus.silence(Frozen::Task, &mut losses);
        assert!(!losses.iter().any(TaskLoss::is_present));
    }
}
