//! Plain JSON files of runs and studies: read if they are there, written all or nothing.

use std::{fs, io::ErrorKind, path::Path};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, Result},
    train::checkpoint::write_atomic,
};

/// What a file holds, `None` when there is none; `damaged` says what to think of one that cannot be understood.
pub(crate) fn read<T: DeserializeOwned>(
    path: &Path,
    damaged: impl FnOnce(serde_json::Error) -> String,
) -> Result<Option<T>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(path, "cannot read", e)),
    };
    serde_json::from_str(&text).map(Some).map_err(|e| Error::Checkpoint { path: path.to_owned(), reason: damaged(e) })
}

/// Writes a value as JSON, indented.
pub(crate) fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Error::Checkpoint { path: path.to_owned(), reason: e.to_string() })?;
    write_atomic(path, format!("{text}\n").as_bytes())
}
