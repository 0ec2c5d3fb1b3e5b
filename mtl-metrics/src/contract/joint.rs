//! Metrics over several tasks of the same samples: one number of what heads of different tasks say about each sample.
//!
//! ```text
//! all-correct = #{samples right in every one of the tasks} / #{samples whose label is known in every one of them}
//! ```
//! Sentence accuracy of spoken commands is `all-correct` over intent and slots. An average of metrics (see
//! [`Composite`](crate::aggregate::Composite)) cannot tell it: 90 % and 90 % may be 80 % or 90 % of the samples.
//!
//! What is right the kind of answer says ([`right`](mtl_core::answer::AnswerKind::right)): the class, all yes/no labels, all tags
//! that are known, the whole sequence. Samples are joined by their ids, so that tasks may come in any order, and in batches of
//! their own. A sample whose label of one of the tasks is not known, or which that task has not, is left out and counted
//! ([`JointEntry::left_out`]). Samples with weights are refused.
//!
//! **State** three counts, and 40 bytes for each sample that not all tasks have come for yet; equal for equal data, however they
//! were split, ordered and merged, if each task judges a sample once. A sample that comes twice is refused while tasks are still to come
//! for it; after that it is a new one, since closed samples are not remembered.

use std::collections::BTreeMap;

use mtl_core::{
    Error, Result,
    answer::Answer,
    metric::{Direction, MetricName},
    task::TaskName,
};
use serde::{Deserialize, Serialize};

use crate::{
    input::MetricBatch,
    metric::{add_counts, refused},
    value::{MetricValue, OrReason},
};

/// What a metric over several tasks computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JointKind {
    /// The share of samples that are right in every task.
    #[default]
    AllCorrect,
}

/// A metric over several tasks, as a file says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JointConfig {
    /// What it is called in reports and in `train.selection`: lower-case letters, digits and `-`.
    pub name: String,
    /// What it computes; default `all-correct`, the share of samples that are right in every task.
    #[serde(default)]
    pub kind: JointKind,
    /// The tasks, at least two.
    #[schemars(with = "Vec<String>")]
    pub tasks: Vec<TaskName>,
}

impl JointConfig {
    /// Whether it can be computed for these tasks, which answer `answers`; their positions.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a name that is none, fewer than two tasks, or answers that are not right or wrong;
    /// [`Error::Duplicate`] for a task given twice; [`Error::UnknownTask`].
    pub fn positions(&self, tasks: &[&TaskName], answers: &[&Answer]) -> Result<Vec<usize>> {
        let refuse = |field, expected: String, found: String| {
            Err(Error::InvalidConfig { what: "joint metric", field, expected, found })
        };
        let reserved = ["skill", "mean"].contains(&self.name.as_str());
        let is_name =
            MetricName::new(&self.name).is_ok_and(|name| name.base() == self.name) && !self.name.contains(['.', '+']);
        if reserved || !is_name {
            let expected = "lower-case letters, digits and \"-\", and not skill or mean".into();
            return refuse("name", expected, format!("{:?}", self.name));
        }
        if !(2..=MOST_TASKS).contains(&self.tasks.len()) {
            return refuse("tasks", format!("2 to {MOST_TASKS}"), self.tasks.len().to_string());
        }
        let mut positions = Vec::with_capacity(self.tasks.len());
        for task in &self.tasks {
            let Some(at) = tasks.iter().position(|known| *known == task) else {
                let known = tasks.iter().map(ToString::to_string).collect();
                return Err(Error::UnknownTask { name: task.to_string(), known });
            };
            if positions.contains(&at) {
                return Err(Error::Duplicate { what: "task of a joint metric", name: task.to_string() });
            }
            if let Some(Err(reason)) = answers.get(at).map(|answer| answer.can_be_right()) {
                let expected = format!("tasks whose answers are right or wrong, for {}", self.name);
                return refuse("tasks", expected, format!("{task}: {reason}"));
            }
            positions.push(at);
        }
        Ok(positions)
    }
}

