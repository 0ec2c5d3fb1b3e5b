//! What encoders and heads have to know about a data set before they are built.

use mtl_core::{
    answer::Answer,
    input::{InputSpec, Modality},
    task::TaskName,
};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

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

    /// With tasks whose labels are inputs, behind the others: the name of each, and that of its input, which has numeric fields.
    ///
    /// # Errors
    /// `Duplicate` for the name of a task that is there; `UnknownName` for an input that is not; `InvalidConfig` for a name that is none
    /// and for an input of another modality.
    pub fn with_restored(&self, tasks: &[(String, String)]) -> Result<Self> {
        let mut info = self.clone();
        for (name, input) in tasks {
            if info.tasks.iter().any(|task| task.name.as_str() == name) {
                return Err(mtl_core::Error::Duplicate { what: "task", name: name.clone() }.into());
            }
            let modality = info.inputs.get(input)?;
            let Modality::Numeric(numeric) = modality else {
                let found = format!("{input}, {}", modality.describe());
                return Err(Error::config("task", "input", "an input of numeric fields, which can be restored", found));
            };
            info.tasks
                .push(TaskInfo { name: TaskName::new(name)?, answer: Answer::values(numeric.names.iter().cloned()) });
        }
        Ok(info)
    }
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
            inputs: InputSpec::table(Vec::new(), vec!["age".into()]),
            tasks: vec![TaskInfo { name: TaskName::new("income").unwrap(), answer: Answer::multi_label(["50000+."]) }],
        };
        let text = serde_json::to_string(&info).unwrap();
        assert_eq!(serde_json::from_str::<DataInfo>(&text).unwrap(), info);
        let of_older_runs = text.replace("multi-label", "binary");
        assert!(of_older_runs.contains(r#""label":{"binary":{"labels":["50000+."]}}"#), "{of_older_runs}");
        assert_eq!(serde_json::from_str::<DataInfo>(&of_older_runs).unwrap(), info);
    }
}
