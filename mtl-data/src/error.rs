//! The error type of the data crate: what core's error says, plus the file, the line and the column.
//!
//! Every message is one line that starts with the place (`train.csv:17: column "age": ..`, which editors and terminals
//! turn into a link) and goes on with what was expected and what was found. Text from a file is shown quoted, escaped
//! and cut to a readable length, so that a broken file cannot break the message.

use std::path::{Path, PathBuf};

/// Result with [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong while data is read, split, sampled or batched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be opened or read.
    #[error("{}: cannot read: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of a known data set that is not there.
    #[error("{}: expected a file of data set {dataset}, found none (fetch it with `cargo xtask data {dataset}`, or set dir)",
        .path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
        /// The data set.
        dataset: &'static str,
    },
    /// A file that is not what it was when a run learned from it.
    #[error("{}: content changed since the run was trained ({what}); restore the file, or train a new run{or}", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What differs, in words.
        what: String,
        /// What else can be done, after a comma; may be empty.
        or: String,
    },
    /// A file that a run learned from and that is not there any more.
    #[error("{}: the run was trained on this file, and it is gone; put it back, or say where it is (data.dir, --data-dir)",
        .path.display())]
    Gone {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Splits that are not those of the run: it was trained on a fold, or by a program that cuts otherwise.
    #[error(
        "splits: the run's were cut {expected} (train/validation/test), the same data are cut {found}: it was trained on \
        a fold of a cross-validation, or by another version of this program"
    )]
    Cut {
        /// The sizes that the run had.
        expected: String,
        /// The sizes now.
        found: String,
    },
    /// A file that is something else than a table in text.
    #[error("{}: expected a table in text, found {found}; {advice}", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What to do.
        advice: String,
    },
    /// Bytes that are no letters in the file's encoding.
    #[error("{}:{line}: expected text in {encoding}, found bytes that are none (another encoding under [data.format]?)",
        .path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The encoding's name.
        encoding: String,
    },
    /// A setting of the schema that cannot be used.
    #[error("{place} must be {expected}, found {found}")]
    Setting {
        /// Where it stands in the settings of the data set, such as `schema.columns[3].name`.
        place: String,
        /// What it may be, in words.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A file without a single row of data.
    #[error("{}: expected at least one row of data, found none", .path.display())]
    NoRows {
        /// The file.
        path: PathBuf,
    },
    /// A column of weights by which no row counts.
    #[error("{}: column {column:?}: expected a weight above 0 in the {part}, found none", .path.display())]
    NoWeight {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Where none counts: the file, or the part of it that trains.
        part: &'static str,
    },
    /// A row with too few or too many fields.
    #[error("{}:{line}: expected {expected} columns, found {found}{advice}", .path.display())]
    ColumnCount {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The number of columns of the schema or of the header.
        expected: usize,
        /// The number of fields in the row.
        found: usize,
        /// What to do, after a semicolon; may be empty.
        advice: String,
    },
    /// A stream that is not the one that was read before, or not any more.
    #[error("{}: expected {expected}, found {found}", .path.display())]
    Stream {
        /// The file, or `-` for the standard input.
        path: PathBuf,
        /// What it must hold, in words.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// A line without anything among the rows to answer.
    #[error("{}:{line}: expected {expected} columns, found an empty line (every line is a row, or answers would not stand \
        beside their lines)", .path.display())]
    EmptyLine {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The number of columns.
        expected: usize,
    },
    /// A line that does not hold what it must.
    #[error("{}:{line}: expected {expected}, found {found}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What it must hold, in words.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// A file of one's own that is not there.
    #[error("{}: there is no such file (where are the data? data.dir, --data-dir, or MTL_DATA_DIR for the folder above them)",
        .path.display())]
    Absent {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A column of the schema that the file's header does not have.
    #[error("{}:1: expected a column named {column:?}, found {}{advice}", .path.display(), list(.found))]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// The names in the header.
        found: Vec<String>,
        /// What to do, after a semicolon; may be empty.
        advice: String,
    },
    /// A field that its column cannot hold: a number that does not parse, a stray quote, bytes that are not text.
    #[error("{}:{line}: column {column:?}: expected {expected}, found {found}", .path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What the column takes, in words.
        expected: String,
        /// What the field holds, quoted.
        found: String,
    },
    /// A label that its task does not have.
    #[error("{}:{line}: column {column:?}: label {} of task {task} is none of {}; {advice}",
        .path.display(), quoted(.label), list(.known))]
    UnknownLabel {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The column's name.
        column: Box<str>,
        /// The task of that column.
        task: Box<str>,
        /// The label found.
        label: Box<str>,
        /// The labels of the task.
        known: Vec<String>,
        /// Where those come from, and how to go on.
        advice: Box<str>,
    },
    /// A label outside the range of its task's classes, in a file of numbers.
    #[error("{}: item {item}: label of task {task} must be in 0..{n_classes}, found {found}", .path.display())]
    LabelRange {
        /// The file.
        path: PathBuf,
        /// Position of the label in the file, counted from 0.
        item: u64,
        /// The task.
        task: String,
        /// The number of classes.
        n_classes: usize,
        /// The label found.
        found: i64,
    },
    /// A task without a single known label in the training split.
    #[error("{}: task {task}: expected at least one known label in column {column:?} of the training split, found none",
        .path.display())]
    EmptyTask {
        /// The training file.
        path: PathBuf,
        /// The task.
        task: String,
        /// Its column.
        column: String,
    },
    /// A task of classes whose column holds one class only.
    #[error("{}: task {task}: expected at least two classes in column {column:?}, found only {}; leave the task out, or name \
        all classes: label = {{ classes = [..] }}", .path.display(), quoted(.label))]
    OneClass {
        /// The training file.
        path: PathBuf,
        /// The task.
        task: String,
        /// Its column.
        column: String,
        /// The class.
        label: String,
    },
    /// A binary task whose positive label never occurs in the training file.
    #[error("{}: task {task}: positive label {} does not occur in column {column:?}, which holds {}{advice}",
        .path.display(), quoted(.label), list(.found))]
    NoPositive {
        /// The training file.
        path: PathBuf,
        /// The task.
        task: Box<str>,
        /// Its column.
        column: Box<str>,
        /// The label that was configured.
        label: Box<str>,
        /// The labels in the column.
        found: Vec<String>,
        /// What to do, after a semicolon; may be empty.
        advice: Box<str>,
    },
    /// A binary file that is not what its name says, or is cut short.
    #[error("{}: expected {expected}, found {found}", .path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What the format or its header promises, in words.
        expected: String,
        /// What the file holds.
        found: String,
    },
    /// A position beyond the end of a source, an epoch or a schedule.
    #[error("{what}: expected a position below {len}, found {found}")]
    Position {
        /// What was to be positioned.
        what: &'static str,
        /// The number of positions there are.
        len: u64,
        /// The position asked for.
        found: u64,
    },
    /// No folder to look for data in.
    #[error("data folder: expected MTL_CACHE, XDG_CACHE_HOME or HOME to be set, found none of them")]
    NoCache,
    /// A batch that could not be built.
    #[error("epoch {epoch}, batch {batch}: {source}")]
    Batch {
        /// The epoch.
        epoch: u64,
        /// The batch in it, counted from 0.
        batch: u64,
        /// What went wrong.
        source: Box<Error>,
    },
    /// Code of a source that panicked while it built a batch.
    #[error("epoch {epoch}, batch {batch}: the source panicked: {}", quoted(.message))]
    Panic {
        /// The epoch.
        epoch: u64,
        /// The batch in it, counted from 0.
        batch: u64,
        /// The panic's message.
        message: String,
    },
    /// A worker thread that could not be started.
    #[error("loader: cannot start a worker thread: {source}")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
    /// What the tensor crates complain about.
    #[error(transparent)]
    Core(#[from] mtl_core::Error),
}

