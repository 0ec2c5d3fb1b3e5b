//! What a model's answers rest on: attention maps, attributions, and a number that says how far to believe them.
//!
//! ```text
//! samples --> answers (what the model says, per task)
//!         --> attention maps            entropy, what each task looks at          attention.rs
//!         --> attributions per part     attention rollout, gradients              gradients.rs
//!         --> deletion test             does the answer go with the parts?        deletion.rs
//! split   --> permutation importance    what do metrics lose without a field?     permutation.rs
//! ```
//! A part is a field of a table or a cell of an image ([`Parts`]). Every explanation is shipped with its deletion test,
//! because a picture persuades whether or not it is true: an attention weight says where a task looked, not why it decided.
//!
//! ```
//! use mtl_train::{config::RunConfig, analysis::explain::{ExplainOptions, Samples, explain}, run::session::Session};
//!
//! let config = RunConfig::parse(
//!     r#"
//!     data    = { kind = "synthetic-mmoe", train = 300, validation = 100, test = 100, targets = "binary" }
//!     encoder = { kind = "tabular", token_width = 2, hidden = [8] }
//!     train   = { epochs = 1, batch_size = 100 }
//!     "#,
//!     "example".as_ref(),
//! )?;
//! let session = Session::new(&config, &config.data.load()?)?;
//! let options = ExplainOptions { samples: Samples::Random(8), draws: 2, ..ExplainOptions::default() };
//! let found = explain(session.trainer.model(), session.validation.source(), &options)?;
//! assert_eq!((found.samples.len(), found.parts.len(), found.attributions.len()), (8, 100, 2));
//! assert!(found.attributions[0].faithfulness.is_some());
//! # Ok::<(), mtl_train::Error>(())
//! ```

mod answer;
mod attention;
mod baseline;
mod chosen;
mod deletion;
mod gradients;
mod page;
mod parts;
mod permutation;

use std::fmt;

pub use answer::{Chosen, chosen, strengths};
pub(crate) use answer::{sigmoid, softmax};
pub use attention::{AttentionMap, maps, reaching};
pub use baseline::Baseline;
pub use chosen::Samples;
pub use deletion::{DeletionPoint, DeletionTest, Faithfulness, Orders, by_score};
pub use gradients::{Attributed, attribute};
use mtl_core::{
    TorchContext,
    context::{AttnTrace, Cx},
    mode::Mode,
};
use mtl_data::Source;
pub use page::{blocks, document};
pub use parts::Parts;
pub use permutation::{Importance, Permutation};
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use crate::{
    error::{Error, Result},
    run::{dir::RunDir, json},
    train::{checkpoint::write_atomic, model::Model},
};

/// A way of saying what an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The attention that reaches each part.
    Attention,
    /// The gradient of the answer, times the part's distance from the mean.
    GradientInput,
    /// The same gradient, averaged over the way from the mean.
    IntegratedGradients,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 3] = [Self::Attention, Self::GradientInput, Self::IntegratedGradients];

    /// Its name: `integrated-gradients`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::GradientInput => "gradient-input",
            Self::IntegratedGradients => "integrated-gradients",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Method {
    type Err = mtl_core::Error;

    fn from_str(name: &str) -> std::result::Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|m| m.name() == name).ok_or_else(|| mtl_core::Error::UnknownName {
            what: "method of explanation",
            name: name.to_owned(),
            known: Self::ALL.map(|m| m.name().to_owned()).to_vec(),
        })
    }
}

