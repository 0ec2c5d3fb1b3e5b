//! Everything that a model is, beside its weights.

use std::fmt::Write as _;

use mtl_core::{
    answer::{Answer, OrReason},
    distribution::Forecast,
    input::{InputSpec, Length, Modality, Numbers},
    metric::MetricName,
    prediction::Prediction,
    task::{Task, TaskName, TaskSet},
};
use mtl_data::Preprocessing;
use mtl_heads::HeadConfig;
use mtl_metrics::post_hoc::PostHoc;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::{Device, Kind};

use super::record::Record;
use crate::{
    config::RunConfig,
    error::Result,
    parts::{architecture::Architecture, encoder::AnyEncoder, metrics::registry},
    run::{data::RunData, plan::ModelPlan, post_hoc::PostHocFits},
    train::model::{Blueprint, Model, ModelConfig},
};

/// A model without its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The encoder.
    pub encoder: AnyEncoder,
    /// What tasks share.
    pub sharing: Architecture,
    /// The tasks in order.
    pub tasks: Vec<TaskDescription>,
    /// What the encoder was built for.
    pub inputs: InputSpec,
    /// From a raw file to inputs; `None` for data that do not come from files of rows or pictures.
    pub preprocessing: Option<Preprocessing>,
    /// The tensors that go in, in the order of the TorchScript module's arguments.
    pub input_tensors: Vec<TensorSpec>,
    /// The tensors that come out, in the order of its tuple: one per task.
    pub output_tensors: Vec<TensorSpec>,
    /// How it came about.
    pub record: Record,
}

/// One task of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskDescription {
    /// Its name.
    pub name: TaskName,
    /// The metric that judges it.
    pub primary: MetricName,
    /// What it answers, with the names of classes, labels or numbers; `label` in files.
    #[serde(rename = "label")]
    pub answer: Answer,
    /// Its head.
    pub head: HeadConfig,
    /// What was fitted to its answers: probabilities are calibrated by it, also within `model.pt`; sets, intervals, decisions and rejections
    /// follow from its numbers (`docs/calibration.md`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_hoc: Option<PostHoc>,
}

impl TaskDescription {
    /// The columns of a written answer; `None` is the task's own, a name is written behind the task's.
    #[must_use]
    pub fn columns(&self) -> Vec<Option<String>> {
        let own = self.head.form().map_or_else(|| self.answer.columns(), |form| form.columns(self.answer.names()));
        let beside = self.post_hoc.iter().flat_map(|fit| fit.columns(&self.answer)).map(Some);
        own.into_iter().chain(beside).collect()
    }

    /// What is said with what was fitted to it: calibrated probabilities.
    ///
    /// # Errors
    /// The reason for answers that it was not fitted on.
    pub fn calibrated(&self, prediction: Prediction) -> OrReason<Prediction> {
        match self.post_hoc.as_ref().filter(|fit| fit.calibration.is_some()) {
            None => Ok(prediction),
            Some(fit) => fit.calibrated(&prediction),
        }
    }

    /// A prediction from an exported tensor `[b, width]`.
    ///
    /// # Errors
    /// Why an answer of the task is not one such tensor.
    pub fn prediction(&self, numbers: Array2<f32>) -> OrReason<Prediction> {
        match self.head.form() {
            Some(form) => Forecast::new(form, numbers).map(Prediction::Forecast),
            None => self.answer.prediction(numbers),
        }
    }
}

/// A tensor that goes into a model or comes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorSpec {
    /// Its name: of the modality, or of the task.
    pub name: String,
    /// Its element kind, in Python's words: `float32`.
    pub kind: String,
    /// Its shape; -1 is the batch, -2 an axis along which samples differ in length.
    pub shape: Vec<i64>,
    /// What its numbers are.
    pub meaning: String,
}

impl TensorSpec {
    fn input(name: &str, modality: &Modality) -> Self {
        let layout = modality.layout();
        let kind = match layout.numbers {
            Numbers::Whole => Kind::Int64,
            Numbers::Real => Kind::Float,
        };
        let size = |length: &Length| match length {
            Length::Fixed(n) => *n,
            Length::Ragged(_) => Self::RAGGED,
        };
        let shape = [-1].into_iter().chain(layout.axes.iter().map(size)).collect();
        let mut meaning = modality.meaning();
        if let Some(Length::Ragged(longest)) = layout.axes.iter().find(|length| length.is_ragged()) {
            let _ = write!(meaning, "; padded to the longest sample, at most {longest}, with lengths beside it");
        }
        Self { name: name.to_owned(), kind: kind_name(kind), shape, meaning }
    }