impl Error {
    /// An unreadable file.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// The same error, of settings one level up, in which those that it is about stand under `key`.
    #[must_use]
    pub fn inside(self, key: impl std::fmt::Display) -> Self {
        match self {
            Self::Core(e) => Self::Core(e.inside(key)),
            other => other,
        }
    }

    /// A setting outside its allowed values.
    pub(crate) fn config(
        what: &'static str,
        field: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        mtl_core::Error::InvalidConfig { what, field, expected: expected.into(), found: found.into() }.into()
    }
}

/// `text` in quotes, escaped, cut after 60 characters.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}..", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// The first dozen names, quoted, and how many there are if there are more.
pub(crate) fn list(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<_> = names.iter().take(SHOWN).map(|n| quoted(n)).collect();
    match names.len() {
        0 => "none".to_owned(),
        n if n > SHOWN => format!("{} and {} more", shown.join(", "), n - SHOWN),
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line_whatever_the_file_holds() {
        let e = Error::UnknownLabel {
            path: "test.csv".into(),
            line: 3,
            column: "income".into(),
            task: "income".into(),
            label: "a\nb".into(),
            known: vec!["x".into(), "y".into()],
            advice: "correct it".into(),
        };
        assert_eq!(
            e.to_string(),
            r#"test.csv:3: column "income": label "a\nb" of task income is none of "x", "y"; correct it"#
        );
    }

    #[test]
    fn long_texts_and_lists_are_cut() {
        assert_eq!(quoted(&"é".repeat(100)).chars().count(), 64);
        let names: Vec<_> = (0..20).map(|i| i.to_string()).collect();
        assert!(list(&names).ends_with("\"11\" and 8 more"));
        assert_eq!(list(&[]), "none");
    }
}
