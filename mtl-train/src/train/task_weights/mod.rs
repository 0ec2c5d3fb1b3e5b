//! Task weights by how many labels a task has in training.
//!
//! ```text
//! weight of task t = its own weight  x  s_t / mean_j s_j             s_t from n_t, its known training labels
//! ```
//! A task's loss is a mean over its labels, so without this a task of few labels counts as much as one of many, and each of its labels more.
//! `by-size` makes labels count alike: the sum over tasks is then that of all labels. Weights keep the mean 1, so that the learning rate
//! keeps its meaning, and multiply those of `[[task]]`; what the balancer weighs comes on top.
//!
//! | file | `s_t` |
//! |---|---|
//! | `by_size.rs` | [`BySize`]: `n_t^p` |
//! | `effective_number.rs` | [`EffectiveNumber`]: `(1 - b^n_t) / (1 - b)` |

mod by_size;
mod effective_number;

pub use by_size::BySize;
pub use effective_number::EffectiveNumber;
use mtl_core::{label_stats::LabelStats, task::TaskSet};
use serde::{Deserialize, Serialize};

use crate::error::Result;

mtl_core::registry! {
    /// How tasks weigh by the number of their labels.
    pub enum TaskWeighting, what = "task weights", part = SizePart {
        BySize(BySize) = "by-size", "in proportion to a task's training labels, or a power of their number";
        EffectiveNumber(EffectiveNumber) = "effective-number", "in proportion to the effective number of a task's training labels";
    }
}

/// What a number of labels is worth.
pub trait SizePart {
    /// Checks the settings.
    ///
    /// # Errors
    /// `InvalidConfig` for one outside its range.
    fn validate(&self) -> mtl_core::Result<()>;

    /// What `n >= 1` labels are worth, > 0.
    fn worth(&self, n: u64) -> f64;
}

/// What a task weighs, and why.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskWeight {
    /// The task.
    pub task: String,
    /// Its known training labels: samples for classes, items for tags and tokens, cells for others.
    pub labels: u64,
    /// What its loss is multiplied by, its own weight included.
    pub weight: f64,
}

impl TaskWeighting {
    /// The tasks with their weights by the statistics of their training labels, in that order; a task without a label counts as one with one.
    ///
    /// # Errors
    /// As [`SizePart::validate`].
    pub fn weigh(&self, tasks: &TaskSet, labels: &[LabelStats]) -> Result<TaskSet> {
        self.part().validate()?;
        let worth: Vec<f64> = labels.iter().map(|stats| self.part().worth(stats.known().max(1))).collect();
        #[expect(clippy::cast_precision_loss, reason = "a number of tasks")]
        let mean = worth.iter().sum::<f64>() / worth.len() as f64;
        let weighed = tasks.iter().zip(&worth).map(|(task, own)| task.clone().with_weight(task.weight * own / mean));
        Ok(TaskSet::new(weighed.collect())?)
    }
}

/// What tasks that were weighed so weigh.
#[must_use]
pub fn told(tasks: &TaskSet, labels: &[LabelStats]) -> Vec<TaskWeight> {
    let of = |(task, stats): (&mtl_core::task::Task, &LabelStats)| TaskWeight {
        task: task.name.to_string(),
        labels: stats.known(),
        weight: task.weight,
    };
    tasks.iter().zip(labels).map(of).collect()
}

#[cfg(test)]
mod tests {
    use mtl_core::task::Task;

    use super::*;

    #[test]
    fn weights_by_hand() {
        let tasks = ["few", "many"].map(|name| Task::new(name).unwrap());
        let [few, many] = tasks;
        let tasks = TaskSet::new(vec![few, many.with_weight(2.0)]).unwrap();
        let of = |n| LabelStats::Class { counts: vec![n, 0], missing: 7 };
        let weights = |text: &str, counts: [u64; 2]| -> Vec<f64> {
            let weighting: TaskWeighting = toml::from_str(text).unwrap();
            let weighed = weighting.weigh(&tasks, &counts.map(of)).unwrap();
            weighed.iter().map(|task| task.weight).collect()
        };
        let near = |found: Vec<f64>, by_hand: [f64; 2]| {
            assert!(found.iter().zip(by_hand).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} {by_hand:?}");
        };
        near(weights("kind = \"by-size\"", [100, 900]), [0.2, 2.0 * 1.8]);
        near(weights("kind = \"by-size\"\npower = 0.5", [100, 900]), [0.5, 2.0 * 1.5]);
        near(weights("kind = \"by-size\"\npower = 0.0", [100, 900]), [1.0, 2.0]);
        near(weights("kind = \"effective-number\"\nbeta = 0.9", [1, 2]), [2.0 / 2.9, 2.0 * 3.8 / 2.9]);
        near(weights("kind = \"effective-number\"\nbeta = 0.0", [1, 2]), [1.0, 2.0]);
        let refused = |text: &str| toml::from_str::<TaskWeighting>(text).unwrap().part().validate().is_err();
        assert!(refused("kind = \"by-size\"\npower = 1.5") && refused("kind = \"effective-number\"\nbeta = 1.0"));
    }
}
