//! What a file held, and how another one differs from it.
//!
//! The digest is SHA-256 of the bytes *after* unpacking and decoding: what `sha256sum` gives for the plain file. Beside it
//! stand the facts that a person can check when a digest differs.

use std::{fmt::Write as _, path::Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result, quoted},
    idx::Idx,
};

/// The content of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Bytes, unpacked.
    pub bytes: u64,
    /// SHA-256 of those bytes: 64 hexadecimal digits.
    pub sha256: String,
    /// Rows of a table; items of an idx file; lines of a text; 0 for other files.
    pub rows: u64,
    /// The names in a table's header; empty for other files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// The sizes of an item of an idx file; empty for a table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shape: Vec<u64>,
}

/// A file as a run read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePrint {
    /// Which of the data set's files it is: `train`, `test labels of digit`.
    pub role: String,
    /// Its name, without folders.
    pub name: String,
    /// What it held.
    pub content: Content,
}

impl Content {
    /// Size and digest of bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, sha256: sha256(bytes), ..Self::default() }
    }

    /// The content of an idx file, as it would lie unpacked on the disk.
    pub(crate) fn of_idx(idx: &Idx) -> Self {
        let header = idx.header();
        let mut hash = Sha256::new();
        hash.update(&header);
        hash.update(&idx.data);
        let size = |&n: &usize| n as u64;
        Self {
            bytes: (header.len() + idx.data.len()) as u64,
            sha256: hex(&hash.finalize()),
            rows: idx.dims.first().map_or(0, size),
            columns: Vec::new(),
            shape: idx.dims.iter().skip(1).map(size).collect(),
        }
    }

    /// How `now` differs, in words that a person can check; `None` when both hold the same bytes.
    #[must_use]
    pub fn difference(&self, now: &Self) -> Option<String> {
        if self.sha256 == now.sha256 && self.bytes == now.bytes {
            return None;
        }
        let mut found = Vec::new();
        if self.rows != now.rows {
            found.push(format!("rows {} -> {}", self.rows, now.rows));
        }
        found.extend(columns(&self.columns, &now.columns));
        if self.shape != now.shape {
            found.push(format!("items of {:?} -> {:?}", self.shape, now.shape));
        }
        if self.rows == 0 && now.rows == 0 && self.bytes != now.bytes {
            found.push(format!("bytes {} -> {}", self.bytes, now.bytes));
        }
        Some(match found.is_empty() {
            false => found.join(", "),
            true => format!("as many rows, other values: sha256 {} -> {}", short(&self.sha256), short(&now.sha256)),
        })
    }

    /// Whether both have the same rows and columns, so that a difference lies in the values.
    pub(crate) fn same_form(&self, other: &Self) -> bool {
        self.rows == other.rows && self.columns == other.columns && self.shape == other.shape
    }
}

impl FilePrint {
    pub(crate) fn new(role: &str, path: &Path, content: Content) -> Self {
        let name = path.file_name().map_or_else(|| role.to_owned(), |name| name.to_string_lossy().into_owned());
        Self { role: role.to_owned(), name, content }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let digest = &self.content.sha256;
        if digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(());
        }
        Err(Error::config("kept data", "sha256", format!("64 hexadecimal digits for {}", self.name), quoted(digest)))
    }
}

/// The first column that is gone, new or elsewhere.
fn columns(before: &[String], now: &[String]) -> Option<String> {
    if before == now {
        return None;
    }
    let missing = |from: &[String], other: &[String]| from.iter().find(|name| !other.contains(name)).map(|n| quoted(n));
    Some(match (missing(before, now), missing(now, before)) {
        (Some(gone), Some(new)) => format!("column {gone} is gone, column {new} is new"),
        (Some(gone), None) => format!("column {gone} is gone"),
        (None, Some(new)) => format!("column {new} is new"),
        (None, None) => "columns stand in another order".into(),
    })
}

/// SHA-256 in hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(2 * digest.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// As much of a digest as a person compares.
fn short(digest: &str) -> &str {
    digest.get(..8).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str, rows: usize, columns: &[&str]) -> Content {
        let columns = columns.iter().map(|&name| name.to_owned()).collect();
        Content { rows: rows as u64, columns, ..Content::of_bytes(text.as_bytes()) }
    }

    #[test]
    fn what_differs_is_said_in_checkable_words() {
        let before = table("a,b\n1,2\n", 1, &["a", "b"]);
        assert_eq!(before.sha256.len(), 64);
        assert_eq!(before.difference(&before.clone()), None);
        let difference = |now: &Content| before.difference(now).unwrap();
        assert_eq!(difference(&table("a,b\n1,2\n3,4\n", 2, &["a", "b"])), "rows 1 -> 2");
        assert_eq!(difference(&table("a\n1\n", 1, &["a"])), r#"column "b" is gone"#);
        assert_eq!(difference(&table("b,a\n2,1\n", 1, &["b", "a"])), "columns stand in another order");
        let both = difference(&table("a,c\n1,2\n1,2\n", 2, &["a", "c"]));
        assert_eq!(both, r#"rows 1 -> 2, column "b" is gone, column "c" is new"#);
        let values = difference(&table("a,b\n1,3\n", 1, &["a", "b"]));
        assert!(values.starts_with("as many rows, other values: sha256 ") && values.len() < 80, "{values}");
    }

    #[test]
    fn an_idx_file_is_digested_as_it_lies_unpacked() {
        let idx = Idx { dims: vec![1, 2, 1], data: vec![7, 9] };
        let file = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 7, 9];
        let content = Content::of_idx(&idx);
        assert_eq!((content.sha256.as_str(), content.bytes), (sha256(&file).as_str(), 18));
        assert_eq!((content.rows, content.shape.as_slice()), (1, &[2, 1][..]));
        let other = Content::of_idx(&Idx { dims: vec![1, 1, 2], data: vec![7, 9] });
        assert_eq!(content.difference(&other).unwrap(), "items of [2, 1] -> [1, 2]");
    }
}
