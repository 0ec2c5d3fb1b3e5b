//! The door for modalities from outside.
//!
//! A user's crate implements [`CustomModality`] and puts it ([`Custom::new`]) into its data set's
//! [`InputSpec`](super::InputSpec): batches, checks, examples and the pages then ask it like any modality of ours, and
//! an encoder of the same crate takes it by [`Custom::downcast`]. A file knows it by name and settings. Who reads such
//! a file hands over the [`CustomModalities`] that the program knows
//! ([`InputSpec::resolve`](super::InputSpec::resolve)); until then the modality is only a name, and everything that
//! would need its behavior refuses it by that name. There is no global list: the registry belongs to the program.

use std::{any::Any, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cells, Input, Layout, Length, ModalityKind, Numbers, check};
use crate::{
    error::{Error, Result},
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

/// A modality from outside, or the name of one that was read from a file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Custom(State);

#[derive(Clone)]
enum State {
    Known(Arc<dyn CustomModality>),
    Named(Stored),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    name: String,
    #[serde(default)]
    settings: Value,
}

impl Custom {
    /// A modality with its behavior.
    pub fn new(modality: impl CustomModality + 'static) -> Self {
        Self(State::Known(Arc::new(modality)))
    }

    /// Its name in files.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.0 {
            State::Known(modality) => modality.name(),
            State::Named(stored) => &stored.name,
        }
    }

    /// The modality, if it is of that type and known.
    #[must_use]
    pub fn downcast<M: 'static>(&self) -> Option<&M> {
        self.known().and_then(|modality| modality.as_any().downcast_ref())
    }

    fn known(&self) -> Option<&dyn CustomModality> {
        match &self.0 {
            State::Known(modality) => Some(modality.as_ref()),
            State::Named(_) => None,
        }
    }

    fn unknown<T>(&self, input: &str) -> Result<T> {
        let expected = "one that this program has registered".to_owned();
        check::refuse(input, "modality", expected, format!("{:?}", self.name()))
    }
}

impl From<Custom> for Stored {
    fn from(custom: Custom) -> Self {
        match custom.0 {
            State::Known(modality) => Self { name: modality.name().to_owned(), settings: modality.settings() },
            State::Named(stored) => stored,
        }
    }
}

impl TryFrom<Stored> for Custom {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        match stored.name.is_empty() {
            true => check::refuse("custom", "the name of a modality", "not empty".into(), "\"\"".into()),
            false => Ok(Self(State::Named(stored))),
        }
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
        match &self.0 {
            State::Known(modality) => modality.fmt(f),
            State::Named(stored) => stored.fmt(f),
        }
    }
}

impl ModalityKind for Custom {
    fn describe(&self) -> String {
        self.known().map_or_else(|| format!("{}, which this program does not know", self.name()), |m| m.describe())
    }

    fn meaning(&self) -> String {
        self.known().map_or_else(|| self.name().to_owned(), |m| m.meaning())
    }

    fn layout(&self) -> Layout {
        // A size of 0 fits no batch: whatever is asked of an unknown modality is refused.
        let none = || Layout { numbers: Numbers::Real, axes: vec![Length::Fixed(0)] };
        self.known().map_or_else(none, |m| m.layout())
    }

    fn validate(&self, input: &str) -> Result<()> {
        match self.known() {
            Some(modality) => modality.validate(input),
            None => self.unknown(input),
        }
    }

    fn cardinalities(&self) -> Vec<i64> {
        self.known().map_or_else(Vec::new, |m| m.cardinalities())
    }

    fn padding(&self) -> i64 {
        self.known().map_or(0, |m| m.padding())
    }

    fn check_values(&self, input: &str, found: &Input) -> Result<()> {
        match self.known() {
            Some(modality) => modality.check_values(input, found),
            None => self.unknown(input),
        }
    }

    fn example(&self, n: i64, rng: &mut Rng) -> Result<Input> {
        match self.known() {
            Some(modality) => modality.example(n, rng),
            None => self.unknown(self.name()),
        }
    }

    fn cells(&self) -> Cells<'_> {
        self.known().map_or(Cells::Whole, |m| m.cells())
    }
}

/// Makes a modality from its settings.
type Maker = Box<dyn Fn(&Value) -> Result<Custom> + Send + Sync>;

/// The modalities from outside that a program knows.
#[derive(Default)]
pub struct CustomModalities(Vec<(String, Maker)>);

impl CustomModalities {
    /// Adds one under its name.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for a name that is there.
    pub fn register(
        &mut self,
        name: &str,
        make: impl Fn(&Value) -> Result<Custom> + Send + Sync + 'static,
    ) -> Result<()> {
        if self.0.iter().any(|(known, _)| known == name) {
            return Err(Error::Duplicate { what: "modality", name: name.to_owned() });
        }
        self.0.push((name.to_owned(), Box::new(make)));
        Ok(())
    }

    pub(super) fn resolve(&self, custom: &Custom) -> Result<Custom> {
        let State::Named(Stored { name, settings }) = &custom.0 else { return Ok(custom.clone()) };
        let make = self.0.iter().find(|(known, _)| known == name).map(|(_, make)| make);
        let make = make.ok_or_else(|| Error::UnknownName {
            what: "modality",
            name: name.clone(),
            known: self.0.iter().map(|(known, _)| known.clone()).collect(),
        })?;
        make(settings)
    }
}

impl fmt::Debug for CustomModalities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
