//! The one error type of the tensor crates (core, attention, heads, metrics).
//!
//! Their failures are the same few, so they share one enum whose variants carry what a reader needs to act:
//! who failed (`op`, `task`, `what`), what was expected, what was found. `Display` is always one line; libtorch's
//! own text runs to dozens of lines of C++ frames, of which only the first is shown, the rest kept as `source`.

#[cfg(feature = "torch")]
mod torch;

use std::fmt;

#[cfg(feature = "torch")]
pub use torch::TorchContext;

/// Result with [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in the tensor crates.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting outside its allowed values.
    #[error("{what}: {field} must be {expected}, found {found}")]
    InvalidConfig {
        /// The thing being configured, such as `upgrad`.
        what: &'static str,
        /// The name of the setting.
        field: &'static str,
        /// The allowed values, in words.
        expected: String,
        /// The value given.
        found: String,
    },
    /// A tensor or array of the wrong shape.
    #[error("{op}: {tensor} must be {expected}, found {found:?}")]
    Shape {
        /// The operation that checked.
        op: String,
        /// The argument's name.
        tensor: &'static str,
        /// The expected shape, in words, such as `[b, 3]`.
        expected: String,
        /// The shape given.
        found: Vec<i64>,
    },
    /// A tensor of the wrong element kind.
    #[error("{op}: {tensor} must be of kind {expected}, found {found}")]
    Kind {
        /// The operation that checked.
        op: String,
        /// The argument's name.
        tensor: &'static str,
        /// The expected kind, in words.
        expected: &'static str,
        /// The kind given.
        found: String,
    },
    /// A value outside its range, found in data that a user gave.
    #[error("task {task}: {what} must be {expected}, found {found} (sample {sample})")]
    Label {
        /// The task whose target is wrong.
        task: String,
        /// What was checked, such as `label`.
        what: &'static str,
        /// The allowed values, in words.
        expected: String,
        /// The value found.
        found: String,
        /// Position of the sample in its batch, or its id where ids are known.
        sample: u64,
    },
    /// An input that is not what a model or a data set says.
    #[error("input {input}: {what} must be {expected}, found {found}")]
    Input {
        /// The input's name.
        input: String,
        /// What was checked, such as `values`.
        what: &'static str,
        /// The allowed values, in words.
        expected: String,
        /// The value found.
        found: String,
    },
    /// A name that no task bears.
    #[error("unknown task {name:?}, known tasks are {}", list(.known))]
    UnknownTask {
        /// The name asked for.
        name: String,
        /// The names there are, in order.
        known: Vec<String>,
    },
    /// A name that is not in the set of names allowed for it: inputs, parameters, methods.
    #[error("unknown {what} {name:?}, known are {}", list(.known))]
    UnknownName {
        /// The kind of thing, such as `balancer`.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A name used twice where names identify.
    #[error("{what} {name:?} is given twice")]
    Duplicate {
        /// The kind of thing, such as `task`.
        what: &'static str,
        /// The repeated name.
        name: String,
    },
    /// NaN or infinity where a finite number is needed.
    #[error("{what} of {tasks} is not finite ({value})")]
    NonFinite {
        /// The quantity, such as `loss`.
        what: &'static str,
        /// The task it belongs to, or those of which one must be it.
        tasks: WhichTasks,
        /// The value found.
        value: f64,
    },
    /// A number of a task that a method cannot work with.
    #[error("{method}: {what} of {tasks} must be {expected}, found {value:e}")]
    Unusable {
        /// The method, such as `log`.
        method: &'static str,
        /// The quantity, such as `loss`.
        what: &'static str,
        /// The task it belongs to.
        tasks: WhichTasks,
        /// The allowed values, in words.
        expected: &'static str,
        /// The value found.
        value: f64,
    },
    /// A batch too small to be normalized over.
    #[error(
        "{layer}: batch normalization needs more than one value per channel in training, found one: the batch has a single \
             sample; set batch_size so that none is left alone"
    )]
    SingleValue {
        /// The layer.
        layer: String,
    },
    /// A solver gave up.
    #[error("{method}: no solution after {iterations} iterations, residual {residual:.3e}")]
    Solver {
        /// The method.
        method: &'static str,
        /// Iterations spent.
        iterations: usize,
        /// The optimality residual reached, relative to the problem's scale.
        residual: f64,
    },
    /// Saved state that does not fit what it is loaded into.
    #[error("{what}: saved state does not fit: {reason}")]
    State {
        /// What was being loaded, such as `parameters`.
        what: String,
        /// All differences, in one line.
        reason: String,
    },
    /// An expression or a text that does not parse.
    #[error("{what}: {message} at column {column} of {text:?}")]
    Parse {
        /// What was being parsed, such as `composite metric`.
        what: &'static str,
        /// The complaint.
        message: String,
        /// Column, counted from 1.
        column: usize,
        /// The text.
        text: String,
    },
    /// Something wrong in a part of the settings at hand; what is wrong there says the error inside, in the same words.
    #[error("{source}")]
    Inside {
        /// Where the part stands in the settings: `weigh`, `groups[1]`, `format`.
        path: String,
        /// What is wrong in it.
        source: Box<Error>,
    },
    /// Ranks that cannot go on together.
    #[error("ranks: {reason}")]
    Ranks {
        /// Why not.
        reason: String,
    },
    /// libtorch refused.
    #[error("{op}: {source}")]
    Torch {
        /// The operation of ours that was running.
        op: String,
        /// What libtorch said.
        source: TorchMessage,
    },
}

