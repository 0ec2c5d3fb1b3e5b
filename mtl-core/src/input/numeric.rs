//! Fields of a table that hold numbers: `[b, n]` of a float kind, scaled as preprocessing says.

use serde::{Deserialize, Serialize};

use super::{Cells, Layout, Length, ModalityKind, Numbers};

/// Numeric fields, in column order; at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numeric {
    /// Their names.
    pub names: Vec<String>,
}

impl ModalityKind for Numeric {
    fn describe(&self) -> String {
        match self.names.len() {
            1 => "1 numeric field".into(),
            n => format!("{n} numeric fields"),
        }
    }

    fn meaning(&self) -> String {
        format!("scaled numbers, one column each: {}", self.names.join(", "))
    }

    fn layout(&self) -> Layout {
        Layout { numbers: Numbers::Real, axes: vec![Length::Fixed(self.names.len() as i64)] }
    }

    fn cells(&self) -> Cells<'_> {
        Cells::Numbers(&self.names)
    }
}
