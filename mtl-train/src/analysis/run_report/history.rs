//! A run's log, read back.

use std::{fs, path::Path};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    error::{Error, Result},
    monitor::runlog::RunFacts,
    train::trainer::EpochSummary,
};

/// What happened in a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Its circumstances.
    pub facts: RunFacts,
    /// The logged steps.
    pub steps: Vec<StepLine>,
    /// The epochs.
    pub epochs: Vec<EpochSummary>,
    /// The most memory held, in bytes; `None` while it runs, and where the system does not tell.
    pub peak_memory: Option<u64>,
}

/// A logged step.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct StepLine {
    /// The step, from 0.
    pub step: u64,
    /// Its epoch, from 0.
    pub epoch: u64,
    /// Learning rate.
    pub lr: f64,
    /// 2-norm of all gradients before clipping.
    pub gradient_norm: Option<f64>,
    /// Loss per task.
    pub losses: Vec<Option<f64>>,
    /// Balancer weight per task.
    pub weights: Vec<Option<f64>>,
    /// The tasks behind the rows of `cosines`.
    pub active: Vec<usize>,
    /// Cosines of the active tasks' gradients; empty without a Gramian.
    pub cosines: Vec<Vec<Option<f64>>>,
}

impl StepLine {
    /// The cosine of two tasks' gradients, where the step has it.
    #[must_use]
    pub fn cosine(&self, a: usize, b: usize) -> Option<f64> {
        let row = |task| self.active.iter().position(|t| *t == task);
        *self.cosines.get(row(a)?)?.get(row(b)?)?
    }
}

impl History {
    /// Reads a log. Lines that are torn or of an unknown type are passed over.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|e| Error::io(path, "cannot read log", e))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut history = Self::default();
        for line in text.lines() {
            let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
            match value["type"].as_str() {
                Some("run") => history.facts = serde_json::from_value(value).unwrap_or_default(),
                Some("step") => history.steps.extend(serde_json::from_value::<StepLine>(value)),
                Some("epoch") => history.epochs.extend(serde_json::from_value::<EpochSummary>(value)),
                Some("end") => history.peak_memory = value["peak_memory"].as_u64(),
                _ => {}
            }
        }
        history
    }

    /// What a round is called: an epoch, unless validation comes more or less often.
    pub(super) fn noun(&self) -> &'static str {
        self.epochs.first().map_or("epoch", |epoch| epoch.every.noun())
    }

    /// The best epoch so far.
    #[must_use]
    pub fn best(&self) -> Option<&EpochSummary> {
        self.epochs.iter().rfind(|e| e.is_best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_torn_ones_passed_over() {
        let text = concat!(
            "{\"type\":\"run\",\"seed\":3,\"tasks\":[\"a\",\"b\",\"c\"]}\n",
            "{\"type\":\"step\",\"step\":10,\"epoch\":0,\"lr\":0.1,\"gradient_norm\":null,\"losses\":[0.5,null,1.0],",
            "\"weights\":[1.0,0.0,2.0],\"active\":[0,2],\"cosines\":[[1.0,-0.5],[-0.5,1.0]]}\n",
            "{\"type\":\"end\",\"peak_memory\":4096}\n{\"type\":\"st",
        );
        let history = History::parse(text);
        assert_eq!((history.facts.seed, history.facts.tasks.len(), history.peak_memory), (3, 3, Some(4096)));
        let step = &history.steps[0];
        assert_eq!((step.cosine(0, 2), step.cosine(0, 1), step.losses[1]), (Some(-0.5), None, None));
        assert!(history.best().is_none());
    }
}
