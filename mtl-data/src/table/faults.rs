//! What happens when something is wrong in a file: the first fault stops a run; a check writes it down and goes on; a stream may be
//! told to pass over rows that cannot be read.

use super::parse::OnFault;
use crate::error::{Error, Result};

/// Stops at the first fault, or collects them.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    collected: Option<Vec<Error>>,
    on_fault: OnFault,
    /// Rows with a label that its task does not have, column by column.
    unknown: Vec<usize>,
}

impl Faults {
    /// For a check, which wants to say everything at once.
    pub(crate) fn collect() -> Self {
        Self { collected: Some(Vec::new()), on_fault: OnFault::Gap, unknown: Vec::new() }
    }

    /// For a stream that passes over rows which cannot be read.
    pub(super) fn drop_rows() -> Self {
        Self { on_fault: OnFault::Drop, ..Self::collect() }
    }

    /// What the parser does about a row with a fault.
    pub(super) fn on_fault(&self) -> OnFault {
        self.on_fault
    }

    /// Takes note of a fault.
    ///
    /// # Errors
    /// The fault, where the first one stops.
    pub(crate) fn add(&mut self, fault: Error) -> Result<()> {
        match &mut self.collected {
            Some(faults) => {
                faults.push(fault);
                Ok(())
            }
            None => Err(fault),
        }
    }

    /// Takes note of the rows of a column whose labels nobody knows.
    pub(super) fn add_unknown(&mut self, rows: &[usize]) {
        self.unknown.extend_from_slice(rows);
    }

    /// The rows whose labels nobody knows; one as often as it has such labels.
    pub(super) fn unknown(&self) -> &[usize] {
        &self.unknown
    }

    /// What was collected.
    pub(crate) fn into_errors(self) -> Vec<Error> {
        self.collected.unwrap_or_default()
    }
}