/// What is explained, how, and with how much work.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainOptions {
    /// The samples; default 64 random ones.
    pub samples: Samples,
    /// The ways; default none, which means attention where it reaches the parts, and integrated gradients.
    pub methods: Vec<Method>,
    /// Points between mean and input for integrated gradients, >= 1; default 32.
    pub steps: u32,
    /// Random orders that the deletion test compares with, >= 2; default 10.
    pub draws: usize,
    /// Samples that means and stand-ins are taken from, >= 2; default 256.
    pub reference: usize,
    /// Permutations of each field of a table by which metrics are measured again; default 0, none is.
    pub permutations: usize,
    /// Samples that they are measured on at most, >= 1; default 2048.
    pub rows: usize,
    /// Seed of everything random; default 0.
    pub seed: u64,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        Self {
            samples: Samples::Random(64),
            methods: Vec::new(),
            steps: 32,
            draws: 10,
            reference: 256,
            permutations: 0,
            rows: 2048,
            seed: 0,
        }
    }
}

/// What was found out about some samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The samples and their answers.
    pub samples: Vec<ExplainedSample>,
    /// Names of the parts.
    pub parts: Vec<String>,
    /// Rows and columns of cells when the parts are those of an image alone.
    pub grid: Option<(usize, usize)>,
    /// Every attention map of the model.
    pub maps: Vec<AttentionMap>,
    /// One entry per method and task.
    pub attributions: Vec<Attribution>,
    /// What metrics lose when fields are permuted, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permutation: Option<Permutation>,
    /// What could not be done, and why.
    pub notes: Vec<String>,
}

/// A sample and what the model says to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedSample {
    /// Its id in the data set.
    pub id: u64,
    /// Per task.
    pub answers: Vec<ExplainedAnswer>,
}

/// An answer in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedAnswer {
    /// The task.
    pub task: String,
    /// The answer.
    pub answer: String,
    /// Its probability, or the number.
    pub strength: f64,
    /// What would have been right; `None` where it is not known.
    pub truth: Option<String>,
}

/// What one method says about one task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attribution {
    /// The method.
    pub method: Method,
    /// The task.
    pub task: String,
    /// Share of each part in the absolute scores, mean over samples; sums to 1.
    pub share: Vec<f64>,
    /// `[sample][part]`; for gradients positive speaks for the answer.
    pub scores: Vec<Vec<f64>>,
    /// Share of the change that integrated gradients do not account for.
    pub gap: Option<f64>,
    /// The deletion test.
    pub faithfulness: Option<Faithfulness>,
}

impl Attribution {
    /// The `n` parts with the largest share, the largest first.
    #[must_use]
    pub fn top(&self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.share.len()).collect();
        order.sort_by(|&a, &b| self.share[b].total_cmp(&self.share[a]));
        order.truncate(n);
        order
    }
}

