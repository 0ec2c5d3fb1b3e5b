//! A member of a registry, by its name alone or as a table with settings: `"mmoe"` or `{ kind = "mmoe", experts = 4 }`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned, Error as _},
};

use super::{Content, settings};

/// Reads either form; writes the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ByKind<T>(pub T);

/// Reads either form: for a field that holds the member itself (`deserialize_with`, with `ByKind<T>` as its schema).
///
/// # Errors
/// The member's own words, which the reader of configuration files searches for the nearest name.
pub fn by_kind<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    member(Content::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The same of what was read already: for a setting that has a third form beside these two.
///
/// # Errors
/// As [`by_kind`].
pub fn member<T: DeserializeOwned>(content: Content) -> Result<T, de::value::Error> {
    let text = |text: &str| Content::String(text.to_owned());
    let table = match content {
        Content::String(kind) => Content::Map([(text("kind"), Content::String(kind))].into()),
        other => other,
    };
    settings(table)
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for ByKind<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        by_kind(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for ByKind<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}ByKind", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [{ "type": "string" }, table] })
    }
}
