//! What encoders and heads have to know about a data set before they are built.

use mtl_core::{answer::Answer, task::TaskName};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// The inputs and the tasks of a data set.
///
/// | field | input tensor in a batch |
/// |---|---|
/// | `categorical` | `categorical`: `[b, categorical.len()]` of `Int64`, column `j` in `0..cardinality_j` |
/// | `numeric` | `numeric`: `[b, numeric.len()]` of `Float` |
/// | `image` | `image`: `[b, channels, height, width]` of `Float` |
///
/// An input whose field is empty is absent from the batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataInfo {
    /// Categorical fields in column order.
    pub categorical: Vec<CategoricalField>,
    /// Names of numeric fields in column order.
    pub numeric: Vec<String>,
    /// The pictures, if there are any.
    pub image: Option<ImageInfo>,
    /// The tasks in target order.
    pub tasks: Vec<TaskInfo>,
}

impl DataInfo {
    /// Whether both have the same inputs, so that one encoder takes either's batches.
    #[must_use]
    pub fn same_inputs(&self, other: &Self) -> bool {
        self.categorical == other.categorical && self.numeric == other.numeric && self.image == other.image
    }

    /// The same inputs with the tasks of these names, in their order.
    ///
    /// # Errors
    /// `UnknownTask` for a name that is not there, listing those that are.
    pub fn for_tasks(&self, names: &[&str]) -> Result<Self> {
        let find = |name: &&str| {
            self.tasks.iter().find(|task| task.name.as_str() == *name).cloned().ok_or_else(|| {
                let known = self.tasks.iter().map(|task| task.name.to_string()).collect();
                mtl_core::Error::UnknownTask { name: (*name).to_owned(), known }
            })
        };
        let tasks = names.iter().map(find).collect::<mtl_core::Result<_>>()?;
        Ok(Self { tasks, ..self.clone() })
    }
}

/// A categorical field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoricalField {
    /// The column's name.
    pub name: String,
    /// The number of codes, code 0 (unknown) included: embeddings need that many rows.
    pub cardinality: usize,
}

/// The shape of the pictures, and how their values were scaled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageInfo {
    /// Color channels.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// What was subtracted from values in `[0, 1]`.
    pub mean: f32,
    /// What they were divided by after that.
    pub std: f32,
}

/// A task of the data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskInfo {
    /// Its name.
    pub name: TaskName,
    /// What its answer is; `label` in files.
    #[serde(rename = "label")]
    pub answer: Answer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_is_saved_and_read_back() {
        let info = DataInfo {
            categorical: vec![CategoricalField { name: "sex".into(), cardinality: 3 }],
            numeric: vec!["age".into()],
            image: Some(ImageInfo { channels: 1, height: 36, width: 36, mean: 0.0, std: 1.0 }),
            tasks: vec![TaskInfo { name: TaskName::new("income").unwrap(), answer: Answer::multi_label(["50000+."]) }],
        };
        let text = serde_json::to_string(&info).unwrap();
        assert_eq!(serde_json::from_str::<DataInfo>(&text).unwrap(), info);
        assert!(info.same_inputs(&info.clone()) && !info.same_inputs(&DataInfo::default()));
        let of_older_runs = text.replace("multi-label", "binary");
        assert!(of_older_runs.contains(r#""label":{"binary":{"labels":["50000+."]}}"#), "{of_older_runs}");
        assert_eq!(serde_json::from_str::<DataInfo>(&of_older_runs).unwrap(), info);
    }
}
