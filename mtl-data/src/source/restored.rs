//! A source some of whose inputs are labels too: what a head restores hidden cells of.

use std::sync::Arc;

use mtl_core::{
    answer::array2,
    batch::{Batch, Inputs, Target},
};

use super::{Source, SourcePart};
use crate::{error::Result, info::DataInfo};

/// The samples of a source with targets that are inputs, one task more for each, behind its own ([`DataInfo::with_restored`]). A batch that
/// does not bring the input, being of another part of the source, has no such target.
#[derive(Clone)]
pub struct Restored {
    source: Arc<dyn Source>,
    info: DataInfo,
    /// The name of the task, and of the input that is its label.
    tasks: Vec<(String, String)>,
}

impl Restored {
    /// Adds tasks: the name of each, and that of its input.
    ///
    /// # Errors
    /// As [`DataInfo::with_restored`].
    pub fn new(source: Arc<dyn Source>, tasks: &[(String, String)]) -> Result<Self> {
        Ok(Self { info: source.info().with_restored(tasks)?, source, tasks: tasks.to_vec() })
    }

    fn add(&self, targets: &mut Vec<Option<Target>>, inputs: &Inputs) -> Result<()> {
        for (task, input) in &self.tasks {
            let is_here = self.info.inputs.sets().is_empty() || inputs.iter().any(|(name, _)| name == input);
            let target = || Target::values(task, array2(inputs.get(input)?)?.view());
            targets.push(is_here.then(target).transpose()?);
        }
        Ok(())
    }
}

impl Source for Restored {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.source.len()
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        let Batch { inputs, mut targets, ids } = self.source.batch(positions)?;
        self.add(&mut targets, &inputs)?;
        Ok(Batch::new(inputs, targets, ids)?)
    }

    /// Inputs are made for it: they are the labels.
    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        Ok(self.batch(positions)?.targets)
    }

    fn parts(&self) -> Vec<SourcePart> {
        let (mut parts, sets) = (self.source.parts(), self.info.inputs.sets());
        let first = self.source.n_tasks();
        for part in &mut parts {
            let set = sets.iter().find(|set| set.is_of(&part.name));
            let brings = |input: &String| set.is_none_or(|set| set.inputs.contains(input));
            let here = self.tasks.iter().enumerate().filter(|(_, (_, input))| brings(input));
            part.tasks.extend(here.map(|(at, _)| first + at));
        }
        parts
    }
}

impl std::fmt::Debug for Restored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.tasks.iter().map(|(task, input)| (task, input))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        info::TaskInfo,
        source::{Codes, Labels, TableSource},
    };
    use mtl_core::{answer::Answer, batch::Target, input::InputSpec, prediction::Reference, task::TaskName};
    use ndarray::array;

    fn source() -> Arc<dyn Source> {
        let inputs = InputSpec::table(Vec::new(), vec!["x".into(), "y".into()]);
        let tasks = vec![TaskInfo { name: TaskName::new("a").unwrap(), answer: Answer::values(["a"]) }];
        let labels = vec![Labels::numbers(array![[1.0], [2.0]])];
        let numbers = vec![0.5, 1.5, 2.5, 3.5];
        Arc::new(TableSource::from_rows(DataInfo { inputs, tasks }, 2, Codes::Narrow(vec![]), numbers, labels).unwrap())
    }

    fn of(task: &str, input: &str) -> [(String, String); 1] {
        [(task.into(), input.into())]
    }

    #[test]
    fn an_input_is_a_target_too() {
        let restored = Restored::new(source(), &of("restore", "numeric")).unwrap();
        assert_eq!((restored.n_tasks(), restored.len()), (2, 2));
        assert_eq!(restored.info().tasks[1].answer, Answer::values(["x", "y"]));
        let batch = restored.batch(&[1, 0]).unwrap();
        let reference = |target: &Option<Target>| target.as_ref().unwrap().reference().unwrap();
        let expected = Reference::Values(array![[2.5, 3.5], [0.5, 1.5]]);
        assert_eq!(reference(&batch.targets[1]), expected);
        assert_eq!(reference(&restored.targets(&[1, 0]).unwrap()[1]), expected);
        assert_eq!(reference(&batch.targets[0]), Reference::Values(array![[2.0], [1.0]]));
    }

    #[test]
    fn what_cannot_be_a_label_is_refused() {
        let refused = |task: &str, input: &str| Restored::new(source(), &of(task, input)).unwrap_err().to_string();
        assert_eq!(refused("restore", "photo"), r#"unknown input "photo", known are numeric"#);
        assert_eq!(refused("a", "numeric"), r#"task "a" is given twice"#);
        assert!(refused("a.b", "numeric").contains("a.b"));
    }
}
