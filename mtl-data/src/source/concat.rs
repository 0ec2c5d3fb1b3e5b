//! Several sources with the same inputs and tasks, one after the other.

use std::sync::Arc;

use mtl_core::{
    TorchContext,
    answer::Labels,
    batch::{Batch, Inputs, Target},
};
use tch::Tensor;

use super::{Source, indices};
use crate::{
    error::{Error, Result},
    info::{DataInfo, TaskInfo},
};

/// All samples of the first source, then all of the second, and so on; sample ids are positions in the whole.
#[derive(Clone)]
pub struct Concat {
    sources: Vec<Arc<dyn Source>>,
    /// Where each source ends.
    ends: Vec<u64>,
    info: DataInfo,
}

/// A source and positions in it.
pub(super) type Run = (usize, Vec<u64>);

impl Concat {
    /// Joins sources.
    ///
    /// # Errors
    /// `InvalidConfig` without a source, or when inputs or tasks differ.
    pub fn new(sources: Vec<Arc<dyn Source>>) -> Result<Self> {
        let refuse = |expected: &str, found: String| Err(Error::config("concat", "sources", expected, found));
        let Some(info) = sources.first().map(|source| source.info().clone()) else {
            return refuse("at least one", "none".into());
        };
        if let Some(odd) = sources.iter().position(|source| *source.info() != info) {
            return refuse("alike in inputs and tasks", format!("a difference between number 1 and {}", odd + 1));
        }
        if let Some(mixed) = sources.iter().position(|source| source.parts().len() > 1) {
            return refuse("each of one data set", format!("several parts in number {}", mixed + 1));
        }
        let mut end = 0;
        let ends = sources.iter().map(|source| {
            end += source.len();
            end
        });
        Ok(Self { ends: ends.collect(), info, sources })
    }

    fn runs(&self, positions: &[u64]) -> Result<(Vec<Run>, Vec<usize>)> {
        indices("concat", self.len(), positions)?;
        Ok(runs(&self.ends, positions))
    }
}

impl Source for Concat {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        // One batch per source that occurs, laid end to end, then put into the order asked for.
        let (runs, back) = self.runs(positions)?;
        let mut batches = Vec::with_capacity(runs.len());
        for (source, inner) in &runs {
            batches.push(self.sources[*source].batch(inner)?);
        }
        if batches.is_empty() {
            return self.sources[0].batch(&[]);
        }
        let index: Vec<i64> = back.iter().map(|&at| at as i64).collect();
        let index = Tensor::f_from_slice(&index).op("concat")?;
        let parts: Vec<&Inputs> = batches.iter().map(|batch| &batch.inputs).collect();
        let inputs = self.info.inputs.concat(&parts)?.select(&index)?;
        let parts: Vec<_> = batches.iter().map(|batch| (batch.len(), batch.targets.as_slice())).collect();
        Ok(Batch::new(inputs, join_all(&self.info.tasks, &parts, &back)?, positions.to_vec())?)
    }

    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        let (runs, back) = self.runs(positions)?;
        if runs.is_empty() {
            return self.sources[0].targets(&[]);
        }
        let mut targets = Vec::with_capacity(runs.len());
        for (source, inner) in &runs {
            targets.push((inner.len(), self.sources[*source].targets(inner)?));
        }
        let parts: Vec<_> = targets.iter().map(|(len, targets)| (*len, targets.as_slice())).collect();
        join_all(&self.info.tasks, &parts, &back)
    }
}

/// The positions by source, which end there, and where in their sequence each sample asked for lies.
pub(super) fn runs(ends: &[u64], positions: &[u64]) -> (Vec<Run>, Vec<usize>) {
    let place = |&position: &u64| {
        let at = ends.partition_point(|&end| end <= position);
        (at, position - at.checked_sub(1).map_or(0, |before| ends[before]))
    };
    let places: Vec<_> = positions.iter().map(place).collect();
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|&at| places[at].0);
    let runs = order.chunk_by(|&a, &b| places[a].0 == places[b].0);
    let runs = runs.map(|run| (places[run[0]].0, run.iter().map(|&at| places[at].1).collect())).collect();
    let mut back = vec![0; order.len()];
    for (at, &wanted) in order.iter().enumerate() {
        back[wanted] = at;
    }
    (runs, back)
}

/// How many samples, and their targets.
pub(super) type Part<'a> = (usize, &'a [Option<Target>]);

