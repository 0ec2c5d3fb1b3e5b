//! What an epoch adds up while it runs; part of the checkpoint, so that a resumed epoch reports the same means.

use mtl_core::{balance::ConflictStats, step::StepReport};
use serde::{Deserialize, Serialize};

/// Sums over the steps of the current epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    steps: u64,
    loss: Vec<f64>,
    count: Vec<f64>,
    weight: Vec<f64>,
    pub(super) conflict: ConflictStats,
    pub(super) samples: u64,
    pub(super) seconds: f64,
}

impl Tally {
    pub(super) fn new(n_tasks: usize) -> Self {
        let zeros = vec![0.0; n_tasks];
        Self {
            loss: zeros.clone(),
            count: zeros.clone(),
            weight: zeros,
            conflict: ConflictStats::new(n_tasks, 0.0),
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, report: &StepReport, blocks: &[String], samples: usize) {
        self.steps += 1;
        self.samples += samples as u64;
        for (t, task) in report.tasks.iter().enumerate() {
            self.weight[t] += task.weight;
            if let Some(loss) = task.loss.filter(|l| l.is_finite()) {
                self.loss[t] += loss * task.count;
                self.count[t] += task.count;
            }
        }
        if let Some(gramian) = &report.gramian {
            self.conflict.add(&report.active, gramian, blocks, &report.blocks);
        }
    }

    /// Whether no step has been added.
    pub(super) fn is_empty(&self) -> bool {
        self.steps == 0
    }

    pub(super) fn train_loss(&self) -> Vec<Option<f64>> {
        self.loss.iter().zip(&self.count).map(|(l, c)| (*c > 0.0).then(|| l / c)).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "an epoch has far fewer than 2^52 steps")]
    pub(super) fn mean_weight(&self) -> Vec<f64> {
        self.weight.iter().map(|w| w / self.steps.max(1) as f64).collect()
    }
}
