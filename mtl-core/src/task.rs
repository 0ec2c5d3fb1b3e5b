//! Tasks: what is learned, said once.
//!
//! A [`TaskSet`] is the only place where a task is described. Heads, balancers, trainer, report, early stopping and
//! delta_m all read it, and all of them keep the user's order: a task's index in the set is its index everywhere
//! (rows of the Jacobian, entries of weights, bars on the terminal).

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    metric::MetricSpec,
};

/// A validated task name: it becomes part of parameter names (`heads.<task>.weight`) and of metric expressions
/// (`0.6*image.accuracy`), hence no dots, blanks or operators.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct TaskName(Arc<str>);

impl TaskName {
    /// Checks and wraps a name.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] unless the name starts with a letter and goes on with letters, digits, `_` or `-`.
    pub fn new(name: &str) -> Result<Self> {
        let valid = name.chars().next().is_some_and(char::is_alphabetic)
            && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if valid {
            return Ok(Self(name.into()));
        }
        Err(Error::InvalidConfig {
            what: "task",
            field: "name",
            expected: "a letter followed by letters, digits, '_' or '-'".into(),
            found: format!("{name:?}"),
        })
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TaskName {
    type Error = Error;
    fn try_from(name: String) -> Result<Self> {
        Self::new(&name)
    }
}

impl From<TaskName> for String {
    fn from(name: TaskName) -> Self {
        name.0.to_string()
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// One task.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its name.
    pub name: TaskName,
    /// What the user wants it to count, before any balancer speaks; > 0, default 1.
    pub weight: f64,
    /// The metric by which it is judged, if anything judges it; it brings its direction.
    pub primary: Option<MetricSpec>,
    /// Metrics that are computed for it beside the primary one and those of its head.
    pub also: Vec<MetricSpec>,
    /// The primary metric of a model trained on this task alone, if known: what delta_m compares with.
    pub baseline: Option<f64>,
}

impl Task {
    /// A task of weight 1 that no metric judges, without baseline.
    ///
    /// # Errors
    /// As [`TaskName::new`].
    pub fn new(name: &str) -> Result<Self> {
        Ok(Self { name: TaskName::new(name)?, weight: 1.0, primary: None, also: Vec::new(), baseline: None })
    }

    /// The same task, judged by a metric.
    #[must_use]
    pub fn judged_by(mut self, primary: MetricSpec) -> Self {
        self.primary = Some(primary);
        self
    }

    /// The metric by which the task is judged.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a task that none judges.
    pub fn metric(&self) -> Result<&MetricSpec> {
        self.primary.as_ref().ok_or_else(|| Error::InvalidConfig {
            what: "task",
            field: "primary",
            expected: format!("a metric for task {}", self.name),
            found: "none".into(),
        })
    }

    /// The same task with another weight.
    #[must_use]
    pub fn with_weight(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }

    /// The same task with a single-task baseline of its primary metric.
    #[must_use]
    pub fn with_baseline(mut self, baseline: f64) -> Self {
        self.baseline = Some(baseline);
        self
    }
}

/// The tasks of one model, in the user's order: at least one, names unique, weights positive and finite.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskSet(Vec<Task>);

impl TaskSet {
    /// Checks the tasks and keeps their order.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for an empty list or a weight that is not positive and finite;
    /// [`Error::Duplicate`] for a repeated name.
    pub fn new(tasks: Vec<Task>) -> Result<Self> {
        let refuse = |field, expected: &str, found: String| {
            Err(Error::InvalidConfig { what: "task set", field, expected: expected.into(), found })
        };
        if tasks.is_empty() {
            return refuse("tasks", "at least one task", "none".into());
        }
        for (idx, task) in tasks.iter().enumerate() {
            if tasks[..idx].iter().any(|t| t.name == task.name) {
                return Err(Error::Duplicate { what: "task", name: task.name.to_string() });
            }
            if !(task.weight > 0.0 && task.weight.is_finite()) {
                return refuse("weight", "positive and finite", format!("{} for task {}", task.weight, task.name));
            }
        }
        Ok(Self(tasks))
    }

    /// How many tasks there are: at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a task set is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The tasks in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Task> {
        self.0.iter()
    }

    /// The task at `task_idx`, if there is one.
    #[must_use]
    pub fn get(&self, task_idx: usize) -> Option<&Task> {
        self.0.get(task_idx)
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &TaskName> {
        self.0.iter().map(|t| &t.name)
    }

    /// The index of a task by name.
    ///
    /// # Errors
    /// [`Error::UnknownTask`], listing the known names.
    pub fn index_of(&self, name: &str) -> Result<usize> {
        self.0.iter().position(|t| t.name.as_str() == name).ok_or_else(|| Error::UnknownTask {
            name: name.to_owned(),
            known: self.names().map(ToString::to_string).collect(),
        })
    }

    /// The same error, the tasks in it called by their names: errors of the arithmetic below know only indices.
    #[must_use]
    pub fn named(&self, mut error: Error) -> Error {
        if let Error::NonFinite { tasks, .. } | Error::Unusable { tasks, .. } = &mut error {
            tasks.name_by(|t| self.get(t).map(|task| task.name.as_str()));
        }
        error
    }

    /// The set with only the task at `task_idx`: what a single-task baseline trains on.
    ///
    /// # Errors
    /// [`Error::UnknownTask`] when there is no such task.
    pub fn only(&self, task_idx: usize) -> Result<Self> {
        match self.0.get(task_idx) {
            Some(task) => Ok(Self(vec![task.clone()])),
            None => Err(Error::UnknownTask {
                name: format!("number {}", task_idx + 1),
                known: self.names().map(ToString::to_string).collect(),
            }),
        }
    }
}

impl<'a> IntoIterator for &'a TaskSet {
    type Item = &'a Task;
    type IntoIter = std::slice::Iter<'a, Task>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(name: &str) -> Task {
        Task::new(name).unwrap()
    }

    #[test]
    fn names_that_would_break_parameter_names_or_expressions_are_refused() {
        for bad in ["", "a.b", "a b", "1st", "a*b", "a/b"] {
            assert!(TaskName::new(bad).is_err(), "{bad:?}");
        }
        for good in ["income", "never-married", "slot_f1", "größe"] {
            assert_eq!(TaskName::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn a_set_keeps_order_and_refuses_what_it_must() {
        let set = TaskSet::new(vec![task("b"), task("a")]).unwrap();
        assert_eq!(set.names().map(TaskName::as_str).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(set.index_of("a").unwrap(), 1);
        assert_eq!(set.index_of("c").unwrap_err().to_string(), r#"unknown task "c", known tasks are b, a"#);
        assert_eq!(set.only(1).unwrap().names().next().unwrap().as_str(), "a");
        assert!(set.only(2).is_err());
        assert!(TaskSet::new(vec![]).unwrap_err().to_string().contains("at least one task"));
        assert!(TaskSet::new(vec![task("a"), task("a")]).unwrap_err().to_string().contains("twice"));
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(TaskSet::new(vec![task("a").with_weight(weight)]).is_err(), "{weight}");
        }
    }

    #[test]
    fn a_task_that_nothing_judges_says_so() {
        let e = task("age").metric().unwrap_err().to_string();
        assert_eq!(e, "task: primary must be a metric for task age, found none");
    }
}
