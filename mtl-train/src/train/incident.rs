//! Values that are not finite, as data: what logs, terminals and the error of a run say of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::divergence::advice;

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The optimizer step, from 0.
    pub step: u64,
    /// The task, by name.
    pub task: String,
    /// `loss` or `gradient`.
    pub what: String,
    /// What the run did about it.
    pub action: Action,
    /// Inputs that are not finite, with the ids of some samples.
    pub inputs: Vec<Suspect>,
    /// Ids of some samples whose own loss is not finite.
    pub samples: Vec<u64>,
    /// The learning rate of the step; `None` in logs of older runs.
    #[serde(default)]
    pub lr: Option<f64>,
    /// Whether the task learns numbers, whose scale can be to blame.
    #[serde(default)]
    pub learns_numbers: bool,
}

/// An input tensor that holds NaN or infinity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// Its name.
    pub input: String,
    /// Ids of some samples where it is not finite.
    pub samples: Vec<u64>,
}

/// What the policy asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The run ended.
    Stopped,
    /// Nothing was learned from the batch.
    SkippedStep,
    /// The other tasks learned from it.
    DroppedTask,
}

impl fmt::Display for Incident {
    /// `loss of task income is not finite: samples 12, 480; input numeric is not finite in samples 12, 480`. Where the
    /// inputs are in order it is the run that diverges: then the learning rate, and what to try.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |ids: &[u64]| ids.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        write!(f, "{} of task {} is not finite", self.what, self.task)?;
        match (&self.samples[..], &self.inputs[..]) {
            ([], []) => write!(f, ": all inputs are finite, and so is every sample's own loss")?,
            (samples, inputs) => {
                let mut parts = Vec::new();
                if !samples.is_empty() {
                    parts.push(format!("samples {}", list(samples)));
                }
                for suspect in inputs {
                    parts.push(format!("input {} is not finite in samples {}", suspect.input, list(&suspect.samples)));
                }
                write!(f, ": {}", parts.join("; "))?;
            }
        }
        let Some(lr) = self.lr.filter(|_| self.inputs.is_empty()) else { return Ok(()) };
        write!(f, "; at learning rate {lr:.1e}, {}", advice(lr))?;
        match self.learns_numbers {
            true => write!(f, ", or a smaller scale of the labels"),
            false => Ok(()),
        }
    }
}