/// Explains the answers of a model to samples of a source.
///
/// # Errors
/// [`mtl_core::Error::InvalidConfig`] for settings out of range, samples that do not exist, samples of
/// several sources at once, or inputs that have no parts;
/// the model's and the data's own errors.
pub fn explain(model: &Model, source: &dyn Source, options: &ExplainOptions) -> Result<Explanation> {
    check(options)?;
    if let [first, second, ..] = &source.parts()[..] {
        let (expected, found) = ("of one source at a time", format!("those of {} and of {}", first.name, second.name));
        let (what, field) = ("explain", "samples");
        return Err(mtl_core::Error::InvalidConfig { what, field, expected: expected.into(), found }.into());
    }
    let device = model.params().device();
    let batch = options.samples.batch(source, options.seed)?.to_device(device)?;
    let reference = Samples::Random(options.reference).batch(source, options.seed ^ 1)?.to_device(device)?;
    let cx = Cx::new(Mode::Eval).with_traces();
    let predictions = model.predict_with(&batch.inputs, &cx)?;
    let traces = over_members(cx.take_traces(), model)?;
    let keys: Vec<&str> = traces.iter().flat_map(|t| &t.keys).map(String::as_str).collect();
    let parts = Parts::of(&source.info().inputs, &keys)?;
    let tasks: Vec<String> = model.tasks().names().map(ToString::to_string).collect();
    let mut notes = Vec::new();
    let mut given: Vec<Option<Vec<Chosen>>> = Vec::with_capacity(tasks.len());
    let of_source = source.parts().into_iter().next().map(|part| part.tasks);
    for (at, ((task, prediction), head)) in tasks.iter().zip(&predictions).zip(model.heads()).enumerate() {
        if of_source.as_ref().is_some_and(|own| !own.contains(&at)) {
            given.push(None); // asked of samples of another source
            continue;
        }
        let answers = match head.spec().needs.hides {
            Some(_) => Err("it restores its own inputs, each cell from the others".into()),
            None => chosen(prediction),
        };
        notes.extend(answers.as_ref().err().map(|reason| format!("task {task}: {reason}")));
        given.push(answers.ok());
    }
    let samples = describe(&batch, &predictions, &given, source, &tasks)?;

    let reached = reaching(&traces, &parts, &tasks)?;
    let methods = match options.methods.is_empty() {
        true if reached.is_some() => vec![Method::Attention, Method::IntegratedGradients],
        true => vec![Method::IntegratedGradients],
        false => options.methods.clone(),
    };
    let baseline = Baseline::new(model, &reference.inputs)?;
    let mut found: Vec<(Method, Vec<Option<Attributed>>)> = Vec::new();
    for method in methods {
        let steps = if method == Method::GradientInput { 0 } else { options.steps };
        match (method, &reached) {
            (Method::Attention, Some(per_task)) => {
                let attributed = |t: &Tensor| Some(Attributed { scores: t.shallow_clone(), gap: f64::NAN });
                found.push((method, per_task.iter().map(attributed).collect()));
            }
            (Method::Attention, None) => {
                notes.push("no attention map of this model looks at parts of the input".into());
            }
            _ => match attribute(model, &batch.inputs, &given, &baseline, &parts, steps) {
                Ok(attributed) => found.push((method, attributed)),
                Err(Error::Core(e @ mtl_core::Error::Shape { .. })) => notes.push(format!("no gradients: {e}")),
                Err(e) => return Err(e),
            },
        }
    }
    let scores: Vec<Vec<Option<Vec<Vec<f64>>>>> = found
        .iter()
        .map(|(_, per_task)| per_task.iter().map(|a| a.as_ref().map(|a| rows(&a.scores)).transpose()).collect())
        .collect::<mtl_core::Result<_>>()?;
    let orders: Vec<Vec<Option<Orders>>> = scores
        .iter()
        .map(|per_task| per_task.iter().zip(&given).map(|(s, g)| Some(order(s.as_ref()?, g))).collect())
        .collect();
    let test = DeletionTest {
        model,
        inputs: &batch.inputs,
        reference: &reference.inputs,
        baseline: &baseline,
        parts: &parts,
        answers: &given,
        draws: options.draws,
        seed: options.seed,
    };
    let faithfulness = test.run(&orders)?;
    let mut attributions = Vec::new();
    for (((method, per_task), scores), faithfulness) in found.iter().zip(scores).zip(faithfulness) {
        for ((task, (attributed, scores)), faithfulness) in
            tasks.iter().zip(per_task.iter().zip(scores)).zip(faithfulness)
        {
            let (Some(attributed), Some(scores)) = (attributed, scores) else { continue };
            attributions.push(Attribution {
                method: *method,
                task: task.clone(),
                share: share(&scores, parts.len()),
                gap: (*method == Method::IntegratedGradients).then_some(attributed.gap),
                scores,
                faithfulness,
            });
        }
    }
    let permutation = match options.permutations {
        0 => None,
        _ => Permutation::of(model, source, &parts, options)?,
    };
    if options.permutations > 0 && permutation.is_none() {
        notes.push("no permutation importance: only fields of a table are dealt to other samples".into());
    }
    Ok(Explanation {
        permutation,
        samples,
        grid: parts.grid().filter(|(rows, columns)| rows * columns == parts.len()),
        parts: parts.names().to_vec(),
        maps: maps(&traces)?,
        attributions,
        notes,
    })
}

