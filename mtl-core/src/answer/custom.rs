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

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::AnswerKind;
use crate::error::{Error, Result};

/// A kind of answer from outside: the questions, and the settings from which [`register`]'s function makes it again.
pub trait CustomAnswer: AnswerKind {
    /// Everything that a file has to hold of it.
    fn settings(&self) -> Value;
}

/// Makes a kind from the settings in a file.
type Make = fn(&Value) -> Result<Arc<dyn CustomAnswer>>;

/// The kinds that files may name.
static KINDS: RwLock<Vec<(&'static str, Make)>> = RwLock::new(Vec::new());

/// Makes a kind known, so that files may name it. Registering the same again is fine.
///
/// # Errors
/// [`Error::Duplicate`] when another kind has that name.
pub fn register(kind: &'static str, make: Make) -> Result<()> {
    let mut kinds = KINDS.write().unwrap_or_else(PoisonError::into_inner);
    let is_ours = super::Answer::ALL.iter().any(|(name, _)| *name == kind);
    match kinds.iter().find(|(name, _)| *name == kind) {
        Some((_, known)) if std::ptr::fn_addr_eq(*known, make) => Ok(()),
        None if !is_ours => {
            kinds.push((kind, make));
            Ok(())
        }
        Some(_) | None => Err(Error::Duplicate { what: "kind of answer", name: kind.into() }),
    }
}

/// The names of the registered kinds, in the order in which they came.
#[must_use]
pub fn registered() -> Vec<&'static str> {
    KINDS.read().unwrap_or_else(PoisonError::into_inner).iter().map(|(name, _)| *name).collect()
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
    /// [`Error::UnknownName`] for one that is not registered, listing those that are; the kind's own for its settings.
    pub fn by_name(kind: &str, settings: &Value) -> Result<Self> {
        let known = KINDS.read().unwrap_or_else(PoisonError::into_inner).iter().find(|(n, _)| *n == kind).copied();
        let Some((_, make)) = known else {
            return Err(Error::UnknownName {
                what: "kind of answer",
                name: kind.to_owned(),
                known: registered().into_iter().map(str::to_owned).collect(),
            });
        };
        Ok(Self(make(settings)?))
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