/// Bits of a mask.
const MOST_TASKS: usize = 64;

/// A metric over several tasks with its state.
#[derive(Debug, Clone)]
pub struct Joint {
    config: JointConfig,
    /// Of its tasks among those of the set.
    positions: Vec<usize>,
    counts: JointCounts,
}

/// One metric over several tasks in a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JointEntry {
    /// Its name.
    pub name: String,
    /// What it computes.
    pub kind: JointKind,
    /// Over which tasks.
    pub tasks: Vec<TaskName>,
    /// Which way is better.
    pub direction: Direction,
    /// Its value; support is the number of samples known in all of the tasks.
    pub outcome: MetricValue,
    /// Samples that are not known in all of them.
    pub left_out: u64,
}

impl Joint {
    pub(crate) fn new(config: &JointConfig, positions: Vec<usize>) -> Self {
        Self { config: config.clone(), positions, counts: JointCounts::default() }
    }

    /// As a file says it.
    #[must_use]
    pub fn config(&self) -> &JointConfig {
        &self.config
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Which way is better.
    #[must_use]
    pub fn direction(&self) -> Direction {
        match self.config.kind {
            JointKind::AllCorrect => Direction::Maximize,
        }
    }

    /// The values it can take.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        match self.config.kind {
            JointKind::AllCorrect => (0.0, 1.0),
        }
    }

    /// Folds in what the task at that position of the set says of a batch; other tasks than its own are nothing to it.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a batch without ids or with weights, as [`MetricBatch::right`]; [`Error::State`] for a sample
    /// that comes twice before all tasks have come for it. Nothing has changed then.
    pub fn update(&mut self, task: usize, batch: &MetricBatch<'_>) -> Result<()> {
        let Some(at) = self.positions.iter().position(|position| *position == task) else { return Ok(()) };
        let name = self.name().to_owned();
        let refuse = |field, expected: String, found: &str| {
            Err(Error::InvalidConfig { what: "joint metric", field, expected, found: found.to_owned() })
        };
        if batch.is_weighted() {
            let expected = format!("absent, {name} knows none (task {})", batch.task());
            return refuse("weights", expected, "sample weights");
        }
        let right = batch.right(&name)?;
        let Some(ids) = batch.ids() else {
            return refuse("ids", format!("given, one per sample ({name} of task {})", batch.task()), "none");
        };
        let mut counts = JointCounts::default();
        for (id, right) in ids.iter().zip(right) {
            counts.mark(*id, at, right).map_err(|reason| refused(&name, reason))?;
        }
        self.counts.join(&counts, self.config.tasks.len()).map_err(|reason| refused(&name, reason))
    }

    /// Takes over what another one has seen.
    ///
    /// # Errors
    /// [`Error::State`] for another metric, or a sample that both have seen of one task. Nothing has changed then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if other.config != self.config {
            return Err(refused(self.name(), format!("it belongs to metric {}", other.name())));
        }
        self.counts.join(&other.counts, self.config.tasks.len()).map_err(|reason| refused(self.name(), reason))
    }

    /// The value for everything seen so far.
    #[must_use]
    pub fn compute(&self) -> JointEntry {
        let counts = &self.counts;
        let outcome = match counts.known {
            0 => {
                let tasks: Vec<&str> = self.config.tasks.iter().map(TaskName::as_str).collect();
                MetricValue::undefined(format!("no sample has labels of all of {}", tasks.join(", ")), 0)
            }
            known => MetricValue::ratio(counts.right as f64, known),
        };
        JointEntry {
            name: self.config.name.clone(),
            kind: self.config.kind,
            tasks: self.config.tasks.clone(),
            direction: self.direction(),
            outcome,
            left_out: counts.left_out + counts.open.len() as u64,
        }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.counts = JointCounts::default();
    }

    pub(crate) fn state(&self) -> Result<Vec<u8>> {
        postcard::to_stdvec(&self.counts).map_err(|e| refused(self.name(), e.to_string()))
    }

    pub(crate) fn merge_state(&mut self, bytes: &[u8]) -> Result<()> {
        let counts: JointCounts =
            postcard::from_bytes(bytes).map_err(|_| refused(self.name(), "the bytes are damaged"))?;
        counts.check().map_err(|reason| refused(self.name(), reason))?;
        self.counts.join(&counts, self.config.tasks.len()).map_err(|reason| refused(self.name(), reason))
    }
}