/// The maps of samples: of an ensemble the mean of its members' maps.
fn over_members(traces: Vec<AttnTrace>, model: &Model) -> Result<Vec<AttnTrace>> {
    let of_samples = |t: AttnTrace| Ok(AttnTrace { weights: model.mean_of_members(&t.weights)?, ..t });
    traces.into_iter().map(of_samples).collect()
}

/// Writes `explain.json` and `explain.html` into a run's folder.
///
/// # Errors
/// [`Error::Io`] when a file cannot be written.
pub fn write(dir: &RunDir, title: &str, explanation: &Explanation) -> Result<()> {
    json::write(&dir.explanation("json"), explanation)?;
    write_atomic(&dir.explanation("html"), document(title, explanation).to_html().as_bytes())
}

fn check(options: &ExplainOptions) -> Result<()> {
    for (field, found, least) in [
        ("steps", options.steps as usize, 1),
        ("draws", options.draws, 2),
        ("reference", options.reference, 2),
        ("rows", options.rows, 1),
    ] {
        if found < least {
            let (expected, found) = (format!(">= {least}"), found.to_string());
            return Err(mtl_core::Error::InvalidConfig { what: "explain", field, expected, found }.into());
        }
    }
    Ok(())
}

/// The first part to go is the one that speaks most for the answer; for a number, the one that moves it most.
fn order(scores: &[Vec<f64>], answers: &Option<Vec<Chosen>>) -> Orders {
    let is_value = answers.as_ref().and_then(|a| a.first()).is_some_and(|a| a.is_number());
    if !is_value {
        return by_score(scores);
    }
    by_score(&scores.iter().map(|row| row.iter().map(|s| s.abs()).collect()).collect::<Vec<_>>())
}

fn share(scores: &[Vec<f64>], n_parts: usize) -> Vec<f64> {
    let mut sums = vec![0.0; n_parts];
    for row in scores {
        for (sum, score) in sums.iter_mut().zip(row) {
            *sum += score.abs();
        }
    }
    let total: f64 = sums.iter().sum();
    sums.iter().map(|s| if total > 0.0 { s / total } else { 0.0 }).collect()
}

fn describe(
    batch: &mtl_core::batch::Batch,
    predictions: &[mtl_core::prediction::Prediction],
    given: &[Option<Vec<Chosen>>],
    source: &dyn Source,
    tasks: &[String],
) -> Result<Vec<ExplainedSample>> {
    let mut samples: Vec<ExplainedSample> =
        batch.ids.iter().map(|id| ExplainedSample { id: *id, answers: Vec::new() }).collect();
    for (t, task) in tasks.iter().enumerate() {
        let Some(answers) = given.get(t).and_then(Option::as_ref) else { continue };
        let asked = source.info().tasks.get(t).map(|t| &t.answer);
        let reference = batch.targets.get(t).and_then(Option::as_ref).map(|target| target.reference()).transpose()?;
        let strengths = strengths(&predictions[t], answers);
        for (row, ((sample, answer), strength)) in samples.iter_mut().zip(answers).zip(strengths).enumerate() {
            let Some(asked) = asked else { continue };
            sample.answers.push(ExplainedAnswer {
                task: task.clone(),
                answer: answer.describe(asked, strength),
                strength,
                truth: reference.as_ref().and_then(|r| answer.truth(r, row, asked)),
            });
        }
    }
    Ok(samples)
}

/// `[b, n]` as rows.
fn rows(t: &Tensor) -> mtl_core::Result<Vec<Vec<f64>>> {
    let width = usize::try_from(t.size().last().copied().unwrap_or(1)).unwrap_or(1).max(1);
    let flat = t.f_detach().and_then(|t| t.f_to_device(Device::Cpu)).and_then(|t| t.f_to_kind(Kind::Double));
    let flat = flat.and_then(|t| t.f_reshape([-1])).op("read attributions")?;
    let flat = Vec::<f64>::try_from(&flat).op("read attributions")?;
    Ok(flat.chunks(width).map(<[f64]>::to_vec).collect())
}

#[cfg(test)]
mod tests;
