//! What an epoch adds up while it runs; part of the checkpoint, so that a resumed epoch reports the same means.

use mtl_core::step::StepReport;
use serde::{Deserialize, Serialize};

/// Sums over the steps of the current epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    steps: u64,
    loss: Vec<f64>,
    count: Vec<f64>,
    weight: Vec<f64>,
    cosine: Vec<Vec<f64>>,
    cosine_steps: Vec<Vec<f64>>,
    pub(super) samples: u64,
    pub(super) seconds: f64,
}

impl Tally {
    pub(super) fn new(n_tasks: usize) -> Self {
        let zeros = vec![0.0; n_tasks];
        Self {
            loss: zeros.clone(),
            count: zeros.clone(),
            weight: zeros.clone(),
            cosine: vec![zeros.clone(); n_tasks],
            cosine_steps: vec![zeros; n_tasks],
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, report: &StepReport, samples: usize) {
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
            for (i, &a) in report.active.iter().enumerate() {
                for (j, &b) in report.active.iter().enumerate() {
                    self.cosine[a][b] += gramian.cosine(i, j);
                    self.cosine_steps[a][b] += 1.0;
                }
            }
        }
    }

    pub(super) fn train_loss(&self) -> Vec<Option<f64>> {
        self.loss.iter().zip(&self.count).map(|(l, c)| (*c > 0.0).then(|| l / c)).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "an epoch has far fewer than 2^52 steps")]
    pub(super) fn mean_weight(&self) -> Vec<f64> {
        self.weight.iter().map(|w| w / self.steps.max(1) as f64).collect()
    }

    /// Empty when no step had a Gramian.
    pub(super) fn mean_cosine(&self) -> Vec<Vec<f64>> {
        if self.cosine_steps.iter().flatten().all(|n| *n == 0.0) {
            return Vec::new();
        }
        let row = |(sums, steps): (&Vec<f64>, &Vec<f64>)| sums.iter().zip(steps).map(|(s, n)| s / n.max(1.0)).collect();
        self.cosine.iter().zip(&self.cosine_steps).map(row).collect()
    }
}