/// What is known of samples.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct JointCounts {
    /// Samples that are right in all tasks.
    right: u64,
    /// Samples that are known in all tasks.
    known: u64,
    /// Samples that came for all tasks and are not known in one of them.
    left_out: u64,
    /// Samples for which not all tasks have come, by id.
    open: BTreeMap<u64, Marks>,
}

/// A bit a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Marks {
    seen: u64,
    known: u64,
    right: u64,
}

impl JointCounts {
    fn mark(&mut self, id: u64, task: usize, right: Option<bool>) -> OrReason<()> {
        let bit = 1 << task;
        let marks = Marks {
            seen: bit,
            known: if right.is_some() { bit } else { 0 },
            right: if right == Some(true) { bit } else { 0 },
        };
        match self.open.insert(id, marks) {
            None => Ok(()),
            Some(_) => Err(twice(id)),
        }
    }

    /// Takes over what others know of samples of `n_tasks` tasks, and closes those that all have come for.
    fn join(&mut self, other: &Self, n_tasks: usize) -> OrReason<()> {
        let all = if n_tasks >= MOST_TASKS { u64::MAX } else { (1 << n_tasks) - 1 };
        for (id, theirs) in &other.open {
            if theirs.seen & !all != 0 {
                return Err("it has more tasks".into());
            }
            if self.open.get(id).is_some_and(|ours| ours.seen & theirs.seen != 0) {
                return Err(twice(*id));
            }
        }
        let mut counts = [self.right, self.known, self.left_out];
        add_counts(&mut counts, &[other.right, other.known, other.left_out])?;
        [self.right, self.known, self.left_out] = counts;
        for (id, theirs) in &other.open {
            let ours = self.open.entry(*id).or_default();
            ours.seen |= theirs.seen;
            ours.known |= theirs.known;
            ours.right |= theirs.right;
            let marks = *ours;
            if marks.seen == all {
                self.open.remove(id);
                let known = marks.known == all;
                self.known += u64::from(known);
                self.right += u64::from(known && marks.right == all);
                self.left_out += u64::from(!known);
            }
        }
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let fits = |marks: &Marks| marks.right & !marks.known == 0 && marks.known & !marks.seen == 0 && marks.seen != 0;
        let whole = self.right <= self.known && self.open.values().all(fits);
        if whole { Ok(()) } else { Err("its counts contradict each other".into()) }
    }
}

