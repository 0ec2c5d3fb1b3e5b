//! The door for modalities from outside.
//!
//! A user's crate implements [`CustomModality`] and puts it ([`Custom::new`]) into its data set's
//! [`InputSpec`](super::InputSpec): batches, checks, examples and the pages then ask it like any modality of ours, and
//! an encoder of the same crate takes it by [`Custom::downcast`]. A file knows it by name and settings, from which the type that
//! was [`register`]ed under that name is read back; a file that names another is refused by that name.
//!
//! The list of registered modalities is the process's, as that of [answers](crate::answer::register) is.

use std::{any::Any, fmt, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Cells, Input, Layout, Modality, ModalityKind};
use crate::{
    error::{Error, Result},
    registry::Makers,
    rng::Rng,
};

/// A modality that is not ours.
pub trait CustomModality: ModalityKind {
    /// Its name in files, unique among those that a program knows.
    fn name(&self) -> &str;

    /// What it has to be made again from.
    fn settings(&self) -> Value;

    /// Itself, for encoders that know its type.
    fn as_any(&self) -> &dyn Any;
}

/// The modalities that files may name.
static MODALITIES: Makers<dyn CustomModality> = Makers::new("modality");

/// Makes a modality known under the name that it calls itself, so that files may name it. Registering the same again is fine.
///
/// # Errors
/// [`Error::Duplicate`] when another modality has that name.
pub fn register<M: CustomModality + DeserializeOwned + 'static>(name: &'static str, about: &'static str) -> Result<()> {
    MODALITIES.add::<M>(name, about, Modality::ALL, |modality| Arc::new(modality))
}

/// The registered modalities in the order in which they came: name and one line on what they are.
#[must_use]
pub fn registered() -> Vec<(&'static str, &'static str)> {
    MODALITIES.names()
}

/// A modality from outside.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Custom(Arc<dyn CustomModality>);

#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    name: String,
    #[serde(default)]
    settings: Value,
}

impl Custom {
    /// Wraps a modality; it need not be registered unless files are to be read.
    pub fn new(modality: impl CustomModality + 'static) -> Self {
        Self(Arc::new(modality))
    }

    /// Its name in files.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The modality, if it is of that type.
    #[must_use]
    pub fn downcast<M: 'static>(&self) -> Option<&M> {
        self.0.as_any().downcast_ref()
    }
}

impl From<Custom> for Stored {
    fn from(Custom(modality): Custom) -> Self {
        Self { name: modality.name().to_owned(), settings: modality.settings() }
    }
}

impl TryFrom<Stored> for Custom {
    type Error = Error;

    fn try_from(Stored { name, settings }: Stored) -> Result<Self> {
        Ok(Self(MODALITIES.make(&name, &settings, |made| made.name())?))
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

impl ModalityKind for Custom {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn meaning(&self) -> String {
        self.0.meaning()
    }

    fn layout(&self) -> Layout {
        self.0.layout()
    }

    fn validate(&self, input: &str) -> Result<()> {
        self.0.validate(input)
    }

    fn cardinalities(&self) -> Vec<i64> {
        self.0.cardinalities()
    }

    fn padding(&self) -> i64 {
        self.0.padding()
    }

    fn unknown(&self) -> Option<i64> {
        self.0.unknown()
    }

    fn check_values(&self, input: &str, found: &Input) -> Result<()> {
        self.0.check_values(input, found)
    }

    fn example(&self, n: i64, rng: &mut Rng) -> Result<Input> {
        self.0.example(n, rng)
    }

    fn cells(&self) -> Cells<'_> {
        self.0.cells()
    }
}
