//! A modality: fields of a table that come round again, such as the hour of the day: `[b, n]` of a float kind.

use std::any::Any;

use mtl_core::input::{Cells, CustomModality, Layout, Length, ModalityKind, Numbers};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Fields by name, and after how much each comes round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cyclic {
    pub(crate) names: Vec<String>,
    pub(crate) periods: Vec<f32>,
}

impl ModalityKind for Cyclic {
    fn describe(&self) -> String {
        format!("{} fields that come round again", self.names.len())
    }

    fn meaning(&self) -> String {
        let fields = self.names.iter().zip(&self.periods).map(|(name, period)| format!("{name} in 0..{period}"));
        fields.collect::<Vec<_>>().join(", ")
    }

    fn layout(&self) -> Layout {
        Layout { numbers: Numbers::Real, axes: vec![Length::Fixed(self.periods.len() as i64)] }
    }

    /// What pages and explanations point at: columns of numbers, by name.
    fn cells(&self) -> Cells<'_> {
        Cells::Numbers(&self.names)
    }
}

impl CustomModality for Cyclic {
    fn name(&self) -> &'static str {
        "cyclic"
    }
    fn settings(&self) -> Value {
        json!(self)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
