//! What happens when something is wrong in a file: the first fault stops a run; a check writes it down and goes on.

use crate::error::{Error, Result};

/// Stops at the first fault, or collects them.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    collected: Option<Vec<Error>>,
}

impl Faults {
    /// For a check, which wants to say everything at once.
    pub(crate) fn collect() -> Self {
        Self { collected: Some(Vec::new()) }
    }

    /// Whether reading goes on after a fault.
    pub(crate) fn goes_on(&self) -> bool {
        self.collected.is_some()
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

    /// What was collected.
    pub(crate) fn into_errors(self) -> Vec<Error> {
        self.collected.unwrap_or_default()
    }
}
