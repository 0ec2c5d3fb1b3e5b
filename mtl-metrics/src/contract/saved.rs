//! Saved states: what the bytes of a metric are.
//!
//! ```text
//! "mtlm" | version of the state | name of the metric | state        in postcard
//! ```
//! The head is read apart from the state, so that this code is compiled once, and once more for each type of state where it
//! must be: never for a metric.

use mtl_core::{Error, Result};

use crate::state::MetricState;

/// First bytes of every saved metric state.
const MAGIC: [u8; 4] = *b"mtlm";

/// The bytes of a state.
///
/// # Errors
/// [`Error::State`] when a foreign state cannot be written.
pub(crate) fn write<S: MetricState>(metric: &str, version: u16, state: &S) -> Result<Vec<u8>> {
    join(metric, version, postcard::to_stdvec(state))
}

fn join(metric: &str, version: u16, state: postcard::Result<Vec<u8>>) -> Result<Vec<u8>> {
    let head = postcard::to_stdvec(&(MAGIC, version, metric));
    let both = head.and_then(|mut bytes| {
        bytes.extend(state?);
        Ok(bytes)
    });
    both.map_err(|e| refused(metric, e.to_string()))
}

/// The state of saved bytes, checked.
///
/// # Errors
/// [`Error::State`] for damaged bytes, another metric or another version.
pub(crate) fn read<S: MetricState>(metric: &str, version: u16, bytes: &[u8]) -> Result<S> {
    let state = postcard::take_from_bytes::<S>(body(metric, version, bytes)?);
    let (state, rest) = state.map_err(|e| damaged(metric, &e))?;
    if !rest.is_empty() {
        return Err(refused(metric, format!("{} bytes too many", rest.len())));
    }
    state.check().map_err(|reason| refused(metric, reason))?;
    Ok(state)
}

/// Merges a state into another of the same metric.
///
/// # Errors
/// [`Error::State`] when it saw another kind of data. Nothing has changed then.
pub(crate) fn merge<S: MetricState>(metric: &str, state: &mut S, other: &S) -> Result<()> {
    state.merge(other).map_err(|reason| refused(metric, reason))
}

/// Merges the state of saved bytes into another.
///
/// # Errors
/// As [`read`] and [`merge`].
pub(crate) fn merge_bytes<S: MetricState>(metric: &str, version: u16, state: &mut S, bytes: &[u8]) -> Result<()> {
    merge(metric, state, &read(metric, version, bytes)?)
}

/// What follows the head.
fn body<'b>(metric: &str, version: u16, bytes: &'b [u8]) -> Result<&'b [u8]> {
    type Head = ([u8; 4], u16, String);
    let head = postcard::take_from_bytes::<Head>(bytes);
    let ((magic, found, name), rest) = head.map_err(|e| damaged(metric, &e))?;
    if magic != MAGIC {
        return Err(refused(metric, "the bytes are no metric state"));
    }
    same_metric(metric, &name)?;
    if found != version {
        return Err(refused(metric, format!("it has version {found}, expected {version}")));
    }
    Ok(rest)
}

fn damaged(metric: &str, _: &postcard::Error) -> Error {
    refused(metric, "the bytes are damaged")
}

/// Refuses what another metric has seen, or the same with other settings.
///
/// # Errors
/// [`Error::State`].
pub(crate) fn same_metric(metric: &str, other: &str) -> Result<()> {
    if metric == other { Ok(()) } else { Err(belongs_to(metric, other)) }
}

/// The error for what another metric has seen.
pub(crate) fn belongs_to(metric: &str, other: &str) -> Error {
    refused(metric, format!("it belongs to metric {other}"))
}

/// The error for a state that does not fit the metric it meets.
pub(crate) fn refused(metric: &str, reason: impl Into<String>) -> Error {
    Error::State { what: format!("metric {metric}"), reason: reason.into() }
}
