//! A run's folder, opened again: its data as they were fitted, its model with the weights of the best epoch.
//!
//! ```text
//! RunDir --reload--> Splits --trained--> Session      looks at samples again: eval, explain, report
//!        --model---> Trained                          the data may be gone: predict, export
//! ```

use std::{fs, path::Path};

use mtl_core::params::{NamedTensors, from_safetensors};
use mtl_data::{Splits, kept::Reloaded};

use super::{
    data::{Reopen, RunData},
    dir::RunDir,
    plan::ModelPlan,
    post_hoc::{self, PostHocFits},
    session::Session,
};
use crate::{
    config::{RunConfig, changes},
    error::{Error, Result},
    train::model::Model,
};

/// The model of a finished run.
#[derive(Debug)]
pub struct Trained {
    /// How it was trained.
    pub config: RunConfig,
    /// What is remembered of its data.
    pub data: RunData,
    /// The model with the parameters of the best epoch.
    pub model: Model,
    /// What was fitted to its answers; `None` where no task asked for it.
    pub post_hoc: Option<PostHocFits>,
}

impl RunDir {
    /// The trained model on its data: a session whose parameters are those of the best epoch.
    ///
    /// # Errors
    /// [`Error::Io`] when the run has not finished; [`Error::Checkpoint`] when its weights are damaged;
    /// [`mtl_core::Error`] when they belong to another model; as [`data`](Self::data).
    pub fn trained(&self, config: &RunConfig, splits: &Splits) -> Result<Session> {
        let mut session = Session::new(config, splits)?;
        self.load_weights(session.trainer.model())?;
        let kept = self.data()?.labels;
        // A folder of an older version kept none.
        if !kept.is_empty() {
            session.know_labels(kept);
        }
        Ok(session)
    }

    /// As [`trained`](Self::trained), with the run's own configuration and data.
    ///
    /// # Errors
    /// As [`config`](Self::config), [`trained`](Self::trained) and [`reload`](Self::reload).
    pub fn session(&self) -> Result<Session> {
        let config = self.config()?;
        self.trained(&config, &self.reload(&config, &Reopen::default())?.splits)
    }

    /// The run's data, loaded with what was learned of them when it started.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for the run of a stream; naming the settings when those of the data in `config.toml` are not the run's; as
    /// [`RunData::load`] and [`mtl_data::Kept::load`].
    pub fn reload(&self, config: &RunConfig, how: &Reopen) -> Result<Reloaded> {
        if config.stream.is_some() {
            let reason = "a stream was learned from here, and it is read once: its metrics are in curve.jsonl and stream.json, which \
                          `mtl report` draws";
            return Err(Error::Checkpoint { path: self.root().to_owned(), reason: reason.into() });
        }
        let data = self.data()?;
        let now = config.without_places();
        let then = RunConfig { data: data.data.settings.clone(), ..now.clone() };
        let changes: Vec<String> = changes(&then, &now).iter().map(ToString::to_string).collect();
        if !changes.is_empty() {
            return Err(Error::Checkpoint {
                path: self.config_file(),
                reason: format!(
                    "the run was trained on other settings of its data: {}; take them back",
                    changes.join(", ")
                ),
            });
        }
        data.reload(&config.data, how)
    }

    /// The trained model alone, from the run's folder: the data may be gone.
    ///
    /// # Errors
    /// As [`config`](Self::config), [`data`](Self::data), [`ModelPlan::new`] and [`trained`](Self::trained).
    pub fn model(&self) -> Result<Trained> {
        let (config, data) = (self.config()?, self.data()?);
        let device = config.device.apply().map_err(|e| e.in_section("device"))?;
        let plan = ModelPlan::new(&config, &data.data.info)?;
        let model = plan.build(&[], device, config.train.seed)?;
        self.load_weights(&model)?;
        let post_hoc = self.fits(&plan)?;
        Ok(Trained { config, data, model, post_hoc })
    }

    /// What was fitted to the answers of the run; `None` where no task asks for it.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where tasks ask for it and it is not there; as [`PostHocFits::read`].
    pub fn fits(&self, plan: &ModelPlan) -> Result<Option<PostHocFits>> {
        if !post_hoc::asks(plan) {
            return Ok(None);
        }
        let path = self.post_hoc();
        let found = PostHocFits::read(&path, plan)?;
        let asked = plan.post_hoc.iter().zip(plan.tasks.names()).filter(|(config, _)| !config.is_nothing());
        let missing: Vec<&str> = asked
            .filter(|(_, task)| found.as_ref().is_none_or(|fits| fits.get(task).is_none()))
            .map(|(_, task)| task.as_str())
            .collect();
        match missing.is_empty() {
            true => Ok(found),
            false => Err(Error::Checkpoint {
                path,
                reason: format!("does not hold what was fitted for {}: has the run finished?", missing.join(", ")),
            }),
        }
    }

    fn load_weights(&self, model: &Model) -> Result<()> {
        let tensors = read_weights(&self.weights(), "cannot read weights (has the run finished?)")?;
        Ok(model.params().load_tensors(&tensors)?)
    }
}

/// The tensors of a safetensors file; `action` is what an error says was attempted.
pub(crate) fn read_weights(path: &Path, action: &'static str) -> Result<NamedTensors> {
    let bytes = fs::read(path).map_err(|e| Error::io(path, action, e))?;
    let (tensors, _) = from_safetensors(&bytes)
        .map_err(|e| Error::Checkpoint { path: path.to_owned(), reason: format!("weights are damaged: {e}") })?;
    Ok(tensors)
}
