//! The sharing architectures of all crates under one name space: what `[sharing] kind = ".."` may say.

use mtl_attention::AttentionConfig;
use mtl_core::{
    Error, Result,
    encode::Encoder,
    params::Scope,
    share::{Sharing, SharingConfig},
    task::TaskSet,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// A sharing architecture, from whichever crate.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Architecture {
    /// One that needs only encoders.
    Core(SharingConfig),
    /// One made of attention.
    Attention(AttentionConfig),
}

impl Architecture {
    /// Every architecture: name and one-line description.
    pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
        SharingConfig::ALL.iter().chain(AttentionConfig::ALL).copied()
    }

    /// Its name in config files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Core(c) => c.name(),
            Self::Attention(c) => c.name(),
        }
    }

    /// The architecture of that name with default settings.
    ///
    /// # Errors
    /// [`Error::UnknownName`], listing the names there are.
    pub fn by_name(name: &str) -> Result<Self> {
        let core = SharingConfig::by_name(name).map(Self::Core);
        let found = core.or_else(|_| AttentionConfig::by_name(name).map(Self::Attention));
        found.map_err(|_| Error::UnknownName {
            what: "sharing architecture",
            name: name.to_owned(),
            known: Self::all().map(|(n, _)| n.to_owned()).collect(),
        })
    }

    /// Builds it on an encoder; its own parameters go into `scope`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the setting out of range.
    pub fn build(&self, scope: &mut Scope<'_>, encoder: Box<dyn Encoder>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        match self {
            Self::Core(c) => c.build(scope, encoder, tasks),
            Self::Attention(c) => c.build(scope, encoder, tasks),
        }
    }
}

impl<'de> Deserialize<'de> for Architecture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        // The kind decides which registry reads the table, so that a typo is reported by the one that knows the keys.
        let table = toml::Table::deserialize(deserializer)?;
        let kind = table.get("kind").and_then(toml::Value::as_str).ok_or_else(|| D::Error::missing_field("kind"))?;
        match Self::by_name(kind).map_err(D::Error::custom)? {
            Self::Core(_) => SharingConfig::deserialize(table).map(Self::Core),
            Self::Attention(_) => AttentionConfig::deserialize(table).map(Self::Attention),
        }
        .map_err(|e| D::Error::custom(e.message()))
    }
}
