//! What encoders and heads have to know about a data set before they are built.

use mtl_core::task::TaskName;
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskInfo {
    /// Its name.
    pub name: TaskName,
    /// What its labels are.
    pub label: LabelKind,
}

/// What the labels of a task are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelKind {
    /// One of `classes`: targets are `[b]` of `Int64`.
    Class {
        /// Names by class index.
        classes: Vec<String>,
    },
    /// Yes or no, once per name: targets are `[b, c]` of `Float`.
    Binary {
        /// What a yes means, in the order of the target's columns; one name for a plain binary task.
        labels: Vec<String>,
    },
    /// Numbers: targets are `[b, k]` of `Float`.
    Values {
        /// Names in the order of the target's columns.
        names: Vec<String>,
    },
}

impl LabelKind {
    /// The number of outputs a head for such labels has: classes, yes/no labels or numbers.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Class { classes } => classes.len(),
            Self::Binary { labels } => labels.len(),
            Self::Values { names } => names.len(),
        }
    }
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
            tasks: vec![TaskInfo {
                name: TaskName::new("income").unwrap(),
                label: LabelKind::Binary { labels: vec!["50000+.".into()] },
            }],
        };
        let text = serde_json::to_string(&info).unwrap();
        assert_eq!(serde_json::from_str::<DataInfo>(&text).unwrap(), info);
        assert!(info.same_inputs(&info.clone()) && !info.same_inputs(&DataInfo::default()));
        assert_eq!(info.tasks[0].label.width(), 1);
    }
}