impl Error {
    /// The same error, of settings one level up, in which those that it is about stand under `key` (`weigh`, `groups[1]`): so an
    /// error collects its address on the way up, and nobody has to look for the key in its words.
    #[must_use]
    pub fn inside(self, key: impl fmt::Display) -> Self {
        match self {
            Self::Inside { path, source } => Self::Inside { path: format!("{key}.{path}"), source },
            source => Self::Inside { path: key.to_string(), source: Box::new(source) },
        }
    }

    /// The part of the settings that it is about, empty for these themselves, and what is wrong there.
    #[must_use]
    pub fn located(&self) -> (&str, &Self) {
        match self {
            Self::Inside { path, source } => (path, source),
            here => ("", here),
        }
    }
}

/// The tasks that an error is about: by index where it arises, by name once [`TaskSet::named`](crate::task::TaskSet::named) has
/// seen it, which the step engine sees to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhichTasks {
    indices: Vec<usize>,
    names: Vec<String>,
}

impl WhichTasks {
    /// The tasks at these indices of their set.
    #[must_use]
    pub fn at(indices: impl Into<Vec<usize>>) -> Self {
        Self { indices: indices.into(), names: Vec::new() }
    }

    /// A task by name, where its index means nothing.
    pub fn by_name(name: impl Into<String>) -> Self {
        Self { indices: Vec::new(), names: vec![name.into()] }
    }

    /// The indices.
    #[must_use]
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// Their names, joined by `or`; their numbers, from 1, before they have names.
    #[must_use]
    pub fn names(&self) -> String {
        match self.names.is_empty() {
            false => self.names.join(" or "),
            true => self.indices.iter().map(|t| format!("number {}", t + 1)).collect::<Vec<_>>().join(" or "),
        }
    }

    /// The same tasks, those of the rows of a matrix whose rows belong to `tasks` in turn.
    #[must_use]
    pub(crate) fn of_rows(self, tasks: &[usize]) -> Self {
        let task = |row: &usize| tasks.get(row % tasks.len().max(1)).copied().unwrap_or(*row);
        Self::at(self.indices.iter().map(task).collect::<Vec<_>>())
    }

    pub(crate) fn name_by<'a>(&mut self, name: impl Fn(usize) -> Option<&'a str>) {
        if self.names.is_empty() {
            self.names = self.indices.iter().filter_map(|&t| name(t)).map(str::to_owned).collect();
        }
    }
}

impl fmt::Display for WhichTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.names())
    }
}

/// The text of a libtorch exception: one line for people, all of it for debugging.
#[derive(Debug)]
pub struct TorchMessage {
    full: String,
}

impl TorchMessage {
    /// Wraps the text of an exception.
    #[must_use]
    pub fn new(full: impl Into<String>) -> Self {
        Self { full: full.into() }
    }

    /// The whole text, C++ frames included.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.full
    }
}

impl fmt::Display for TorchMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.full.lines().map(str::trim).find(|line| !line.is_empty());
        f.write_str(first.unwrap_or("libtorch gave no message"))
    }
}

impl std::error::Error for TorchMessage {}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Task, TaskSet};

    #[test]
    fn tasks_have_numbers_until_they_have_names() {
        let set = TaskSet::new(vec![Task::new("side").unwrap(), Task::new("amount").unwrap()]);
        let set = set.unwrap();
        let e = Error::NonFinite { what: "loss", tasks: WhichTasks::at([1]), value: f64::NAN };
        assert_eq!(e.to_string(), "loss of task number 2 is not finite (NaN)");
        assert_eq!(set.named(e).to_string(), "loss of task amount is not finite (NaN)");
        let e = Error::NonFinite { what: "gradient", tasks: WhichTasks::at([0, 1]), value: f64::INFINITY };
        assert_eq!(set.named(e).to_string(), "gradient of task side or amount is not finite (inf)");
        let unusable = Error::Unusable {
            method: "log",
            what: "loss",
            tasks: WhichTasks::at([0, 5]).of_rows(&[1]),
            expected: "at least 0, as this method takes its logarithm",
            value: -0.5,
        };
        assert_eq!(
            set.named(unusable).to_string(),
            "log: loss of task amount or amount must be at least 0, as this method takes its logarithm, found -5e-1"
        );
    }

    #[test]
    fn an_error_collects_its_address_on_the_way_up() {
        let refused =
            || Error::InvalidConfig { what: "cagrad", field: "c", expected: ">= 0".into(), found: "-1".into() };
        let e = refused().inside("weigh").inside("methods[1]");
        let (path, cause) = e.located();
        assert_eq!((path, cause.to_string()), ("methods[1].weigh", refused().to_string()));
        assert_eq!((e.to_string(), refused().located().0), (refused().to_string(), ""));
    }

    #[test]
    fn unknown_names_list_what_is_known() {
        let e = Error::UnknownTask { name: "incme".into(), known: vec!["income".into(), "marital".into()] };
        assert_eq!(e.to_string(), r#"unknown task "incme", known tasks are income, marital"#);
    }
}
