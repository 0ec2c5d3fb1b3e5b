//! What validation is scored by: the number that chooses the best epoch and ends a run early.
//!
//! | `train.selection` | score |
//! |---|---|
//! | `skill` (default) | mean over tasks of the primary metric's [`Skill`](mtl_metrics::aggregate::Skill): 0 is a constant answer, 1 perfect |
//! | `mean` | mean of the primary metrics, where these are shares of one direction |
//! | an expression | what it says, see [`Composite`]; the name of a `[[joint_metric]]` is one |
//!
//! A selection is checked against the tasks where it is read. On what labels it is scored, and what these leave undefined, is the
//! matter of [`Scoring`](super::Scoring).

use mtl_core::{
    label_stats::LabelStats,
    metric::{Direction, MetricName},
};
use mtl_data::Batches;
use mtl_metrics::{
    MetricSet,
    aggregate::{Aggregate, Composite, TaskMean},
};

use super::{
    Scoring,
    evaluate::{judging, metrics_of, primary},
};
use crate::{error::Result, train::model::Model};

/// A selection that suits the tasks of a model.
#[derive(Debug, Clone)]
pub struct Selection {
    text: String,
    rule: Rule,
    direction: Direction,
}

/// How the metrics become one number.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    Skill,
    Mean,
    Expression(Composite),
}

impl Selection {
    /// `skill`, `mean`, or an expression over the tasks' metrics.
    ///
    /// # Errors
    /// [`mtl_core::Error::Parse`] for an expression that cannot be read; [`mtl_core::Error::InvalidConfig`] when the mean would add
    /// metrics that do not add (accuracies and errors), or for a word that is no selection, with what to write.
    pub fn parse(text: &str, model: &Model) -> Result<Self> {
        let text = text.trim();
        let (rule, direction) = match text {
            "skill" => (Rule::Skill, Direction::Maximize),
            "mean" => {
                let mean = TaskMean::new(model.tasks(), &[]).map_err(|e| name_a_score(e, model))?;
                (Rule::Mean, mean.direction())
            }
            word if !word.contains(['.', '(']) && !model.joint().iter().any(|joint| word.contains(&joint.name)) => {
                return Err(no_selection(word, model).into());
            }
            expression => {
                let composite = Composite::parse(expression, &metrics_of(model)?)?;
                let direction = composite.direction();
                (Rule::Expression(composite), direction)
            }
        };
        Ok(Self { text: text.to_owned(), rule, direction })
    }

    /// As it stands in the configuration.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which way is better.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The same, fitted to the labels of a validation split. `training` are the statistics of the training labels, whose
    /// constant answer `skill` measures by; without them those of the validation labels take their place.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] naming task, metric and reason and the line to write, when these labels define none of the
    /// metrics, or not all of those in an expression; what a source finds wrong with its labels.
    pub fn on(&self, model: &Model, validation: &dyn Batches, training: Option<&[LabelStats]>) -> Result<Scoring> {
        Scoring::new(self, model, validation, training)
    }

    pub(super) fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The metrics that the score is made of: one list a task, empty for those that have no part in it.
    pub(super) fn metrics(&self, model: &Model) -> Result<MetricSet> {
        let Rule::Expression(composite) = &self.rule else {
            return primary(model);
        };
        let mut chosen = vec![Vec::new(); model.tasks().len()];
        for (task, metric) in composite.metrics() {
            let task_idx = model.tasks().index_of(task.as_str())?;
            chosen[task_idx].push(MetricName::new(metric)?);
        }
        let joint = composite.joint();
        let joint: Vec<_> =
            model.joint().iter().filter(|config| joint.contains(&config.name.as_str())).cloned().collect();
        Ok(judging(model, &chosen)?.jointly(&joint)?)
    }
}

/// The mean cannot mix errors in units with accuracies; says what can.
fn name_a_score(e: mtl_core::Error, model: &Model) -> mtl_core::Error {
    match e {
        mtl_core::Error::InvalidConfig { field: "primary", expected, found, .. } => mtl_core::Error::InvalidConfig {
            what: "mean",
            field: "primary metric",
            expected: format!("{expected}; write selection = \"skill\", which suits any mix, or {}", example(model)),
            found,
        },
        other => other,
    }
}

fn no_selection(word: &str, model: &Model) -> mtl_core::Error {
    mtl_core::Error::InvalidConfig {
        what: "train",
        field: "selection",
        expected: format!("skill, mean, or an expression of the tasks' metrics such as {}", example(model)),
        found: format!("{word:?}"),
    }
}

/// An expression over all tasks of a model, each on a scale from 0 to 1.
pub(super) fn example(model: &Model) -> String {
    let part = |task: &mtl_core::task::Task| {
        let Some(metric) = &task.primary else { return task.name.to_string() };
        let name = format!("{}.{metric}", task.name);
        match (metric.is_unit_range(), metric.direction()) {
            (true, Direction::Maximize) => name,
            (true, Direction::Minimize) => format!("1 - {name}"),
            (false, Direction::Maximize) => format!("norm({name}, 0, 1)"),
            (false, Direction::Minimize) => format!("norm({name}, 10, 0)"),
        }
    };
    let parts: Vec<String> = model.tasks().iter().take(3).map(part).collect();
    let more = if model.tasks().len() > parts.len() { ", .." } else { "" };
    format!("\"mean({}{more})\"", parts.join(", "))
}
