//! What encoders and heads have to know about a data set before they are built.

use mtl_core::{input::InputSpec, task::TaskName};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// The inputs and the tasks of a data set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataInfo {
    /// The inputs by name: what a batch holds, see [`mtl_core::input`].
    pub inputs: InputSpec,
    /// The tasks in target order.
    pub tasks: Vec<TaskInfo>,
}

impl DataInfo {
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
            inputs: InputSpec::table(Vec::new(), vec!["age".into()]),
            tasks: vec![TaskInfo {
                name: TaskName::new("income").unwrap(),
                label: LabelKind::Binary { labels: vec!["50000+.".into()] },
            }],
        };
        let text = serde_json::to_string(&info).unwrap();
        assert_eq!(serde_json::from_str::<DataInfo>(&text).unwrap(), info);
        assert_eq!(info.tasks[0].label.width(), 1);
    }
}
