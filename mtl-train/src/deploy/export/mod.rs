//! A trained model as a folder that stands alone: no data set, no configuration, no Rust needed to use it.
//!
//! | file | holds |
//! |---|---|
//! | `model.json` | what the model is: its parts, inputs, tasks, classes, preprocessing, how it was trained, checksums ([`Manifest`]) |
//! | `model.safetensors` | the weights by name, for Rust and for whoever builds the network again |
//! | `model.pt` | the network itself as TorchScript, which Python's `torch.jit.load` runs; holds a copy of `model.json` |
//! | `README.md` | the model card |
//!
//! ```no_run
//! use mtl_train::{deploy::{export::{Formats, export}, predict::Predictor}, run::dir::RunDir};
//!
//! export(&RunDir::open("runs/census-hard".as_ref())?, "census-model".as_ref(), Formats::Both)?;
//! let model = Predictor::open("census-model".as_ref(), tch::Device::Cpu)?;
//! for answers in model.answers("rows.csv".as_ref(), 1024)? {
//!     let answers = answers?; // one Prediction per task
//!     assert_eq!(answers.len(), 2);
//! }
//! # Ok::<(), mtl_train::Error>(())
//! ```
//!
//! | file of this folder | what |
//! |---|---|
//! | `description.rs` | [`Description`]: everything that a model is, beside its weights |
//! | `record.rs` | [`Record`]: data, sizes, settings and metrics of the run that made it |
//! | `former.rs` | what older versions of `model.json` said, as it is said now |
//! | `manifest.rs` | [`Manifest`]: the description with format version and checksums |
//! | `package.rs` | [`Package`]: a folder, read back and verified |
//! | `torchscript.rs`, `seal.rs` | the network recorded for any batch size; a checksum inside the file |
//! | `calibrated.rs` | calibrated probabilities as operations of the recording |
//! | `card.rs` | the model card |

mod calibrated;
mod card;
mod description;
mod former;
mod manifest;
mod package;
mod record;
mod seal;
mod torchscript;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use description::{Description, TaskDescription, TensorSpec};
pub use manifest::{FileEntry, Manifest};
use mtl_core::params::to_safetensors;
pub use package::Package;
pub use record::Record;
use serde::{Deserialize, Serialize};
pub use torchscript::TorchScript;

use crate::{
    config::RunConfig,
    error::{Error, Result},
    run::{dir::RunDir, opened::Trained, session::Session},
    train::{checkpoint::write_atomic, model::Model},
};

/// The description and the checksums.
pub const MANIFEST: &str = "model.json";
/// The weights.
pub const WEIGHTS: &str = "model.safetensors";
/// The TorchScript file.
pub const TORCHSCRIPT: &str = "model.pt";
/// The model card.
pub const CARD: &str = "README.md";

/// What a package holds beside description and card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Formats {
    /// Weights only.
    Safetensors,
    /// The TorchScript file only.
    Torchscript,
    /// Both.
    #[default]
    Both,
}

/// Exports the best epoch of a finished run; the files written. The data are not looked at.
///
/// # Errors
/// As [`export_model`], and [`RunDir::model`].
pub fn export(run: &RunDir, to: &Path, formats: Formats) -> Result<Vec<PathBuf>> {
    // Before the network is built and recorded, which takes its time.
    check_destination(to)?;
    let Trained { config, data, model, post_hoc } = run.model()?;
    let record = Record::of(&config, &data, &model)?.with_metrics(&run.metrics());
    export_model(&model, Description::of(&config, &data, post_hoc.as_ref(), record)?, to, formats)
}

/// Exports a session's model as it is, without anything fitted to its answers; the files written.
///
/// # Errors
/// As [`export_model`].
pub fn export_session(session: &Session, config: &RunConfig, to: &Path, formats: Formats) -> Result<Vec<PathBuf>> {
    let (model, data) = (session.trainer.model(), session.data());
    export_model(model, Description::of(config, data, None, Record::of(config, data, model)?)?, to, formats)
}

/// Exports a model that is as `description` says; the files written. The folder appears whole or not at all.
///
/// # Errors
/// [`Error::Package`] when something is in the folder already, or the model cannot be described or recorded;
/// [`Error::Io`] when it cannot be written.
pub fn export_model(model: &Model, description: Description, to: &Path, formats: Formats) -> Result<Vec<PathBuf>> {
    check_destination(to)?;
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    if formats != Formats::Torchscript {
        files.push((WEIGHTS, to_safetensors(model.params().tensors(), &[("format", "pt".into())])?));
    }
    if formats != Formats::Safetensors {
        let manifest = Manifest::new(description.clone(), &[])?;
        files.push((TORCHSCRIPT, torchscript::record(model, &description, &manifest)?));
    }
    let manifest = Manifest::new(description, &files)?;
    let card = card::card(&manifest);
    files.push((MANIFEST, manifest.to_json()?.into_bytes()));
    files.push((CARD, card.into_bytes()));

    let parent = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|e| Error::io(parent, "cannot make folder", e))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".unfinished-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let unfinished = builder.tempdir_in(parent).map_err(|e| Error::io(parent, "cannot make folder", e))?;
    for (name, bytes) in &files {
        write_atomic(&unfinished.path().join(name), bytes)?;
    }
    fs::rename(unfinished.path(), to).map_err(|e| Error::io(to, "cannot move the package into place", e))?;
    // It is a package now, nothing to be removed.
    let _ = unfinished.keep();
    Ok(files.iter().map(|(name, _)| to.join(name)).collect())
}

fn check_destination(to: &Path) -> Result<()> {
    let taken = match fs::read_dir(to) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => to.exists(),
    };
    if taken {
        let reason = "there is something here already; choose another folder with --to, or remove this one".into();
        return Err(Error::Package { path: to.to_owned(), reason });
    }
    Ok(())
}
