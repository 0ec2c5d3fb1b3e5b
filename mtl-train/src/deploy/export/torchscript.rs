//! The network as TorchScript: recorded with two batch sizes, tried with three others, sealed.
//!
//! ```text
//! forward(inputs..) -> (answer of task 0, answer of task 1, ..)
//! ```
//! Arguments are the description's `input_tensors`, in their order and already preprocessed; the tuple's elements its
//! `output_tensors`: probabilities or numbers, `[b, width]`. Any batch size will do. Weights are named as in
//! `model.safetensors`. The file also holds the description, under the name `mtl.json`
//! (`torch.jit.load(path, _extra_files={"mtl.json": ""})`).

use std::{fs, path::Path};

use mtl_core::{
    TorchContext,
    batch::Inputs,
    prediction::Prediction,
    shim::{Script, Trace},
};
use mtl_heads::to_array;
use tch::{Device, Tensor};

use super::{calibrated::Calibrated, description::Description, manifest::Manifest, seal};
use crate::{
    error::{Error, Result},
    train::model::Model,
};

/// The name of the description inside the file.
const EXTRA: &str = "mtl.json";
/// Batch sizes of the two recordings, and of the trials.
const RECORDED: [i64; 2] = [5, 7];
const TRIED: [i64; 3] = [1, 2, 11];
/// Largest difference of a trial: what other orders of summation give.
const TOLERANCE: f64 = 1e-5;

/// The bytes of the file for `model`, recorded on made-up samples: which values they have must not matter, and is tried.
///
/// # Errors
/// [`Error::Package`] for a network that cannot be recorded, or whose recording answers otherwise.
pub(super) fn record(model: &Model, description: &Description, manifest: &Manifest) -> Result<Vec<u8>> {
    let refuse = |reason: String| Error::Package { path: "model.pt".into(), reason };
    if let Some((name, modality)) = description.inputs.iter().find(|(_, m)| m.layout().ragged_axis().is_some()) {
        return Err(refuse(format!(
            "input {name} ({}): a recording knows tensors of one length only; export with --format safetensors",
            modality.describe()
        )));
    }
    if let [first, second, ..] = description.inputs.sets() {
        return Err(refuse(format!(
            "a recording takes all inputs at once, and a sample brings those of {} or of {}; export with --format safetensors",
            first.name, second.name
        )));
    }
    let samples = |b: i64| -> Result<Inputs> { Ok(description.inputs.example(b)?.to_device(model.params().device())?) };
    // A first pass makes the constants that layers make once: inside a recording they would be lost.
    model.predict(&samples(1)?)?;
    let maps = Calibrated::of(&description.tasks, model.params().device())?;
    let trace = |b: i64| -> Result<Trace> {
        let inputs = samples(b)?;
        let named: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, input)| (name, input.tensor())).collect();
        Trace::record(&named, model.params(), || answers(model, &maps, &inputs))
    };
    let [first, second] = RECORDED;
    let bytes = trace(first)?.save(&trace(second)?, (EXTRA, &manifest.to_json()?));
    let bytes = seal::seal(bytes.map_err(|e| refuse(format!("the network cannot be recorded: {e}")))?)?;

    let script = TorchScript::from_bytes(&bytes, "model.pt".as_ref(), model.params().device())?;
    for b in TRIED {
        let inputs = samples(b)?;
        let _guard = tch::no_grad_guard();
        for ((found, expected), task) in
            script.forward(&inputs)?.iter().zip(answers(model, &maps, &inputs)?).zip(&description.tasks)
        {
            let close = found.size() == expected.size()
                && found.f_allclose(&expected, TOLERANCE, TOLERANCE, true).op("compare answers")?;
            if !close {
                return Err(refuse(format!(
                    "task {}: the recorded network answers otherwise than the model for a batch of {b}: it computes \
                     something that libtorch does not see; export with --format safetensors",
                    task.name
                )));
            }
        }
    }
    Ok(bytes)
}

/// The decoded answer of every task, calibrated where it asks for that.
fn answers(model: &Model, maps: &Calibrated, inputs: &Inputs) -> Result<Vec<Tensor>> {
    let answers = model.answer_tensors(inputs)?.into_iter().enumerate();
    answers.map(|(idx, answer)| maps.apply(idx, answer)).collect()
}

/// An exported network, without its Rust code.
#[derive(Debug)]
pub struct TorchScript {
    script: Script,
    manifest: Manifest,
    device: Device,
}

impl TorchScript {
    /// Loads a file that `mtl export` made.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read; [`Error::Package`] when it is foreign or damaged; as [`Manifest::from_json`].
    pub fn load(path: &Path, device: Device) -> Result<Self> {
        let bytes = fs::read(path).map_err(|e| Error::io(path, "cannot read model", e))?;
        Self::from_bytes(&bytes, path, device)
    }

    /// As [`TorchScript::load`], from memory; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`TorchScript::load`].
    pub fn from_bytes(bytes: &[u8], path: &Path, device: Device) -> Result<Self> {
        seal::verify(bytes, path)?;
        let script = Script::load(bytes, device, EXTRA)
            .map_err(|e| Error::Package { path: path.to_owned(), reason: format!("cannot be loaded: {e}") })?;
        let manifest = Manifest::from_json(script.extra().as_bytes(), path)?;
        Ok(Self { script, manifest, device })
    }

    /// What the model is.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.manifest.model
    }

    /// The answers of all tasks as tensors, `[b, width]` each.
    ///
    /// # Errors
    /// [`mtl_core::Error::UnknownName`] for an input that is missing; [`mtl_core::Error::Shape`] or
    /// [`mtl_core::Error::Torch`] for one that does not fit.
    pub fn forward(&self, inputs: &Inputs) -> Result<Vec<Tensor>> {
        let model = &self.manifest.model;
        let mut arguments = Vec::with_capacity(model.input_tensors.len());
        for spec in &model.input_tensors {
            let tensor = inputs.get(&spec.name)?;
            let size = tensor.size();
            if size.get(1..) != spec.shape.get(1..) {
                return Err(mtl_core::Error::Shape {
                    op: format!("input {}", spec.name),
                    tensor: "input",
                    expected: spec.shape_text(),
                    found: size,
                }
                .into());
            }
            arguments.push(tensor.f_to_device(self.device).op("run TorchScript")?);
        }
        Ok(self.script.forward(&arguments, model.tasks.len())?)
    }

    /// The answers of all tasks as plain values.
    ///
    /// # Errors
    /// As [`TorchScript::forward`].
    pub fn predict(&self, inputs: &Inputs) -> Result<Vec<Prediction>> {
        let mut predictions = Vec::new();
        for (answer, task) in self.forward(inputs)?.iter().zip(&self.manifest.model.tasks) {
            let prediction = task.prediction(to_array(answer)?);
            predictions.push(prediction.map_err(|reason| Error::Package {
                path: EXTRA.into(),
                reason: format!("task {}: {reason}", task.name),
            })?);
        }
        Ok(predictions)
    }
}
