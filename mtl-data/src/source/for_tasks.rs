//! A source seen through another list of tasks.
//!
//! A single-task baseline trains on one task of a data set ([`ForTasks::select`]); a model of tasks from separate data
//! sets sees each of them as one with all tasks, of which only some have labels ([`ForTasks::spread`]).

use std::sync::Arc;

use mtl_core::batch::{Batch, Target};

use super::{Source, SourcePart};
use crate::{
    error::{Error, Result},
    info::{DataInfo, TaskInfo},
};

/// The samples of a source with the targets of a given list of tasks, in its order.
#[derive(Clone)]
pub struct ForTasks {
    source: Arc<dyn Source>,
    info: DataInfo,
    /// Position of each task in the source, `None` for a task without data there.
    places: Vec<Option<usize>>,
}

impl ForTasks {
    /// Some of the source's tasks.
    ///
    /// # Errors
    /// `UnknownTask` for a name that the source does not have, listing those it has.
    pub fn select(source: Arc<dyn Source>, names: &[&str]) -> Result<Self> {
        let tasks = source.info().for_tasks(names)?.tasks;
        Self::spread(source, &tasks)
    }

    /// These tasks; the target of a task that the source does not have is `None`.
    ///
    /// # Errors
    /// `Duplicate` for a repeated name; `InvalidConfig` when the source has a task of that name with other labels.
    pub fn spread(source: Arc<dyn Source>, tasks: &[TaskInfo]) -> Result<Self> {
        let own = &source.info().tasks;
        let mut places = Vec::with_capacity(tasks.len());
        for (idx, task) in tasks.iter().enumerate() {
            if tasks[..idx].iter().any(|t| t.name == task.name) {
                return Err(mtl_core::Error::Duplicate { what: "task", name: task.name.to_string() }.into());
            }
            let place = own.iter().position(|t| t.name == task.name);
            if place.is_some_and(|place| own[place].answer != task.answer) {
                let expected = format!("the same labels wherever task {} occurs", task.name);
                return Err(Error::config("source", "tasks", expected, "different ones"));
            }
            places.push(place);
        }
        let info = DataInfo { tasks: tasks.to_vec(), ..source.info().clone() };
        Ok(Self { source, info, places })
    }

    fn place(&self, mut targets: Vec<Option<Target>>) -> Vec<Option<Target>> {
        self.places.iter().map(|place| place.and_then(|at| targets.get_mut(at)).and_then(Option::take)).collect()
    }
}

impl Source for ForTasks {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.source.len()
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        let Batch { inputs, targets, ids } = self.source.batch(positions)?;
        Ok(Batch::new(inputs, self.place(targets), ids)?)
    }

    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        Ok(self.place(self.source.targets(positions)?))
    }

    fn parts(&self) -> Vec<SourcePart> {
        let mut parts = self.source.parts();
        for part in &mut parts {
            let places = self.places.iter().enumerate();
            let here = places.filter(|(_, place)| place.is_some_and(|at| part.tasks.contains(&at)));
            part.tasks = here.map(|(idx, _)| idx).collect();
        }
        parts
    }
}

impl std::fmt::Debug for ForTasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.info.tasks.iter().map(|task| &task.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Codes, Labels, TableSource};
    use mtl_core::{answer::Answer, input::InputSpec, task::TaskName};
    use ndarray::array;

    fn task(name: &str) -> TaskInfo {
        TaskInfo { name: TaskName::new(name).unwrap(), answer: Answer::values([name]) }
    }

    fn source() -> Arc<dyn Source> {
        let inputs = InputSpec::table(Vec::new(), vec!["x".into()]);
        let info = DataInfo { inputs, tasks: vec![task("a"), task("b")] };
        let labels = vec![Labels::numbers(array![[1.0]]), Labels::numbers(array![[2.0]])];
        Arc::new(TableSource::from_rows(info, 1, Codes::Narrow(vec![]), vec![0.0], labels).unwrap())
    }

    #[test]
    fn tasks_are_selected_in_the_order_given() {
        let selected = ForTasks::select(source(), &["b"]).unwrap();
        let batch = selected.batch(&[0]).unwrap();
        assert_eq!((batch.targets.len(), selected.n_tasks()), (1, 1));
        assert_eq!(batch.targets[0].as_ref().unwrap().describe(), "numbers [b, k]");
        let e = ForTasks::select(source(), &["c"]).unwrap_err().to_string();
        assert_eq!(e, r#"unknown task "c", known tasks are a, b"#);
    }

    #[test]
    fn tasks_without_data_have_no_target() {
        let spread = ForTasks::spread(source(), &[task("c"), task("b")]).unwrap();
        let known: Vec<_> = spread.batch(&[0]).unwrap().targets.iter().map(Option::is_some).collect();
        assert_eq!(known, [false, true]);
        let other = TaskInfo { answer: Answer::class(["x"]), ..task("a") };
        assert!(ForTasks::spread(source(), &[other]).unwrap_err().to_string().contains("wherever task a occurs"));
        assert!(ForTasks::spread(source(), &[task("a"), task("a")]).unwrap_err().to_string().contains("twice"));
    }
}
