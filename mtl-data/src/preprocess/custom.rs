//! Preprocessing from outside.
//!
//! A data set of somebody's own says how raw files become its inputs, as ours do: by a serde type that holds what was learned of
//! the training samples and implements [`CustomPreprocessing`]. A run's files hold its name and settings; [`register`] it once in a
//! process, before such files are read.

use std::{fmt, path::Path, sync::Arc};

use mtl_core::{
    input::{InputSpec, Inputs},
    registry::Makers,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;

/// From raw files to the inputs of a data set from outside.
pub trait CustomPreprocessing: fmt::Debug + Send + Sync {
    /// Its name in files, unique among those that a program knows.
    fn name(&self) -> &str;

    /// Everything that a file has to hold of it: what its type reads back.
    fn settings(&self) -> Value;

    /// The inputs that it gives. Settings may come from a file: those that cannot be are refused here.
    ///
    /// # Errors
    /// `InvalidConfig` naming the setting.
    fn inputs(&self) -> Result<InputSpec>;

    /// What a file must be, in words: `rows of hour and pressure`.
    fn describe(&self) -> String;

    /// The inputs of all samples of a file, in order, at most `batch_size` at a time (which is >= 1); what else is in the file,
    /// labels say, is passed over.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be opened. What is wrong with a sample comes from the iterator.
    fn read(&self, path: &Path, batch_size: usize) -> Result<RawInputs>;
}

/// Batches of inputs, made as they are asked for.
pub type RawInputs = Box<dyn Iterator<Item = Result<Inputs>> + Send>;

/// What files may name.
static KNOWN: Makers<dyn CustomPreprocessing> = Makers::new("preprocessing");

/// Makes one known under the name that it calls itself, so that files may name it. Registering the same again is fine.
///
/// # Errors
/// [`Duplicate`](mtl_core::Error::Duplicate) when another has that name.
pub fn register<P: CustomPreprocessing + DeserializeOwned + 'static>(name: &'static str) -> mtl_core::Result<()> {
    KNOWN.add::<P>(name, "", &[], |preprocessing| Arc::new(preprocessing))
}

/// Preprocessing from outside, by its name and settings.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Custom(Arc<dyn CustomPreprocessing>);

#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    name: String,
    settings: Value,
}

impl Custom {
    /// Wraps one; it need not be registered unless files are to be read.
    #[must_use]
    pub fn new(preprocessing: impl CustomPreprocessing + 'static) -> Self {
        Self(Arc::new(preprocessing))
    }

    /// What it says of files and inputs.
    #[must_use]
    pub fn get(&self) -> &(dyn CustomPreprocessing + 'static) {
        &*self.0
    }
}

impl From<Custom> for Stored {
    fn from(Custom(preprocessing): Custom) -> Self {
        Self { name: preprocessing.name().to_owned(), settings: preprocessing.settings() }
    }
}

impl TryFrom<Stored> for Custom {
    type Error = mtl_core::Error;

    fn try_from(Stored { name, settings }: Stored) -> mtl_core::Result<Self> {
        Ok(Self(KNOWN.make(&name, &settings, |made| made.name())?))
    }
}

impl PartialEq for Custom {
    /// Alike in name and settings.
    fn eq(&self, other: &Self) -> bool {
        Stored::from(self.clone()) == Stored::from(other.clone())
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
