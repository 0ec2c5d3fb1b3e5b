//! The one error type of the tensor crates (core, attention, heads, metrics).
//!
//! Their failures are the same few, so they share one enum whose variants carry what a reader needs to act:
//! who failed (`op`, `task`, `what`), what was expected, what was found. `Display` is always one line; libtorch's
//! own text runs to dozens of lines of C++ frames, of which only the first is shown, the rest kept as `source`.

use std::fmt;

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
    #[error("{op}: {tensor} must be of kind {expected}, found {found:?}")]
    Kind {
        /// The operation that checked.
        op: String,
        /// The argument's name.
        tensor: &'static str,
        /// The expected kind, in words.
        expected: &'static str,
        /// The kind given.
        found: tch::Kind,
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
    #[error("{what} of task {task} is not finite ({value})")]
    NonFinite {
        /// The quantity, such as `loss`.
        what: &'static str,
        /// The task it belongs to.
        task: String,
        /// The value found.
        value: f64,
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
    /// libtorch refused.
    #[error("{op}: {source}")]
    Torch {
        /// The operation of ours that was running.
        op: String,
        /// What libtorch said.
        source: TorchMessage,
    },
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

impl Error {
    /// Names the operation of ours during which libtorch failed.
    pub fn torch(op: impl Into<String>, source: &tch::TchError) -> Self {
        // tch wraps the C++ text in its own prefix; the text is what helps.
        let full = match source {
            tch::TchError::Torch(text) => text.clone(),
            other => other.to_string(),
        };
        Self::Torch { op: op.into(), source: TorchMessage::new(full) }
    }
}

/// Adds the operation's name to a libtorch failure: `xs.f_matmul(&w).op("linear enc.0")?`.
pub trait TorchContext<T> {
    /// Converts the error, naming `op`.
    ///
    /// # Errors
    /// [`Error::Torch`] when `self` is an error.
    fn op(self, op: impl Into<String>) -> Result<T>;
}

impl<T> TorchContext<T> for std::result::Result<T, tch::TchError> {
    fn op(self, op: impl Into<String>) -> Result<T> {
        self.map_err(|e| Error::torch(op, &e))
    }
}

impl From<tch::TchError> for Error {
    fn from(e: tch::TchError) -> Self {
        Self::torch("libtorch", &e)
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtorch_text_becomes_one_line_and_is_kept_whole() {
        let e = tch::Tensor::zeros([2, 3], tch::kind::FLOAT_CPU)
            .f_matmul(&tch::Tensor::zeros([2, 3], tch::kind::FLOAT_CPU))
            .op("linear enc.0")
            .unwrap_err();
        let shown = e.to_string();
        assert!(shown.starts_with("linear enc.0: "), "{shown}");
        assert_eq!(shown.lines().count(), 1, "{shown}");
        let Error::Torch { source, .. } = e else { panic!("wrong variant") };
        assert!(source.full().lines().count() > 1);
    }

    #[test]
    fn unknown_names_list_what_is_known() {
        let e = Error::UnknownTask { name: "incme".into(), known: vec!["income".into(), "marital".into()] };
        assert_eq!(e.to_string(), r#"unknown task "incme", known tasks are income, marital"#);
    }
}
