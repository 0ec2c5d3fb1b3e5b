//! What a head may look at while it answers.
//!
//! | what | when | for |
//! |---|---|---|
//! | features, and how the pass runs ([`Cx`]) | always | every head |
//! | inputs | where its [`HeadNeeds`] say so | reconstruction, copying from the input |
//! | the target | in training only, where its needs say so | teacher forcing |
//! | which cells of an input are hidden | where its needs say what is hidden: then inputs and features are without them | restoring them |
//! | outputs of other heads | of the tasks that its needs name, which ran before | funnels, cascades |
//!
//! One value, so that the next wish is a field of it and no change to every head. In evaluation and prediction there is no target,
//! so that an answer cannot rest on its own label; the law *unseen* shows that it does not where one is there.
//!
//! **Outputs of others come without their graph.** A task's own parameters follow the gradient of that task alone, whatever the
//! balancer decides (`mtl_core::step`, rule 2): a gradient that went through another task's head would reach parameters that this
//! task does not own, weighted by nobody. Whoever reads another head learns given what that head says.

use mtl_core::{Error, Result, batch::Target, context::Cx, features::Features, input::Inputs, task::TaskName};

use crate::{
    head::{HeadOutput, HeadSpec},
    hiding::{Hidden, Hiding},
};

/// What a head asks for beside features.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeadNeeds {
    /// The inputs of the batch.
    pub inputs: bool,
    /// Cells of an input that are hidden from the trunk, and from the head, for this task: it gets features of a pass of its own.
    pub hides: Option<Hiding>,
    /// The target, in training.
    pub target: bool,
    /// The outputs of these tasks' heads, which run first.
    pub after: Vec<TaskName>,
}

/// What a head gets to see of one batch.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The task's features.
    pub features: &'a Features,
    /// How the pass runs, and what it records.
    pub cx: &'a Cx,
    inputs: Option<&'a Inputs>,
    hidden: Option<&'a Hidden>,
    target: Option<&'a Target>,
    others: &'a [(TaskName, HeadOutput)],
}

impl<'a> Ask<'a> {
    /// Features alone: all that most heads look at.
    #[must_use]
    pub fn new(features: &'a Features, cx: &'a Cx) -> Self {
        Self { features, cx, inputs: None, hidden: None, target: None, others: &[] }
    }

    /// With the inputs of the batch.
    #[must_use]
    pub fn with_inputs(self, inputs: &'a Inputs) -> Self {
        Self { inputs: Some(inputs), ..self }
    }

    /// With what is hidden of the inputs.
    #[must_use]
    pub fn with_hidden(self, hidden: &'a Hidden) -> Self {
        Self { hidden: Some(hidden), ..self }
    }

    /// With the target of the task.
    #[must_use]
    pub fn with_target(self, target: &'a Target) -> Self {
        Self { target: Some(target), ..self }
    }

    /// With what other heads gave, by task.
    #[must_use]
    pub fn with_others(self, others: &'a [(TaskName, HeadOutput)]) -> Self {
        Self { others, ..self }
    }

    /// The inputs.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the task, for a head whose needs do not say that it reads them.
    pub fn inputs(&self, spec: &HeadSpec) -> Result<&'a Inputs> {
        self.inputs.ok_or_else(|| Error::InvalidConfig {
            what: "head",
            field: "needs",
            expected: format!("inputs = true for {} of task {}, which reads them", spec.kind, spec.task),
            found: "inputs = false".into(),
        })
    }

    /// What is hidden of the inputs.
    ///
    /// # Errors
    /// As [`inputs`](Self::inputs), for a head whose needs do not say what is hidden.
    pub fn hidden(&self, spec: &HeadSpec) -> Result<&'a Hidden> {
        self.hidden.ok_or_else(|| Error::InvalidConfig {
            what: "head",
            field: "needs",
            expected: format!("hides = .. for {} of task {}, which restores hidden cells", spec.kind, spec.task),
            found: "nothing that is hidden".into(),
        })
    }

    /// The target: `None` in evaluation and prediction, and for a head whose needs do not say that it looks at it.
    #[must_use]
    pub fn target(&self) -> Option<&'a Target> {
        self.target
    }

    /// What another task's head gave for the same batch, without its graph.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a task that the head's needs do not name, listing those that they do.
    pub fn other(&self, task: &str) -> Result<&'a HeadOutput> {
        self.others.iter().find(|(name, _)| name.as_str() == task).map(|(_, out)| out).ok_or_else(|| {
            let known = self.others.iter().map(|(name, _)| name.to_string()).collect();
            Error::UnknownName { what: "head to read", name: task.to_owned(), known }
        })
    }
}
