//! Several data sets with tasks of their own, and often inputs of their own, as one source.
//!
//! ```text
//! samples   0 .. n_a - 1: data set a       n_a .. n_a + n_b - 1: data set b       ..
//! tasks     those of a, then those of b; a sample has labels of its data set's tasks alone
//! inputs    those of all; a sample brings its data set's inputs alone      (InputSpec::sets)
//! ```
//! A batch is of one data set ([`Source::parts`]), as its samples have nothing in common with those of another. Ids stay those of the data
//! sets, since messages about a sample name its task.

use std::sync::Arc;

use mtl_core::{
    batch::{Batch, Target},
    input::InputSpec,
};

use super::{Source, SourcePart, concat, indices};
use crate::{
    error::{Error, Result},
    info::DataInfo,
};

/// One of several data sets.
#[derive(Clone)]
pub struct Member {
    /// What it is called.
    pub name: String,
    /// Its samples.
    pub source: Arc<dyn Source>,
    /// What each of its inputs is called among those of all, in their order. Inputs of one name are one input, which must be described
    /// alike.
    pub inputs: Vec<String>,
}

impl Member {
    /// A data set whose inputs keep their names.
    #[must_use]
    pub fn new(name: &str, source: Arc<dyn Source>) -> Self {
        let inputs = source.info().inputs.iter().map(|(name, _)| name.to_owned()).collect();
        Self { name: name.to_owned(), source, inputs }
    }

    /// Its inputs, under the names that they have among those of all.
    fn spec(&self) -> Result<InputSpec> {
        let own = &self.source.info().inputs;
        if own.len() != self.inputs.len() {
            let found = format!("{} of {}", self.inputs.len(), self.name);
            return Err(Error::config("joined sources", "inputs", format!("{} names", own.len()), found));
        }
        Ok(InputSpec::new(own.iter().zip(&self.inputs).map(|((_, modality), name)| (name.clone(), modality.clone())))?)
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Member({}, {} samples)", self.name, self.source.len())
    }
}

/// Several data sets, one after the other.
#[derive(Clone)]
pub struct Joined {
    members: Vec<Member>,
    /// Where each ends.
    ends: Vec<u64>,
    info: DataInfo,
}

impl Joined {
    /// Joins data sets.
    ///
    /// # Errors
    /// `InvalidConfig` without one; `Duplicate` for a task that two of them have; as [`InputSpec::joined`].
    pub fn new(members: Vec<Member>) -> Result<Self> {
        if members.is_empty() {
            return Err(Error::config("joined sources", "members", "at least one data set", "none"));
        }
        let mut tasks = Vec::new();
        for task in members.iter().flat_map(|member| &member.source.info().tasks) {
            if tasks.iter().any(|known: &crate::TaskInfo| known.name == task.name) {
                let name = task.name.to_string();
                return Err(mtl_core::Error::Duplicate { what: "task of several sources", name }.into());
            }
            tasks.push(task.clone());
        }
        let specs = members.iter().map(|m| Ok((m.name.as_str(), m.spec()?))).collect::<Result<Vec<_>>>()?;
        let inputs = InputSpec::joined(specs.iter().map(|(name, spec)| (*name, spec)))?;
        let mut end = 0;
        let ends = members.iter().map(|member| {
            end += member.source.len();
            end
        });
        Ok(Self { ends: ends.collect(), info: DataInfo { inputs, tasks }, members })
    }

    /// The data sets.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The index of a member's first task.
    fn first_task(&self, member: usize) -> usize {
        self.members[..member].iter().map(|other| other.source.n_tasks()).sum()
    }

    /// A member's targets, with none for the tasks of the others.
    fn spread(&self, member: usize, own: Vec<Option<Target>>) -> Vec<Option<Target>> {
        let before = std::iter::repeat_with(|| None).take(self.first_task(member));
        let mut all: Vec<Option<Target>> = before.chain(own).collect();
        all.resize_with(self.info.tasks.len(), || None);
        all
    }
}

impl Source for Joined {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// As [`Source::batch`], of samples of one data set.
    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        indices("joined sources", self.len(), positions)?;
        let (runs, _) = concat::runs(&self.ends, positions);
        let nothing = (0, Vec::new());
        let (at, own) = match &runs[..] {
            [] => &nothing,
            [run] => run,
            [(a, _), (b, _), ..] => {
                let found = format!("some of {} and some of {}", self.members[*a].name, self.members[*b].name);
                return Err(Error::config("joined sources", "batch", "samples of one data set", found));
            }
        };
        let member = &self.members[*at];
        let Batch { inputs, targets, ids } = member.source.batch(own)?;
        let known = &member.source.info().inputs;
        let named = |name: &str| {
            let at = known.iter().position(|(own, _)| own == name);
            at.and_then(|at| member.inputs.get(at)).map_or_else(|| name.to_owned(), Clone::clone)
        };
        Ok(Batch::new(inputs.renamed(named)?, self.spread(*at, targets), ids)?)
    }

    /// Of any samples: labels are missing where a data set does not have the task.
    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        indices("joined sources", self.len(), positions)?;
        let (runs, back) = concat::runs(&self.ends, positions);
        let mut targets = Vec::with_capacity(runs.len());
        for (at, own) in &runs {
            targets.push((own.len(), self.spread(*at, self.members[*at].source.targets(own)?)));
        }
        match &mut targets[..] {
            [] => Ok(self.spread(0, self.members[0].source.targets(&[])?)),
            [(_, only)] => Ok(std::mem::take(only)),
            several => {
                let parts: Vec<_> = several.iter().map(|(len, targets)| (*len, targets.as_slice())).collect();
                concat::join_all(&self.info.tasks, &parts, &back)
            }
        }
    }

    fn parts(&self) -> Vec<SourcePart> {
        let one = |(at, member): (usize, &Member)| {
            let (len, first) = (member.source.len(), self.first_task(at));
            let tasks = (first..first + member.source.n_tasks()).collect();
            SourcePart { name: member.name.clone(), start: self.ends[at] - len, len, tasks }
        };
        self.members.iter().enumerate().map(one).collect()
    }
}

