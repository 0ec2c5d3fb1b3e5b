//! Kinds of answers from outside.
//!
//! ```
//! use mtl_core::answer::{Answer, registered};
//! // A file that names a kind which nobody registered is refused by that name.
//! let e = serde_json::from_str::<Answer>(r#"{"custom": {"kind": "boxes", "settings": {}}}"#).unwrap_err();
//! assert!(e.to_string().contains(r#"unknown kind of answer "boxes""#), "{e}");
//! assert!(registered().is_empty());
//! ```
//! The list of registered kinds is the process's, because files are read where no list can be handed in; whoever puts a
//! program together from parts (a head, a data set and the kind of answer between them) registers at that point.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, de::DeserializeOwned};
use serde_json::Value;

use super::{Answer, AnswerKind};
use crate::{error::Result, registry::Makers};

/// A kind of answer from outside: the questions, and the settings from which it is made again.
pub trait CustomAnswer: AnswerKind {
    /// Everything that a file has to hold of it: what its type reads back.
    fn settings(&self) -> Value;
}

/// The kinds that files may name.
static KINDS: Makers<dyn CustomAnswer> = Makers::new("kind of answer");

/// Makes a kind known under the name that it calls itself, so that files may name it. Registering the same again is fine.
///
/// # Errors
/// [`Error::Duplicate`](crate::Error::Duplicate) when another kind has that name.
pub fn register<C: CustomAnswer + DeserializeOwned + 'static>(kind: &'static str, about: &'static str) -> Result<()> {
    KINDS.add::<C>(kind, about, Answer::ALL, |kind| Arc::new(kind))
}

/// The registered kinds in the order in which they came: name and one line on what they are.
#[must_use]
pub fn registered() -> Vec<(&'static str, &'static str)> {
    KINDS.names()
}

/// A kind of answer from outside, by its name and settings.
#[derive(Clone)]
pub struct Custom(Arc<dyn CustomAnswer>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InFile {
    kind: String,
    settings: Value,
}

impl Custom {
    /// Wraps a kind; it need not be registered unless files are to be read.
    #[must_use]
    pub fn new(kind: impl CustomAnswer + 'static) -> Self {
        Self(Arc::new(kind))
    }

    /// The kind of that name with those settings.
    ///
    /// # Errors
    /// [`Error::UnknownName`](crate::Error::UnknownName) for one that is not registered, listing those that are;
    /// [`Error::State`](crate::Error::State) for settings that are not its own.
    pub fn by_name(kind: &str, settings: &Value) -> Result<Self> {
        Ok(Self(KINDS.make(kind, settings, |made| made.kind())?))
    }

    /// The questions.
    #[must_use]
    pub fn get(&self) -> &(dyn AnswerKind + 'static) {
        &*self.0
    }

    /// The kind's name.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.0.kind()
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.0.settings() == other.0.settings()
    }
}

impl Serialize for Custom {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        InFile { kind: self.kind().to_owned(), settings: self.0.settings() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Custom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let InFile { kind, settings } = InFile::deserialize(deserializer)?;
        Self::by_name(&kind, &settings).map_err(de::Error::custom)
    }
}
