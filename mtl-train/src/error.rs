//! What can go wrong while training: the lower crates' errors with step, epoch and path added.

use std::path::PathBuf;

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
    /// A configuration file that cannot be used.
    #[error("{}:{line}: {message}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// Which key, what was expected, what was found.
        message: String,
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

    /// Wraps a failure of the file system.
    pub fn io(path: impl Into<PathBuf>, action: &'static str, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), action, source }
    }
}
