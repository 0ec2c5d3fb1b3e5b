//! What samplers see of the rows: which class each is of, and which tasks have a label of it.

use mtl_core::answer::{Answer, Cells};

use crate::{
    error::{Error, Result},
    info::TaskInfo,
    source::Source,
};

/// Rows whose labels are read at once.
const CHUNK: u64 = 4096;

/// The rows of a source, or of one of its parts.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    source: &'a dyn Source,
    start: u64,
    len: u64,
    batch_size: usize,
}

/// The class of each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByClass {
    /// What the classes are called.
    pub names: Vec<String>,
    /// The rows of each class, counted from the first of the part.
    pub rows: Vec<Vec<u64>>,
    /// Rows that have no label.
    pub unlabeled: Vec<u64>,
    /// The index of the task.
    pub task: usize,
    /// Which of the task's yes/no labels, where it has some.
    pub label: Option<usize>,
}

impl ByClass {
    /// How many rows each class has.
    #[must_use]
    pub fn counts(&self) -> Vec<u64> {
        self.rows.iter().map(|rows| rows.len() as u64).collect()
    }
}

impl<'a> Rows<'a> {
    /// `len` rows of a source from `start` on, of which batches are made.
    #[must_use]
    pub fn new(source: &'a dyn Source, start: u64, len: u64, batch_size: usize) -> Self {
        Self { source, start, len, batch_size }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many make a batch.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The tasks of the source.
    #[must_use]
    pub fn tasks(&self) -> &'a [TaskInfo] {
        &self.source.info().tasks
    }

    /// The rows of each class of a task, of yes/no labels those of no and of yes; `None` where no row here has a label of it.
    /// Without a name it is the only task that has classes, and of several yes/no labels one is named.
    ///
    /// # Errors
    /// `UnknownTask` or `UnknownName` for a task or label that is not there; `InvalidConfig` where it must be named, and for a task without
    /// classes; those of [`Source::targets`].
    pub fn by_class(&self, task: Option<&str>, label: Option<&str>) -> Result<Option<ByClass>> {
        let task = self.task(task)?;
        let info = &self.tasks()[task];
        let (names, label) = classes(info, label)?;
        let mut rows = vec![Vec::new(); names.len()];
        let mut unlabeled = Vec::new();
        self.each_target(|from, n, targets| {
            let Some(target) = targets.get(task).and_then(Option::as_ref) else {
                unlabeled.extend(from..from + n);
                return Ok(());
            };
            let labels = target.labels()?;
            let width = labels.item_size();
            for (row, at) in (from..from + n).zip(0..) {
                let class = match labels.cells() {
                    Cells::Index(cells) => cells.get(at).and_then(|&class| usize::try_from(class).ok()),
                    Cells::Number(cells) => cells
                        .get(at * width + label.unwrap_or(0))
                        .filter(|x| !x.is_nan())
                        .map(|x| usize::from(*x > 0.5)),
                };
                match class.and_then(|class| rows.get_mut(class)) {
                    Some(of_class) => of_class.push(row),
                    None => unlabeled.push(row),
                }
            }
            Ok(())
        })?;
        let any = rows.iter().any(|rows| !rows.is_empty());
        Ok(any.then_some(ByClass { names, rows, unlabeled, task, label }))
    }

    /// Which rows have a label of each task: a task's rows.
    ///
    /// # Errors
    /// Those of [`Source::targets`].
    pub fn labeled(&self) -> Result<Vec<Vec<u64>>> {
        let mut rows = vec![Vec::new(); self.tasks().len()];
        self.each_target(|from, n, targets| {
            for (rows, target) in rows.iter_mut().zip(targets) {
                let Some(target) = target else { continue };
                if target.is_complete() {
                    rows.extend(from..from + n);
                    continue;
                }
                let labels = target.labels()?;
                let known = |at: &usize| match labels.cells() {
                    Cells::Index(cells) => cells[labels.range(*at)].iter().any(|&cell| cell >= 0),
                    Cells::Number(cells) => cells[labels.range(*at)].iter().any(|cell| !cell.is_nan()),
                };
                rows.extend((0..labels.len()).filter(known).map(|at| from + at as u64));
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// The targets of all rows, some at a time: the first of them, how many, and what each task has.
    fn each_target(
        &self,
        mut see: impl FnMut(u64, u64, &[Option<mtl_core::batch::Target>]) -> Result<()>,
    ) -> Result<()> {
        let mut from = 0;
        while from < self.len {
            let n = CHUNK.min(self.len - from);
            let positions: Vec<u64> = (self.start + from..self.start + from + n).collect();
            see(from, n, &self.source.targets(&positions)?)?;
            from += n;
        }
        Ok(())
    }

    fn task(&self, named: Option<&str>) -> Result<usize> {
        let tasks = self.tasks();
        let names = || tasks.iter().map(|task| task.name.to_string()).collect::<Vec<_>>();
        if let Some(name) = named {
            let found = tasks.iter().position(|task| task.name.as_str() == name);
            return found.ok_or_else(|| mtl_core::Error::UnknownTask { name: name.to_owned(), known: names() }.into());
        }
        let with_classes: Vec<usize> = (0..tasks.len()).filter(|&idx| has_classes(&tasks[idx].answer)).collect();
        match with_classes[..] {
            [only] => Ok(only),
            [] => {
                Err(Error::config("sampler", "task", "one with classes", format!("none among {}", names().join(", "))))
            }
            _ => {
                let several =
                    with_classes.iter().map(|&idx| tasks[idx].name.to_string()).collect::<Vec<_>>().join(", ");
                Err(Error::config("sampler", "task", format!("named: one of {several}"), "none"))
            }
        }
    }
}

/// Whether samplers can go by the labels of such answers.
#[must_use]
pub fn has_classes(answer: &Answer) -> bool {
    !names_of(answer).is_empty()
}

/// The classes of such answers, the labels of yes/no ones; none of others.
fn names_of(answer: &Answer) -> &[String] {
    match answer {
        Answer::Class(class) => &class.classes,
        Answer::Ordinal(ordinal) => &ordinal.grades,
        Answer::MultiLabel(multi) => &multi.labels,
        Answer::Values(_) | Answer::Tags(_) | Answer::Sequence(_) | Answer::Custom(_) => &[],
    }
}

/// What the classes of a task are called, and which of its yes/no labels is meant.
fn classes(task: &TaskInfo, label: Option<&str>) -> Result<(Vec<String>, Option<usize>)> {
    let names = names_of(&task.answer);
    let Answer::MultiLabel(multi) = &task.answer else {
        return match label {
            _ if names.is_empty() => {
                let found = format!("{}, {}", task.name, task.answer.describe());
                Err(Error::config("sampler", "task", "one whose labels are classes", found))
            }
            Some(label) => {
                let expected = format!("left out: task {} has no yes/no labels", task.name);
                Err(Error::config("sampler", "label", expected, label.to_owned()))
            }
            None => Ok((names.to_vec(), None)),
        };
    };
    let no_yes = ["no", "yes"].map(String::from).to_vec();
    match (label, &multi.labels[..]) {
        (None, [_]) => Ok((no_yes, Some(0))),
        (None, several) => {
            let expected = format!("named: one of {} of task {}", several.join(", "), task.name);
            Err(Error::config("sampler", "label", expected, "none"))
        }
        (Some(name), labels) => match labels.iter().position(|label| label == name) {
            Some(at) => Ok((no_yes, Some(at))),
            None => {
                let (name, known) = (name.to_owned(), labels.to_vec());
                Err(mtl_core::Error::UnknownName { what: "label", name, known }.into())
            }
        },
    }
}
