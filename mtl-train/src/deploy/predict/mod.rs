//! Answers for raw files: from an exported package, a run's folder, or a TorchScript file alone.
//!
//! ```text
//! rows.csv --Preprocessing--> Inputs --network--> Prediction per task --Writer--> answers.csv or .jsonl
//! ```
//! Whatever the network comes from, texts become the same codes and numbers are scaled as in training, and the answers are
//! those of the evaluation at the end of training, with calibrated probabilities where a task asked for them, and beside them
//! what else was fitted: sets, intervals, decisions, rejections. A file is read, answered and written batch by batch.
//!
//! | file of this folder | what |
//! |---|---|
//! | `writer.rs` | [`Writer`], [`OutputFormat`]: answers as CSV or JSON lines |
//! | `file.rs` | [`predict_file`]: a file of rows to a file of answers, whole or not at all |

mod file;
mod writer;

use std::path::Path;

pub use file::{Predicted, Request, predict_file};
use mtl_core::{batch::Inputs, prediction::Prediction};
use mtl_data::{InputBatches, Preprocessing, preprocess::SourceReading};
use tch::Device;
pub use writer::{OutputFormat, Writer};

use crate::{
    deploy::export::{Description, MANIFEST, Package, Record, TaskDescription, TorchScript},
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
        let Trained { config, data, model, post_hoc } = run.model()?;
        let record = Record::of(&config, &data, &model)?;
        let description = Description::of(&config, &data, post_hoc.as_ref(), record)?;
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
        let tasks: Vec<usize> = (0..self.description.tasks.len()).collect();
        self.predict_tasks(inputs, &tasks)
    }

    /// The answers of the tasks at these places, in task order: those that the inputs of one of several sources are answered for.
    ///
    /// # Errors
    /// As [`Predictor::predict`].
    pub fn predict_tasks(&self, inputs: &Inputs, tasks: &[usize]) -> Result<Vec<Prediction>> {
        let wanted = |task: usize| tasks.contains(&task);
        let predictions: Vec<Prediction> = match &self.network {
            Network::Model(model) => {
                let inputs = inputs.to_device(model.params().device())?;
                let said = model.predict_wanted(&inputs, wanted)?.into_iter().zip(&self.description.tasks);
                let calibrated = said.filter_map(|(answer, task)| answer.map(|answer| (task, task.calibrated(answer))));
                let unfit = |task: &TaskDescription, reason: String| Error::Package {
                    path: MANIFEST.into(),
                    reason: format!("task {}: {reason}", task.name),
                };
                calibrated.map(|(task, said)| said.map_err(|reason| unfit(task, reason))).collect::<Result<_>>()?
            }
            // The recording has calibrated them.
            Network::TorchScript(script) => {
                let all = script.predict(inputs)?.into_iter().enumerate();
                all.filter(|(task, _)| wanted(*task)).map(|(_, answer)| answer).collect()
            }
        };
        let named = self.description.tasks.iter().enumerate().filter(|(task, _)| wanted(*task));
        for (prediction, (_, task)) in predictions.iter().zip(named) {
            if let Some(value) = prediction.not_finite() {
                let tasks = mtl_core::WhichTasks::by_name(task.name.as_str());
                return Err(mtl_core::Error::NonFinite { what: "answer", tasks, value: value.into() }.into());
            }
        }
        Ok(predictions)
    }

    /// The answers for all samples of a file, batch by batch in order; `-` is the standard input. Of a model of several sources the file
    /// must be readable as that of one of them alone; [`Predictor::answers_of`] is told which it is.
    ///
    /// # Errors
    /// As [`Predictor::answers_of`].
    pub fn answers(&self, path: &Path, batch_size: usize) -> Result<Answers<'_>> {
        let preprocessing = self.preprocessing()?;
        match preprocessing.sources() {
            [] => self.opened(preprocessing, None, path, batch_size),
            _ => self.answers_of(&self.source_of(path)?, path, batch_size),
        }
    }

    /// As [`Predictor::answers`], for samples of the source of that name: answers of its tasks.
    ///
    /// # Errors
    /// [`mtl_data::Error`] for a source that is not there, or whose samples come from no file; as [`Preprocessing::read`]. Errors of
    /// samples come from the iterator, naming file, line and column.
    pub fn answers_of(&self, source: &str, path: &Path, batch_size: usize) -> Result<Answers<'_>> {
        let reading = self.preprocessing()?.source(source)?;
        let Some(raw) = &reading.raw else {
            let reason = format!("source {source} reads no files: its inputs must be made by the caller");
            return Err(Error::Package { path: MANIFEST.into(), reason });
        };
        self.opened(raw, Some(reading), path, batch_size)
    }

    fn opened<'a>(
        &'a self,
        raw: &Preprocessing,
        reading: Option<&'a SourceReading>,
        path: &Path,
        batch_size: usize,
    ) -> Result<Answers<'a>> {
        let tasks = self.description.tasks_of(reading.map(|reading| reading.name.as_str()))?;
        Ok(Answers { predictor: self, batches: raw.read(path, batch_size)?, reading, tasks })
    }

    /// The source whose samples a file can be: the one that can read its first.
    ///
    /// # Errors
    /// [`Error::Package`] listing the sources, where it is not one alone.
    pub fn source_of(&self, path: &Path) -> Result<String> {
        let sources = self.preprocessing()?.sources();
        let refuse = |why: String| {
            let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
            let reason = format!("{why}; say of which source it is (--source {})", names.join(" or "));
            Err(Error::Package { path: path.to_owned(), reason })
        };
        if path == Path::new("-") {
            return refuse("the standard input is read once, and cannot be tried".into());
        }
        let reads = |source: &&SourceReading| {
            let first = source.raw.as_ref().map(|raw| raw.read(path, 1).map(|mut batches| batches.next()));
            matches!(first, Some(Ok(Some(Ok(_)))))
        };
        let found: Vec<&str> = sources.iter().filter(reads).map(|source| source.name.as_str()).collect();
        match found[..] {
            [only] => Ok(only.to_owned()),
            [] => refuse("none of the model's sources can read its first sample".into()),
            _ => refuse(format!("it can be read as samples of {}", found.join(" and of "))),
        }
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
    reading: Option<&'a SourceReading>,
    tasks: Vec<usize>,
}

