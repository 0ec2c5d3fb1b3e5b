//! What `data.py`, `peers.py` and `mtl predict` leave behind, as scoring reads it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `truth.json`: the tasks of a set, split by one seed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Truth {
    /// In the order of the table's columns.
    pub(super) tasks: Vec<Task>,
    /// Where each test row stands in the whole table.
    pub(super) test_rows: Vec<usize>,
}

/// A task with its labels; `None` where a row has none.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Task {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) kind: Kind,
    pub(super) validation: Vec<Option<f64>>,
    pub(super) test: Vec<Option<f64>>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Kind {
    /// Labels are 1 for `positive`, else 0.
    YesNo { positive: String },
    /// Numbers, with the mean of the training labels.
    Number { mean: f64 },
    /// Labels are places in this list.
    Classes { classes: Vec<String> },
}

/// Answers for every row of a part.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Answers {
    /// Numbers, or probabilities of yes.
    One(Vec<f64>),
    /// Probabilities of each class.
    Classes(Vec<Vec<f64>>),
}

/// A line of what `peers.py` writes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct PeerLine {
    pub(super) task: String,
    pub(super) peer: String,
    pub(super) seconds: f64,
    pub(super) validation: Answers,
    pub(super) test: Answers,
}

/// What `mtl predict` says of one task of one row: either, by what the run took the column for.
#[derive(Debug, Deserialize)]
struct Said {
    #[serde(default)]
    values: BTreeMap<String, f64>,
    #[serde(default)]
    probabilities: BTreeMap<String, f64>,
}

impl Answers {
    /// Our answers to `task` from the lines of `mtl predict --format jsonl`.
    ///
    /// Where a column of few whole numbers was taken for classes or grades, the number is their mean under the answer.
    pub(super) fn ours(lines: &[BTreeMap<String, Value>], task: &Task) -> Result<Self> {
        let rows = lines.iter().map(|line| {
            let said = line.get(&task.name).with_context(|| format!("no answer for {}", task.name))?;
            Said::deserialize(said).with_context(|| format!("not an answer: {said}"))
        });
        let rows = rows.collect::<Result<Vec<Said>>>()?;
        let one = |of: &dyn Fn(&Said) -> Result<f64>| Ok(Self::One(rows.iter().map(of).collect::<Result<_>>()?));
        match &task.kind {
            Kind::YesNo { positive } => one(&|said| said.yes(positive)),
            Kind::Number { .. } => one(&Said::number),
            Kind::Classes { classes } => {
                let of = |said: &Said, class| said.probabilities.get(class).copied().unwrap_or(0.0);
                Ok(Self::Classes(
                    rows.iter().map(|said| classes.iter().map(|class| of(said, class)).collect()).collect(),
                ))
            }
        }
    }

    /// How many rows were answered.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(values) => values.len(),
            Self::Classes(rows) => rows.len(),
        }
    }
}

impl Said {
    fn value(&self) -> Option<f64> {
        self.values.values().next().copied()
    }

    /// The probability of yes; by that of no where only this is said.
    fn yes(&self, positive: &str) -> Result<f64> {
        let no = || self.probabilities.values().next().map(|no| 1.0 - no).filter(|_| self.probabilities.len() == 1);
        let yes = self.probabilities.get(positive).copied().or_else(no).or_else(|| self.value());
        yes.with_context(|| format!("no probability of {positive:?} in {self:?}"))
    }

    fn number(&self) -> Result<f64> {
        let mean = || -> Option<f64> {
            self.probabilities.iter().map(|(number, p)| Some(p * number.parse::<f64>().ok()?)).sum()
        };
        self.value()
            .or_else(|| mean().filter(|_| !self.probabilities.is_empty()))
            .with_context(|| format!("no number in {self:?}"))
    }
}

/// The file's JSON.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))
}

/// The file's JSON lines.
pub(super) fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<T>, _>>();
    lines.with_context(|| format!("cannot understand {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_answers_are_read_as_what_was_asked() {
        let truth = r#"{"test_rows": [3], "tasks": [
            {"name": "a", "kind": "yes-no", "positive": "1", "validation": [1.0, null], "test": [0.0]},
            {"name": "b", "kind": "number", "mean": 0.5, "validation": [], "test": [2.0]},
            {"name": "c", "kind": "classes", "classes": ["x", "y"], "validation": [], "test": [1.0]}]}"#;
        let truth: Truth = serde_json::from_str(truth).unwrap();
        assert_eq!(truth.tasks[0].validation, [Some(1.0), None]);
        let ours = |line: &str, at: usize| {
            Answers::ours(&[serde_json::from_str(line).unwrap()], &truth.tasks[at]).map_err(|e| e.to_string())
        };
        let one = |value| Ok(Answers::One(vec![value]));
        assert_eq!(ours(r#"{"row": 0, "a": {"probabilities": {"1": 0.75}}}"#, 0), one(0.75));
        assert_eq!(ours(r#"{"a": {"probabilities": {"0": 0.75}}}"#, 0), one(0.25));
        assert_eq!(ours(r#"{"b": {"values": {"b": 1.5}}}"#, 1), one(1.5));
        assert_eq!(ours(r#"{"b": {"class": "0", "probabilities": {"-1": 0.25, "2": 0.75}}}"#, 1), one(1.25));
        assert_eq!(
            ours(r#"{"c": {"class": "y", "probabilities": {"y": 1.0}}}"#, 2),
            Ok(Answers::Classes(vec![vec![0.0, 1.0]]))
        );
        assert_eq!(ours("{}", 2), Err("no answer for c".to_owned()));
        assert!(ours(r#"{"b": {"probabilities": {}}}"#, 1).is_err());
    }
}
