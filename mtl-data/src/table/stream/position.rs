//! Where in a stream a batch ends, and whether a stream is still the one that was read up to there.
//!
//! Beside the offset a position keeps the names of the columns and a digest of the bytes just before it. Whoever goes on compares: a
//! file that was cut off, replaced or rewritten there is another stream, and is refused. What lies further back is not looked at.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::opened::Opened;
use crate::error::{Error, Result};

/// Bytes before a position that are compared.
pub(super) const TAIL: usize = 1 << 12;

/// What was passed over so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Passed {
    /// Rows that could not be read and were left out.
    pub bad_rows: u64,
    /// Labels that their task does not have, taken as missing.
    pub unknown_labels: u64,
    /// Categories that were not fitted, taken as code 0.
    pub unknown_categories: u64,
}

/// The end of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamPosition {
    /// Bytes before it.
    pub offset: u64,
    /// Lines before it, the header included.
    pub lines: u64,
    /// Rows before it, without those that were left out.
    pub rows: u64,
    /// Batches before it.
    pub batches: u64,
    /// What was passed over before it.
    pub passed: Passed,
    /// The names of the stream's columns; empty where nobody wants to keep it.
    pub(super) columns: Vec<String>,
    /// So many bytes before it were digested.
    pub(super) tail: u64,
    /// Their SHA-256 in hexadecimal digits; empty for none.
    pub(super) sha256: String,
    /// Whether the line before it had no line end.
    pub(super) is_open: bool,
}

/// A position with the bytes before it: the digest is taken when somebody wants to keep it.
#[derive(Debug, Clone, Default)]
pub(super) struct Mark {
    pub(super) at: StreamPosition,
    pub(super) tail: Vec<u8>,
}

impl Mark {
    /// As it is kept.
    pub(super) fn position(&self, columns: &[String]) -> StreamPosition {
        StreamPosition {
            columns: columns.to_vec(),
            tail: self.tail.len() as u64,
            sha256: digest(&self.tail),
            is_open: self.tail.last().is_some_and(|&last| last != b'\n'),
            ..self.at.clone()
        }
    }
}

impl StreamPosition {
    /// What is counted, without what it takes to find the place again.
    pub(super) fn counts(&self) -> Self {
        Self { columns: Vec::new(), tail: 0, sha256: String::new(), is_open: false, ..*self }
    }

    /// Takes a stream there, whose header was read.
    ///
    /// # Errors
    /// [`Error::Stream`] for a stream with other columns, that is shorter, or has other bytes before the position; those of
    /// reading.
    pub(super) fn enter(&self, opened: &mut Opened) -> Result<()> {
        let (path, names) = (opened.path.clone(), opened.names());
        let refuse = |expected: String, found: String| Err(Error::Stream { path: path.clone(), expected, found });
        if let Some(at) = (0..self.columns.len().max(names.len())).find(|&at| self.columns.get(at) != names.get(at)) {
            let name = |names: &[String]| names.get(at).map_or_else(|| "none".to_owned(), |name| format!("{name:?}"));
            let expected = format!("{} as column {}, as it was learned from", name(&self.columns), at + 1);
            return refuse(expected, name(names));
        }
        let Opened { feed, stop, .. } = opened;
        let found = feed.go_to(self.offset, stop)?;
        if found < self.offset {
            let found = match stop.is_stopped() {
                true => "a request to end".into(),
                false => format!("{found}: it was cut off or is another stream"),
            };
            return refuse(format!("the {} bytes ({} rows) that were learned from", self.offset, self.rows), found);
        }
        let tail = feed.tail(0);
        let wanted = usize::try_from(self.tail).unwrap_or(usize::MAX);
        if digest(&tail[tail.len().saturating_sub(wanted)..]) != self.sha256 {
            let expected = format!("the bytes before line {} that were learned from", self.lines + 1);
            return refuse(expected, "others: it was rewritten or is another stream".into());
        }
        // A last line that had no end when it was learned may have got one since, and no more than that.
        if self.is_open && (!feed.pending.is_empty() || feed.grow(stop)?) {
            while feed.pending == b"\r" && feed.grow(stop)? {}
            match [&b"\n"[..], b"\r\n"].into_iter().find(|end| feed.pending.starts_with(end)) {
                Some(end) => feed.consume(end.len()),
                None => {
                    let expected = format!("a line end after line {}, which was learned as the last one", self.lines);
                    return refuse(expected, "more of that line".into());
                }
            }
        }
        Ok(())
    }
}

fn digest(bytes: &[u8]) -> String {
    match bytes.is_empty() {
        true => String::new(),
        false => Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect(),
    }
}
