//! What a data set offers to an encoder.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A categorical field of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoricalField {
    /// The column's name.
    pub name: String,
    /// How many codes it has, the one for "unknown" included.
    pub cardinality: i64,
}

/// The inputs of a data set, as far as they are the same for every batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InputSpec {
    /// Fields of the input `categorical [b, f]`.
    pub categorical: Vec<CategoricalField>,
    /// Column names of the input `numeric [b, n]`.
    pub numeric: Vec<String>,
    /// `[c, h, w]` of the input `image [b, c, h, w]`.
    pub image: Option<[i64; 3]>,
}

impl InputSpec {
    /// The names of all table fields, categorical first: the order of tokens.
    #[must_use]
    pub fn field_names(&self) -> Vec<String> {
        self.categorical.iter().map(|f| f.name.clone()).chain(self.numeric.iter().cloned()).collect()
    }

    /// The error of an encoder that cannot work on these inputs.
    ///
    /// # Errors
    /// Always.
    pub fn refuse<T>(&self, encoder: &'static str, expected: &str) -> Result<T> {
        let image = self.image.map_or("no image".to_owned(), |s| format!("image {s:?}"));
        Err(Error::InvalidConfig {
            what: encoder,
            field: "inputs",
            expected: expected.to_owned(),
            found: format!("{} categorical, {} numeric, {image}", self.categorical.len(), self.numeric.len()),
        })
    }
}