fn twice(id: u64) -> String {
    format!("sample {id} was judged twice for one task")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{
        answer::Labels,
        prediction::{Prediction, Reference, Scores},
    };
    use ndarray::array;

    fn answers() -> [Answer; 3] {
        [Answer::class(["a", "b"]), Answer::values(["x"]), Answer::sequence(["u", "v"])]
    }

    fn joint() -> Joint {
        let names = ["intent", "age", "slots"].map(|name| TaskName::new(name).unwrap());
        let config = JointConfig {
            name: "sentence-accuracy".into(),
            kind: JointKind::AllCorrect,
            tasks: vec![names[0].clone(), names[2].clone()],
        };
        let answers = answers();
        let positions = config.positions(&names.each_ref(), &answers.each_ref()).unwrap();
        assert_eq!(positions, [0, 2]);
        Joint::new(&config, positions)
    }

    /// Intents of samples 3, 5, 7, 9: right, wrong, right, not known.
    fn intents(joint: &mut Joint, ids: &[u64]) -> Result<()> {
        let scores = array![[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.5, 0.5]];
        let said = Prediction::Class { scores, kind: Scores::Probs };
        joint.update(
            0,
            &MetricBatch::new(&said, &Reference::Class(vec![0, 1, 1, -100])).of_answer(&answers()[0]).with_ids(ids),
        )
    }

    /// Slots of the samples in another order: right, right, wrong, right.
    fn slots(joint: &mut Joint, ids: &[u64]) -> Result<()> {
        let said = Prediction::Sequence { tokens: Labels::lists(&[vec![0], vec![1, 1], vec![], vec![0, 1]]) };
        let truth = Reference::Sequence(Labels::lists(&[vec![0], vec![1, 1], vec![0], vec![0, 1]]));
        joint.update(2, &MetricBatch::new(&said, &truth).of_answer(&answers()[2]).with_ids(ids))
    }

    #[test]
    fn samples_are_joined_by_id_whatever_comes_first() {
        let (mut one, mut two) = (joint(), joint());
        intents(&mut one, &[3, 5, 7, 9]).unwrap();
        slots(&mut one, &[5, 3, 7, 9]).unwrap();
        slots(&mut two, &[5, 3, 7, 9]).unwrap();
        intents(&mut two, &[3, 5, 7, 9]).unwrap();
        // 3 is right in both, 5 and 7 in one each, 9 has no intent.
        for joint in [&one, &two] {
            let entry = joint.compute();
            assert_eq!((entry.outcome.value, entry.outcome.support, entry.left_out), (Some(1.0 / 3.0), 3, 1));
        }
        assert_eq!(one.state().unwrap(), two.state().unwrap());
        // Split over machines by task.
        let (mut left, mut right) = (joint(), joint());
        intents(&mut left, &[3, 5, 7, 9]).unwrap();
        slots(&mut right, &[5, 3, 7, 9]).unwrap();
        assert_eq!(left.compute().left_out, 4);
        left.merge_state(&right.state().unwrap()).unwrap();
        assert_eq!(left.compute(), one.compute());
    }

    #[test]
    fn what_cannot_be_joined_is_said() {
        let mut joint = joint();
        let e = joint.compute().outcome.get().unwrap_err().to_owned();
        assert_eq!(e, "no sample has labels of all of intent, slots");
        intents(&mut joint, &[3, 5, 7, 9]).unwrap();
        let before = joint.state().unwrap();
        let e = intents(&mut joint, &[1, 2, 4, 9]).unwrap_err().to_string();
        assert!(e.contains("sample 9 was judged twice for one task"), "{e}");
        assert_eq!(joint.state().unwrap(), before);
        let said = Prediction::Class { scores: array![[0.9, 0.1]], kind: Scores::Probs };
        let (truth, answers) = (Reference::Class(vec![0]), answers());
        let batch = MetricBatch::new(&said, &truth).of_answer(&answers[0]).of_task("intent");
        assert!(joint.update(0, &batch).unwrap_err().to_string().contains("ids must be given"));
        assert!(
            joint.update(0, &batch.with_weights(&[1.0])).unwrap_err().to_string().contains("knows none (task intent)")
        );
        joint.update(1, &batch).unwrap(); // a task of the set that it is not about
        assert!(joint.merge_state(&[1, 0, 0, 0]).is_err(), "more right than known");
    }

    #[test]
    fn a_file_may_name_what_can_be_right() {
        let names = ["intent", "age", "slots"].map(|name| TaskName::new(name).unwrap());
        let answers = answers();
        let refused = |name: &str, tasks: &[usize]| {
            let tasks = tasks.iter().map(|&task| names[task].clone()).collect();
            let config = JointConfig { name: name.into(), kind: JointKind::AllCorrect, tasks };
            config.positions(&names.each_ref(), &answers.each_ref()).unwrap_err().to_string()
        };
        let e = refused("all", &[0, 1]);
        assert!(e.ends_with("found age: numbers are near or far, not right or wrong"), "{e}");
        assert!(refused("all", &[0]).contains("tasks must be 2 to 64, found 1"));
        assert!(refused("all", &[0, 0]).contains("twice"));
        for name in ["skill", "All", "a@b", "a.b"] {
            assert!(refused(name, &[0, 2]).contains("name must be"), "{name}");
        }
    }
}
