//! Fields of a table, each one of a few texts: codes `[b, f]` of `Int64`, column `j` in `0..cardinality_j`.

use serde::{Deserialize, Serialize};

use super::{Cells, Layout, Length, ModalityKind, Numbers, check};
use crate::error::Result;

/// A categorical field of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoricalField {
    /// The column's name.
    pub name: String,
    /// How many codes it has, code 0 (unknown) included: embeddings need that many rows; >= 1.
    pub cardinality: i64,
}

/// Categorical fields, in column order; at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Categorical {
    /// The fields.
    pub fields: Vec<CategoricalField>,
}

impl ModalityKind for Categorical {
    fn describe(&self) -> String {
        match self.fields.len() {
            1 => "1 categorical field".into(),
            n => format!("{n} categorical fields"),
        }
    }

    fn meaning(&self) -> String {
        let fields: Vec<String> = self.fields.iter().map(|f| format!("{} in 0..{}", f.name, f.cardinality)).collect();
        format!("codes, one column each: {}", fields.join(", "))
    }

    fn layout(&self) -> Layout {
        Layout { numbers: Numbers::Whole, axes: vec![Length::Fixed(self.fields.len() as i64)] }
    }

    fn validate(&self, input: &str) -> Result<()> {
        check::sizes(input, &self.layout())?;
        match self.fields.iter().find(|field| !(1..=check::LARGEST).contains(&field.cardinality)) {
            Some(CategoricalField { name, cardinality }) => check::refuse(
                input,
                "fields",
                format!("of cardinality 1 to 2^31, as of {name}"),
                cardinality.to_string(),
            ),
            None => Ok(()),
        }
    }

    fn cardinalities(&self) -> Vec<i64> {
        self.fields.iter().map(|f| f.cardinality).collect()
    }

    fn cells(&self) -> Cells<'_> {
        Cells::Codes(&self.fields)
    }
}