impl std::fmt::Debug for Joined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.members.iter().map(|member| (&member.name, member.source.len()))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        info::TaskInfo,
        source::{Codes, Labels, Subset, TableSource},
    };
    use mtl_core::{
        answer::{Answer, numbered},
        prediction::Reference,
        task::TaskName,
    };

    /// A source of `n` rows with so many numbers each, whose class is the row.
    fn source(task: &str, width: usize, n: u8) -> Arc<dyn Source> {
        let tasks = vec![TaskInfo { name: TaskName::new(task).unwrap(), answer: Answer::class(numbered(100)) }];
        let names = (0..width).map(|at| format!("x{at}")).collect();
        let info = DataInfo { inputs: InputSpec::table(Vec::new(), names), tasks };
        let labels = vec![Labels::indices((0..n).map(i64::from).collect())];
        let numeric = vec![0.0; width * usize::from(n)];
        Arc::new(TableSource::from_rows(info, n.into(), Codes::Narrow(vec![]), numeric, labels).unwrap())
    }

    fn joined() -> Joined {
        let b = Member { inputs: vec!["b_numeric".into()], ..Member::new("b", source("y", 3, 4)) };
        Joined::new(vec![Member::new("a", source("x", 2, 5)), b]).unwrap()
    }

    #[test]
    fn a_batch_is_of_one_data_set_and_has_its_inputs_and_labels_alone() {
        let whole = joined();
        assert_eq!(whole.len(), 9);
        let sets: Vec<_> = whole.info().inputs.sets().iter().map(|set| set.inputs.clone()).collect();
        assert_eq!(sets, [["numeric"], ["b_numeric"]]);
        let batch = whole.batch(&[8, 5]).unwrap();
        assert_eq!(
            (batch.ids.as_slice(), batch.inputs.get("b_numeric").unwrap().size()),
            ([3, 0].as_slice(), vec![2, 3])
        );
        assert!(batch.targets[0].is_none() && batch.inputs.get("numeric").is_err());
        assert_eq!(batch.targets[1].as_ref().unwrap().reference().unwrap(), Reference::Class(vec![3, 0]));
        let e = whole.batch(&[4, 5]).unwrap_err().to_string();
        assert_eq!(e, "joined sources: batch must be samples of one data set, found some of a and some of b");
        let targets = whole.targets(&[5, 4]).unwrap();
        assert_eq!(targets[0].as_ref().unwrap().reference().unwrap(), Reference::Class(vec![-100, 4]));
        assert!(whole.batch(&[]).unwrap().is_empty() && whole.batch(&[9]).is_err());
    }

    #[test]
    fn parts_go_with_a_subset_that_keeps_their_order() {
        let whole: Arc<dyn Source> = Arc::new(joined());
        let parts: Vec<_> = whole.parts().into_iter().map(|part| (part.start, part.len, part.tasks)).collect();
        assert_eq!(parts, [(0, 5, vec![0]), (5, 4, vec![1])]);
        let some = Subset::new(whole.clone(), vec![3, 1, 6]).unwrap();
        let parts: Vec<_> = some.parts().into_iter().map(|part| (part.name, part.start, part.len)).collect();
        assert_eq!(parts, [("a".to_owned(), 0, 2), ("b".to_owned(), 2, 1)]);
        let last = Subset::new(whole.clone(), vec![7, 8]).unwrap();
        assert_eq!((last.parts().len(), last.parts()[0].start), (1, 0));
        let e = Subset::new(whole, vec![6, 1]).unwrap_err().to_string();
        assert_eq!(e, "subset: positions must be part after part of the source, found 1 behind a later one");
    }

    #[test]
    fn a_task_has_one_data_set_and_an_input_one_description() {
        let twice = Joined::new(vec![Member::new("a", source("x", 2, 5)), Member::new("b", source("x", 2, 4))]);
        assert!(twice.unwrap_err().to_string().contains("task of several sources \"x\" is given twice"));
        let other = Joined::new(vec![Member::new("a", source("x", 2, 5)), Member::new("b", source("y", 3, 4))]);
        assert!(other.unwrap_err().to_string().starts_with("input numeric: the same name in two sources"));
        let shared =
            Joined::new(vec![Member::new("a", source("x", 2, 5)), Member::new("b", source("y", 2, 4))]).unwrap();
        assert_eq!(shared.info().inputs.sets().len(), 1, "all bring the same inputs");
        assert_eq!(shared.parts().len(), 2);
    }
}