impl Answers<'_> {
    /// The tasks that are answered, in the order of the answers: all, or those of the source.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskDescription> {
        self.tasks.iter().filter_map(|&task| self.predictor.description.tasks.get(task)).cloned().collect()
    }

    /// The source that the samples are of, where the model has several.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.reading.map(|reading| reading.name.as_str())
    }

    /// The columns that say what samples are called, as far as the file has them; see [`InputBatches::id_names`].
    #[must_use]
    pub fn id_names(&self) -> Vec<String> {
        self.batches.id_names()
    }

    /// Those that the model knows and the file lacks.
    #[must_use]
    pub fn lacking_ids(&self) -> Vec<String> {
        self.batches.lacking_ids()
    }

    /// What the samples of the batch given last are called: for each of [`id_names`](Self::id_names) a text a sample.
    #[must_use]
    pub fn ids(&self) -> &[Vec<String>] {
        self.batches.ids()
    }

    fn answer(&self, inputs: Inputs) -> Result<Vec<Prediction>> {
        let inputs = match self.reading {
            None => inputs,
            Some(reading) => reading.named(inputs)?,
        };
        self.predictor.predict_tasks(&inputs, &self.tasks)
    }
}

impl Iterator for Answers<'_> {
    type Item = Result<Vec<Prediction>>;

    fn next(&mut self) -> Option<Self::Item> {
        let inputs = self.batches.next()?;
        Some(inputs.map_err(Error::from).and_then(|inputs| self.answer(inputs)))
    }
}