    /// The size of an axis along which samples differ in length.
    const RAGGED: i64 = -2;

    fn output(task: &TaskDescription) -> Self {
        let (shape, meaning) = match task.head.form() {
            Some(form) => {
                let width = task.answer.width() * form.width();
                (vec![width as i64], form.meaning(task.answer.names()))
            }
            None => (task.answer.shape(), task.answer.meaning()),
        };
        let shape = [-1].into_iter().chain(shape).collect();
        let calibrated = task.post_hoc.as_ref().and_then(|fit| fit.calibration.as_ref());
        let meaning = calibrated.map_or(meaning.clone(), |own| format!("{meaning}; calibrated ({})", own.describe()));
        Self { name: task.name.to_string(), kind: kind_name(Kind::Float), shape, meaning }
    }

    /// The shape for people: `[batch, 39]`.
    #[must_use]
    pub fn shape_text(&self) -> String {
        let size = |&s: &i64| match s {
            Self::RAGGED => "length".to_owned(),
            s if s < 0 => "batch".to_owned(),
            s => s.to_string(),
        };
        format!("[{}]", self.shape.iter().map(size).collect::<Vec<_>>().join(", "))
    }
}

fn kind_name(kind: Kind) -> String {
    match kind {
        Kind::Float => "float32".into(),
        Kind::Double => "float64".into(),
        Kind::Half => "float16".into(),
        Kind::BFloat16 => "bfloat16".into(),
        Kind::Int64 => "int64".into(),
        Kind::Bool => "bool".into(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Settings of layers beyond this are no networks but attempts to make sizes overflow.
const LARGEST_SETTING: u64 = 1 << 20;

impl Description {
    /// What the model of a run is, with what was fitted to its answers.
    ///
    /// # Errors
    /// As [`ModelPlan::new`].
    pub fn of(config: &RunConfig, data: &RunData, fits: Option<&PostHocFits>, record: Record) -> Result<Self> {
        let ModelPlan { tasks, answers, inputs, parts, joint: _, post_hoc: _ } =
            ModelPlan::new(config, &data.data.info)?;
        let tasks: Vec<TaskDescription> = tasks
            .iter()
            .zip(answers)
            .zip(parts.heads.into_iter().flatten())
            .map(|((task, answer), head)| {
                let primary = task.metric()?.name().clone();
                let post_hoc = fits.and_then(|fits| fits.get(&task.name)).cloned();
                Ok(TaskDescription { name: task.name.clone(), primary, answer, head, post_hoc })
            })
            .collect::<Result<_>>()?;
        let input_tensors = inputs.iter().map(|(name, modality)| TensorSpec::input(name, modality)).collect();
        let names: Vec<String> = tasks.iter().map(|task| task.name.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(Self {
            encoder: config.encoder.clone(),
            sharing: config.sharing.clone(),
            output_tensors: tasks.iter().map(TensorSpec::output).collect(),
            tasks,
            inputs,
            preprocessing: data.data.preprocessing.as_ref().map(|all| all.for_tasks(&names)),
            input_tensors,
            record,
        })
    }

    /// The tasks as the model wants them.
    ///
    /// # Errors
    /// [`mtl_core::Error::Duplicate`] for a repeated name; [`mtl_core::Error::InvalidConfig`] without tasks;
    /// [`mtl_core::Error::UnknownName`] for a metric that this version does not have.
    pub fn task_set(&self) -> Result<TaskSet> {
        let task = |t: &TaskDescription| Ok(Task::new(t.name.as_str())?.judged_by(registry().find(&t.primary)?));
        let tasks = self.tasks.iter().map(task);
        Ok(TaskSet::new(tasks.collect::<mtl_core::Result<_>>()?)?)
    }

    /// The network with fresh parameters, of at most `limit` numbers.
    ///
    /// # Errors
    /// As [`Description::validate`] and [`Model::build_within`].
    pub fn build(&self, limit: usize, device: Device) -> Result<Model> {
        self.validate()?;
        let answers: Vec<Answer> = self.tasks.iter().map(|t| t.answer.clone()).collect();
        let config = ModelConfig {
            encoder: self.encoder.clone(),
            sharing: self.sharing.clone(),
            heads: self.tasks.iter().map(|t| Some(t.head.clone())).collect(),
        };
        let blueprint =
            Blueprint { inputs: &self.inputs, answers: &answers, labels: &[], kind: Kind::Float, device, seed: 0 };
        Model::build_within(limit, &config, &self.task_set()?, &blueprint)
    }

    /// The tasks that samples of a source are answered for, by their places; all where there is one source.
    ///
    /// # Errors
    /// As [`Preprocessing::source`].
    pub fn tasks_of(&self, source: Option<&str>) -> Result<Vec<usize>> {
        let own = match (&self.preprocessing, source) {
            (Some(preprocessing), Some(source)) => Some(&preprocessing.source(source)?.tasks),
            _ => None,
        };
        let is_own = |task: &TaskDescription| own.is_none_or(|own| own.contains(&task.name));
        Ok((0..self.tasks.len()).filter(|&at| is_own(&self.tasks[at])).collect())
    }

    /// Checks one that was read from a file, before anything is built from it.
    ///
    /// # Errors
    /// Whatever is wrong, in the words of the part that it concerns.
    pub fn validate(&self) -> Result<()> {
        let refuse = |field, expected: &str, found: String| {
            Err(mtl_core::Error::InvalidConfig { what: "model description", field, expected: expected.into(), found }
                .into())
        };
        self.task_set()?;
        let heads: Vec<&HeadConfig> = self.tasks.iter().map(|t| &t.head).collect();
        for (field, settings) in [
            ("encoder", serde_json::to_value(&self.encoder)),
            ("sharing", serde_json::to_value(&self.sharing)),
            ("head", serde_json::to_value(heads)),
        ] {
            let largest = largest_integer(&settings.unwrap_or_default());
            if largest > LARGEST_SETTING {
                return refuse(field, &format!("made of integers of at most {LARGEST_SETTING}"), largest.to_string());
            }
        }
        for task in &self.tasks {
            let checked =
                task.post_hoc.as_ref().map_or(Ok(()), |fit| fit.check(&task.answer, task.head.form().as_ref()));
            checked.or_else(|reason| refuse("post_hoc", &format!("what fits task {}", task.name), reason))?;
        }
        self.inputs.validate()?;
        if let Some(preprocessing) = &self.preprocessing
            && preprocessing.inputs()? != self.inputs
        {
            return refuse("preprocessing", "one that gives the inputs of the encoder", "another".into());
        }
        let names: Vec<&str> = self.tasks.iter().map(|t| t.name.as_str()).collect();
        if self.output_tensors.iter().map(|t| t.name.as_str()).collect::<Vec<_>>() != names {
            return refuse("output_tensors", "one per task", format!("{}", self.output_tensors.len()));
        }
        Ok(())
    }
}

/// The largest integer in a value, whatever its sign.
fn largest_integer(value: &Value) -> u64 {
    match value {
        Value::Number(n) => n.as_u64().or_else(|| n.as_i64().map(i64::unsigned_abs)).unwrap_or(0),
        Value::Array(items) => items.iter().map(largest_integer).max().unwrap_or(0),
        Value::Object(fields) => fields.values().map(largest_integer).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use mtl_core::input::{Picture, Tokens};

    use super::*;

    #[test]
    fn integers_are_found_wherever_they_are() {
        let value = serde_json::json!({ "a": [1, -7, { "b": 5.5, "c": [3] }], "d": null, "e": "99" });
        assert_eq!(largest_integer(&value), 7);
    }

    #[test]
    fn shapes_say_which_axis_is_the_batch() {
        let text = |modality: Modality| {
            let spec = TensorSpec::input("x", &modality);
            (spec.shape_text(), spec.kind, spec.meaning)
        };
        let (shape, kind, _) = text(Picture { channels: 1, height: 2, width: 3 }.into());
        assert_eq!((shape.as_str(), kind.as_str()), ("[batch, 1, 2, 3]", "float32"));
        let (shape, kind, meaning) =
            text(Tokens { vocabulary: 9, pad: 0, unknown: None, length: Length::Ragged(5) }.into());
        assert_eq!((shape.as_str(), kind.as_str()), ("[batch, length]", "int64"));
        assert!(meaning.contains("ids of tokens in 0..9") && meaning.ends_with("at most 5, with lengths beside it"));
    }
}