/// The targets of all tasks over all batches, reordered.
pub(super) fn join_all(tasks: &[TaskInfo], parts: &[Part<'_>], back: &[usize]) -> Result<Vec<Option<Target>>> {
    tasks.iter().enumerate().map(|(idx, task)| join(task, idx, parts, back)).collect()
}

/// The target of a task over all batches, reordered; labels are missing where a batch has no target for it.
fn join(task: &TaskInfo, task_idx: usize, parts: &[Part<'_>], back: &[usize]) -> Result<Option<Target>> {
    let targets: Vec<_> = parts.iter().map(|&(len, targets)| (len, targets[task_idx].as_ref())).collect();
    if targets.iter().all(|(_, target)| target.is_none()) {
        return Ok(None);
    }
    let mut labels = Vec::with_capacity(targets.len());
    for (_, target) in &targets {
        labels.push(target.map(Target::labels).transpose()?);
    }
    // What an unlabeled sample looks like is known from a part that has labels; there is one.
    let Some(form) = labels.iter().flatten().next().map(|labels| labels.gather(&[])) else { return Ok(None) };
    let parts: Vec<Labels> = labels
        .into_iter()
        .zip(&targets)
        .map(|(labels, &(len, _))| labels.unwrap_or_else(|| form.unlabeled(len)))
        .collect();
    let joined = Target::new(task.name.as_str(), &task.answer, &Labels::concat(&parts)?.gather(back))?;
    with_sample_facts(task, joined, &targets, back).map(Some)
}

/// Weights and groups of the parts, reordered, if any part has them: weight 1 where a part has none. An unlabeled sample is of
/// a group of its own kind, which no metric sees.
fn with_sample_facts(
    task: &TaskInfo,
    mut joined: Target,
    targets: &[(usize, Option<&Target>)],
    back: &[usize],
) -> Result<Target> {
    let name = task.name.as_str();
    if targets.iter().any(|(_, target)| target.is_some_and(|t| t.weights().is_some())) {
        let mut weights = Vec::new();
        for &(len, target) in targets {
            weights.extend(target.map(Target::plain_weights).transpose()?.flatten().unwrap_or_else(|| vec![1.0; len]));
        }
        joined = joined.with_weights(name, &back.iter().map(|&at| weights[at]).collect::<Vec<f32>>())?;
    }
    if targets.iter().any(|(_, target)| target.is_some_and(|t| t.groups().is_some())) {
        let mut groups = Vec::new();
        for &(len, target) in targets {
            let of_part = target.map(Target::plain_groups).transpose()?.flatten();
            let Some(of_part) = of_part.or_else(|| target.is_none().then(|| vec![u64::MAX; len])) else {
                let expected = format!("groups for task {name} in all sources or in none");
                return Err(Error::config("concat", "sources", expected, "groups in some"));
            };
            groups.extend(of_part);
        }
        joined = joined.with_groups(name, &back.iter().map(|&at| groups[at]).collect::<Vec<u64>>())?;
    }
    Ok(joined)
}

impl std::fmt::Debug for Concat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Concat({} sources, {} samples)", self.sources.len(), self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Codes, ForTasks, TableSource};
    use mtl_core::{
        answer::{Answer, numbered},
        input::InputSpec,
        prediction::Reference,
        task::TaskName,
    };

    /// A source whose one number and one class tell `from + row`.
    fn source(task: &str, from: u8, n: u8) -> Arc<dyn Source> {
        let answer = Answer::class(numbered(100));
        let tasks = vec![TaskInfo { name: TaskName::new(task).unwrap(), answer }];
        let info = DataInfo { inputs: InputSpec::table(Vec::new(), vec!["x".into()]), tasks };
        let labels = vec![Labels::indices((from..from + n).map(i64::from).collect())];
        let numeric = (from..from + n).map(f32::from).collect();
        Arc::new(TableSource::from_rows(info, n.into(), Codes::Narrow(vec![]), numeric, labels).unwrap())
    }

    #[test]
    fn samples_come_in_the_order_asked_for() {
        let whole = Concat::new(vec![source("y", 0, 3), source("y", 50, 0), source("y", 10, 4)]).unwrap();
        assert_eq!(whole.len(), 7);
        let batch = whole.batch(&[6, 0, 3, 2, 6]).unwrap();
        let numbers = Vec::<f32>::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap();
        assert_eq!(numbers, [13.0, 0.0, 10.0, 2.0, 13.0]);
        let reference = batch.targets[0].as_ref().unwrap().reference().unwrap();
        assert_eq!(reference, Reference::Class(vec![13, 0, 10, 2, 13]));
        assert_eq!(batch.ids, [6, 0, 3, 2, 6]);
        assert!(whole.batch(&[7]).unwrap_err().to_string().starts_with("concat: "));
        assert!(whole.batch(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_task_that_a_source_lacks_is_missing_there() {
        let (a, b) = (source("a", 0, 2), source("b", 10, 2));
        let tasks = [a.info().tasks.clone(), b.info().tasks.clone()].concat();
        let spread = |s: Arc<dyn Source>| Arc::new(ForTasks::spread(s, &tasks).unwrap()) as Arc<dyn Source>;
        let whole = Concat::new(vec![spread(a.clone()), spread(b)]).unwrap();
        let batch = whole.batch(&[2, 1]).unwrap();
        let references: Vec<_> = batch.targets.iter().map(|t| t.as_ref().unwrap().reference().unwrap()).collect();
        assert_eq!(references, [Reference::Class(vec![-100, 1]), Reference::Class(vec![10, -100])]);
        assert!(whole.batch(&[0]).unwrap().targets[1].is_none());
        let e = Concat::new(vec![a, source("c", 0, 1)]).unwrap_err().to_string();
        assert!(e.ends_with("found a difference between number 1 and 2"), "{e}");
        assert!(Concat::new(vec![]).is_err());
    }
}
