//! Answers for raw files: from an exported package, a run's folder, or a TorchScript file alone.
//!
//! ```text
//! rows.csv --Preprocessing--> Inputs --network--> Prediction per task --Writer--> answers.csv or .jsonl
//! ```
//! Whatever the network comes from, texts become the same codes and numbers are scaled as in training, and the answers are
//! those of the evaluation at the end of training. A file is read, answered and written batch by batch.
//!
//! | file of this folder | what |
//! |---|---|
//! | `writer.rs` | [`Writer`], [`OutputFormat`]: answers as CSV or JSON lines |
//! | `file.rs` | [`predict_file`]: a file of rows to a file of answers, whole or not at all |

mod file;
mod writer;

use std::path::Path;

pub use file::{Request, predict_file};
use mtl_core::{batch::Inputs, prediction::Prediction};
use mtl_data::{InputBatches, Preprocessing};
use tch::Device;
pub use writer::{OutputFormat, Writer};

use crate::{
    deploy::export::{Description, MANIFEST, Package, Record, TorchScript},
    error::{Error, Result},
    run::{dir::RunDir, opened::Trained},
    train::model::Model,
};

/// A trained model with its preprocessing.
#[derive(Debug)]
pub struct Predictor {
    network: Network,
    description: Description,
}

#[derive(Debug)]
enum Network {
    Model(Box<Model>),
    TorchScript(Box<TorchScript>),
}

impl Predictor {
    /// Opens what `path` is: the folder of a package, the folder of a finished run (whose data may be gone), or a
    /// TorchScript file that `mtl export` made.
    ///
    /// # Errors
    /// [`Error::Package`] saying what was expected; as [`Package::open`], [`RunDir::model`], [`TorchScript::load`].
    pub fn open(path: &Path, device: Device) -> Result<Self> {
        if path.is_file() {
            return match path.extension() {
                Some(extension) if extension == "safetensors" => Err(Error::Package {
                    path: path.to_owned(),
                    reason: "weights alone are no model: name the folder that holds them and model.json".into(),
                }),
                _ => TorchScript::load(path, device).map(Self::from),
            };
        }
        if path.join(MANIFEST).is_file() {
            return Self::of_package(&Package::open(path)?, device);
        }
        match RunDir::open(path) {
            Ok(run) => Self::of_run(&run),
            Err(_) => Err(Error::Package {
                path: path.to_owned(),
                reason: "is no model: expected the folder of a package (model.json), the folder of a run (config.toml) or a \
                         TorchScript file"
                    .into(),
            }),
        }
    }

    /// The model of a package: from its weights, or from TorchScript where there are none.
    ///
    /// # Errors
    /// As [`Package::model`] and [`Package::torchscript`]; [`Error::Package`] when it holds neither.
    pub fn of_package(package: &Package, device: Device) -> Result<Self> {
        if let Some(model) = package.model(device)? {
            let description = package.manifest().model.clone();
            return Ok(Self { network: Network::Model(Box::new(model)), description });
        }
        match package.torchscript(device)? {
            Some(script) => Ok(script.into()),
            None => Err(Error::Package { path: MANIFEST.into(), reason: "lists no file with a network".into() }),
        }
    }

    /// The best epoch of a run, on the run's device; its data are not looked at.
    ///
    /// # Errors
    /// As [`RunDir::model`].
    pub fn of_run(run: &RunDir) -> Result<Self> {
        let Trained { config, data, model } = run.model()?;
        let description = Description::of(&config, &data, Record::of(&config, &data, &model)?)?;
        Ok(Self { network: Network::Model(Box::new(model)), description })
    }

    /// What the model is.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// From raw files to inputs.
    ///
    /// # Errors
    /// [`Error::Package`] for a model of data that do not come from such files.
    pub fn preprocessing(&self) -> Result<&Preprocessing> {
        self.description.preprocessing.as_ref().ok_or_else(|| Error::Package {
            path: MANIFEST.into(),
            reason: format!(
                "a model of data set {} reads no files: its inputs must be made by the caller",
                self.description.record.dataset
            ),
        })
    }

    /// The answers of all tasks, in task order.
    ///
    /// # Errors
    /// [`mtl_core::Error`] when the inputs do not fit; [`mtl_core::Error::NonFinite`] naming a task whose answer is no
    /// number.
    pub fn predict(&self, inputs: &Inputs) -> Result<Vec<Prediction>> {
        let predictions = match &self.network {
            Network::Model(model) => model.predict(&inputs.to_device(model.params().device())?)?,
            Network::TorchScript(script) => script.predict(inputs)?,
        };
        for (prediction, task) in predictions.iter().zip(&self.description.tasks) {
            if let Some(value) = prediction.not_finite() {
                let tasks = mtl_core::WhichTasks::by_name(task.name.as_str());
                return Err(mtl_core::Error::NonFinite { what: "answer", tasks, value: value.into() }.into());
            }
        }
        Ok(predictions)
    }

    /// The answers for all samples of a file, batch by batch in order; `-` is the standard input.
    ///
    /// # Errors
    /// As [`Preprocessing::read`]. Errors of samples come from the iterator, naming file, line and column.
    pub fn answers(&self, path: &Path, batch_size: usize) -> Result<Answers<'_>> {
        Ok(Answers { predictor: self, batches: self.preprocessing()?.read(path, batch_size)? })
    }
}

impl From<TorchScript> for Predictor {
    fn from(script: TorchScript) -> Self {
        let description = script.description().clone();
        Self { network: Network::TorchScript(Box::new(script)), description }
    }
}

/// The answers for a file: one list of predictions, in task order, per batch.
#[derive(Debug)]
pub struct Answers<'a> {
    predictor: &'a Predictor,
    batches: InputBatches,
}

impl Iterator for Answers<'_> {
    type Item = Result<Vec<Prediction>>;

    fn next(&mut self) -> Option<Self::Item> {
        let inputs = self.batches.next()?;
        Some(inputs.map_err(Error::from).and_then(|inputs| self.predictor.predict(&inputs)))
    }
}
