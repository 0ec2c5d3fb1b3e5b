//! What can go wrong while training: the lower crates' errors with step, epoch and path added.

use std::path::{Path, PathBuf};

/// Result with [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in the trainer and its programs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A failure of core, attention, heads or metrics.
    #[error(transparent)]
    Core(#[from] mtl_core::Error),
    /// A failure of the data.
    #[error(transparent)]
    Data(#[from] mtl_data::Error),
    /// A failure during training.
    #[error("epoch {epoch}, step {step}: {source}")]
    Step {
        /// The epoch, from 1.
        epoch: u64,
        /// The optimizer step, from 0.
        step: u64,
        /// What happened.
        source: Box<Error>,
    },
    /// A loss or a gradient that is not finite, and the samples that bring it.
    #[error("{0}")]
    NonFinite(Box<crate::train::incident::Incident>),
    /// A configuration that cannot be used: one line that says what, then the line of the file with carets under it.
    #[error("{}: {message}{excerpt}", place(path, *line))]
    Config {
        /// The file, or the flag `--set ..` that the value came from.
        path: PathBuf,
        /// Its line, from 1; 0 where there is none.
        line: usize,
        /// Which key, what was expected, what was found.
        message: String,
        /// The line with carets, each line of it after a line end; empty where there is none.
        excerpt: String,
    },
    /// A setting that the part built from it refuses; [`ConfigSource::explain`](crate::config::ConfigSource::explain)
    /// makes an [`Error::Config`] of it.
    #[error("{source}")]
    Setting {
        /// The section, such as `encoder` or `task[1].head`.
        section: String,
        /// What is wrong.
        source: Box<Error>,
    },
    /// A file that cannot be read or written.
    #[error("{}: {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was attempted, such as `cannot write checkpoint`.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// An exported model that cannot be used.
    #[error("{}: {reason}", path.display())]
    Package {
        /// The file or folder.
        path: PathBuf,
        /// Why not, and what to do about it.
        reason: String,
    },
    /// A checkpoint that cannot be used.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl Error {
    /// Adds the place in the run.
    #[must_use]
    pub fn at_step(self, epoch: u64, step: u64) -> Self {
        Self::Step { epoch: epoch + 1, step, source: Box::new(self) }
    }

    /// Names the section of the configuration whose setting is to blame, unless that is known already.
    #[must_use]
    pub fn in_section(self, section: impl Into<String>) -> Self {
        match self {
            known @ (Self::Setting { .. } | Self::Config { .. }) => known,
            source => Self::Setting { section: section.into(), source: Box::new(source) },
        }
    }

    /// Wraps a failure of the file system.
    pub fn io(path: impl Into<PathBuf>, action: &'static str, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), action, source }
    }
}

fn place(path: &Path, line: usize) -> String {
    let path = path.display();
    if line == 0 { path.to_string() } else { format!("{path}:{line}") }
}
