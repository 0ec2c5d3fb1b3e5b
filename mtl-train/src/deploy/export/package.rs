//! A package, read back: nothing in it is used before it is verified.
//!
//! ```text
//! model.json     format, version, checksum, then its types, then its ranges
//! weights        size and checksum from model.json, then names, shapes and kinds against the network
//! network        built for at most as many numbers as the weights hold
//! ```
//! So a damaged or foreign package is refused in one line, and one that lies costs no more memory than its own size.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mtl_core::params::from_safetensors;
use tch::Device;

use super::{MANIFEST, Manifest, TORCHSCRIPT, TorchScript, WEIGHTS};
use crate::{
    error::{Error, Result},
    train::model::Model,
};

/// An exported model in its folder.
#[derive(Debug)]
pub struct Package {
    dir: PathBuf,
    manifest: Manifest,
}

impl Package {
    /// Opens a folder and verifies its `model.json`.
    ///
    /// # Errors
    /// [`Error::Io`] when there is none; as [`Manifest::from_json`].
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(MANIFEST);
        let bytes = fs::read(&path).map_err(|e| Error::io(&path, "cannot read the description of a model", e))?;
        Ok(Self { dir: dir.to_owned(), manifest: Manifest::from_json(&bytes, &path)? })
    }

    /// What is in it.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model with its weights; `None` for a package without weights.
    ///
    /// # Errors
    /// [`Error::Package`] or [`Error::Io`] for weights that are missing, damaged or of another model.
    pub fn model(&self, device: Device) -> Result<Option<Model>> {
        let Some((path, bytes)) = self.read(WEIGHTS)? else { return Ok(None) };
        Self::build(&self.manifest, &bytes, &path, device).map(Some)
    }

    /// The TorchScript module; `None` for a package without one.
    ///
    /// # Errors
    /// As [`TorchScript::load`]; [`Error::Package`] when it is not the file that was exported.
    pub fn torchscript(&self, device: Device) -> Result<Option<TorchScript>> {
        let Some((path, bytes)) = self.read(TORCHSCRIPT)? else { return Ok(None) };
        TorchScript::from_bytes(&bytes, &path, device).map(Some)
    }

    /// The model that `manifest` describes with weights from memory; `path` is what errors call them.
    ///
    /// # Errors
    /// As [`Package::model`].
    pub fn build(manifest: &Manifest, weights: &[u8], path: &Path, device: Device) -> Result<Model> {
        let refuse = |reason: String| Error::Package { path: path.to_owned(), reason };
        let (tensors, _) = from_safetensors(weights).map_err(|e| refuse(format!("weights are damaged: {e}")))?;
        let numbers = tensors.iter().map(|(_, t)| t.numel()).sum();
        let model =
            manifest.model.build(numbers, device).map_err(|e| refuse(format!("no model for these weights: {e}")))?;
        model.params().load_tensors(&tensors).map_err(|e| refuse(e.to_string()))?;
        Ok(model)
    }

    /// A file of the package, verified.
    fn read(&self, name: &str) -> Result<Option<(PathBuf, Vec<u8>)>> {
        let Some(entry) = self.manifest.file(name) else { return Ok(None) };
        let path = self.dir.join(name);
        let bytes = fs::read(&path).map_err(|e| Error::io(&path, "cannot read a file of the package", e))?;
        entry.verify(&bytes, &path)?;
        Ok(Some((path, bytes)))
    }
}
