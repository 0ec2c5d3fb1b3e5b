//! Where a head is built, and for what: one value, so that the next thing a head must know is a field of it.
//!
//! A head reads of it what it needs: all of them the task, the view and the answer, some the statistics of labels (centers,
//! thresholds, the longest sequence) or the inputs (what is restored of them).

use mtl_core::{
    Error, Result,
    answer::Answer,
    features::View,
    input::InputSpec,
    input::Modality,
    label_stats::LabelStats,
    metric::MetricName,
    params::{Role, Scope},
    task::TaskName,
};

use crate::{HeadConfig, ask::HeadNeeds, head::HeadSpec};

/// What a head is built of. Its fields grow in number, so it is made by [`HeadPlace::new`] and the `with_` methods.
///
/// # Examples
/// ```
/// use mtl_core::{answer::Answer, features::View, params::ParamSet, task::TaskName};
/// use mtl_heads::{HeadConfig, HeadPlace};
/// use tch::{Device, Kind};
///
/// let mut params = ParamSet::new(Kind::Float, Device::Cpu, 7);
/// let (task, view, answer) = (TaskName::new("old")?, View::Pooled { width: 16 }, Answer::multi_label(["old"]));
/// let head = HeadConfig::default_for(&answer)?.build(HeadPlace::in_model(params.root(), 0, &task, &view, &answer))?;
/// assert_eq!(head.spec().kind, "multi-label");
/// assert_eq!(params.params()[0].name(), "heads.old.out.weight");
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct HeadPlace<'a> {
    /// Where it makes its parameters.
    pub scope: Scope<'a>,
    /// The task it answers.
    pub task: &'a TaskName,
    /// The features that it gets.
    pub view: &'a View,
    /// What is answered, as the data has it.
    pub answer: &'a Answer,
    /// Statistics of the training labels; `None` when weights will be loaded, which bring what was taken from them.
    pub labels: Option<&'a LabelStats>,
    /// The inputs of the data; `None` where nobody says, and a head that reads inputs cannot be built.
    pub inputs: Option<&'a InputSpec>,
    /// Of how many [members](mtl_core::encode::Encoder::members) the features are: those of `b` samples have `k b` rows, as have target,
    /// inputs and whatever else the head is given, and it answers row by row. Most heads hand this on to their [`Tower`](crate::Tower).
    pub members: i64,
}

impl<'a> HeadPlace<'a> {
    /// The place of a task's head in a model whose root that is: parameters of its own below `heads.<task>`.
    #[must_use]
    pub fn in_model(root: Scope<'a>, task_idx: usize, task: &'a TaskName, view: &'a View, answer: &'a Answer) -> Self {
        let scope = root.into_sub("heads").into_sub(task.as_str()).into_role(Role::Task(task_idx));
        Self::new(scope, task, view, answer)
    }

    /// A place for the head of a task right there, without statistics and inputs, on features of one member.
    #[must_use]
    pub fn new(scope: Scope<'a>, task: &'a TaskName, view: &'a View, answer: &'a Answer) -> Self {
        Self { scope, task, view, answer, labels: None, inputs: None, members: 1 }
    }

    /// With the statistics of the training labels, if they are known.
    #[must_use]
    pub fn with_labels(self, labels: Option<&'a LabelStats>) -> Self {
        Self { labels, ..self }
    }

    /// With the inputs of the data.
    #[must_use]
    pub fn with_inputs(self, inputs: &'a InputSpec) -> Self {
        Self { inputs: Some(inputs), ..self }
    }

    /// On features of so many members.
    #[must_use]
    pub fn with_members(self, members: i64) -> Self {
        Self { members, ..self }
    }

    /// The modality of an input, for a head of that kind which reads it.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for an input that the data do not have, listing those they have.
    pub fn input(&self, name: &str) -> Result<&'a Modality> {
        match self.inputs {
            Some(inputs) => inputs.get(name),
            None => Err(Error::UnknownName { what: "input", name: name.to_owned(), known: Vec::new() }),
        }
    }

    /// The error of a head of that kind which does not learn such answers; it names the one that does.
    #[must_use]
    pub fn refuses(&self, kind: &str) -> Error {
        let suits = HeadConfig::default_for(self.answer).map(|head| format!("{:?}", head.name()));
        let suits = suits.unwrap_or_else(|_| "a head of one's own".into());
        Error::InvalidConfig {
            what: "head",
            field: "kind",
            expected: format!("{suits} for the labels of task {}", self.task),
            found: format!("{kind:?}, the labels are {}", self.answer.describe()),
        }
    }

    /// The spec of a head of that kind built here, which asks for features alone; `output` says in words what
    /// [`HeadOutput::main`](crate::HeadOutput::main) holds.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a metric's name that is none.
    pub fn spec(&self, kind: &'static str, output: impl Into<String>, metrics: &[&str]) -> Result<HeadSpec> {
        Ok(HeadSpec {
            kind,
            task: self.task.clone(),
            input: self.view.clone(),
            output: output.into(),
            answer: self.answer.clone(),
            metrics: MetricName::several(metrics)?,
            needs: HeadNeeds::default(),
        })
    }
}
