//! First values from another model instead of fresh ones: fine-tuning, a task more or fewer, a pretrained trunk.
//!
//! ```toml
//! [init]
//! from = "runs/census"                        # a run's folder, an exported package, or a .safetensors file
//! map  = { "encoder" = "encoder" }            # only the encoder; without it everything, each under its own name
//! ```
//! Names are dotted, as `mtl train --dry-run` lists them; a beginning ends at a dot. What became of every tensor is said once, on the
//! terminal and in the log. Tensors of other shapes are an error that names them, and so is an input of the same name with other
//! categories or another vocabulary: its embeddings would be those of other words.
//!
//! To leave what was loaded as it is, `train.groups` takes it out of training: `{ prefix = "encoder", lr_factor = 0 }`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use mtl_core::{
    input::InputSpec,
    params::{LoadReport, NameMap, NamedTensors},
};
use serde::{Deserialize, Serialize};

use super::{dir::RunDir, opened::read_weights, session::Session};
use crate::{
    analysis::inspect::{Finding, Level},
    deploy::export::{Package, WEIGHTS},
    error::{Error, Result},
    train::checkpoint::CheckpointStore,
};

/// Where first values come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InitConfig {
    /// The folder of a finished run, that of an exported model, or a `.safetensors` file.
    pub from: PathBuf,
    /// Which parts: beginnings of names in this model, each with the beginning that it has there; default all names, as they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
    /// Whether the state of the optimizer comes too, from the newest checkpoint of a run's folder: for a run that goes on with a
    /// task more or fewer; default false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optimizer: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_false(yes: &bool) -> bool {
    !yes
}

/// What is attempted with a file of weights.
const READ: &str = "cannot read weights";

/// Another model's weights, and what its inputs were where that is known.
struct Weights {
    tensors: NamedTensors,
    inputs: Option<InputSpec>,
}

impl InitConfig {
    /// Loads what is asked for into the model of a session that has not trained yet.
    ///
    /// # Errors
    /// [`Error::Io`] when there is nothing to read; [`Error::Setting`] for the section `init` when nothing fits, when tensors have
    /// other shapes, or when inputs of the same name are of other codes.
    pub fn load(&self, session: &mut Session) -> Result<LoadReport> {
        self.checked(session).map_err(|e| e.in_section("init"))
    }

    fn checked(&self, session: &mut Session) -> Result<LoadReport> {
        let weights = Weights::read(&self.from)?;
        let map = match self.map.is_empty() {
            true => NameMap::same(),
            false => NameMap::parts(self.map.iter().map(|(here, there)| (here.as_str(), there.as_str()))),
        };
        let report = session.trainer.model().params().load_part(&weights.tensors, &map)?;
        let refuse = |field: &'static str, expected: &str, found: String| {
            let expected = expected.to_owned();
            Err(Error::from(mtl_core::Error::InvalidConfig { what: "init", field, expected, found }))
        };
        if !report.refused.is_empty() {
            return refuse("from", "weights of the same shapes (map says which parts are wanted)", report.to_string());
        }
        if report.loaded.is_empty() {
            let has: Vec<&str> = weights.tensors.iter().take(4).map(|(name, _)| name.as_str()).collect();
            let found = format!("{}, which has {}, ..", self.from.display(), has.join(", "));
            return refuse("map", "names that lead to tensors of the file", found);
        }
        let (ours, theirs) = (&session.train.source().info().inputs, &weights.inputs);
        let other = theirs.iter().flat_map(InputSpec::iter).find(|(name, modality)| {
            ours.iter().any(|(own, ours)| own == *name && ours != *modality && ours.layout() == modality.layout())
        });
        if let (Some((name, _)), true) = (other, report.loaded.iter().any(|name| !name.starts_with("heads."))) {
            let found = format!("another input {name} in {}: other names, categories or words", self.from.display());
            return refuse("from", "a model of the same inputs", found);
        }
        if self.optimizer {
            let dir = RunDir::open(&self.from)?;
            let store = CheckpointStore::open(&dir.checkpoints(), usize::MAX)?;
            let Some((checkpoint, _)) = store.latest()? else {
                return refuse("optimizer", "false for a run without checkpoints", self.from.display().to_string());
            };
            session.trainer.take_optimizer(&checkpoint.optimizer)?;
        }
        Ok(report)
    }

    /// What is said of it.
    #[must_use]
    pub fn finding(&self, report: &LoadReport) -> Finding {
        let message = format!("first values from {}: {report}", self.from.display());
        Finding { level: Level::Note, place: "init".into(), message }
    }
}

impl Weights {
    fn read(from: &Path) -> Result<Self> {
        if RunDir::holds_run(from) {
            let dir = RunDir::open(from)?;
            return Ok(Self {
                tensors: read_weights(&dir.weights(), READ)?,
                inputs: Some(dir.data()?.data.info.inputs),
            });
        }
        if from.is_dir() {
            let package = Package::open(from)?;
            let inputs = Some(package.manifest().model.inputs.clone());
            return Ok(Self { tensors: read_weights(&from.join(WEIGHTS), READ)?, inputs });
        }
        Ok(Self { tensors: read_weights(from, READ)?, inputs: None })
    }
}
