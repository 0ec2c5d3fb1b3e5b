//! A member of a registry, by its name alone or as a table with settings: `"mmoe"` or `{ kind = "mmoe", experts = 4 }`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned, de::Error as _};

/// Reads either form; writes the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ByKind<T>(pub T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for ByKind<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = match toml::Value::deserialize(deserializer)? {
            toml::Value::String(kind) => toml::Value::Table([("kind".to_owned(), kind.into())].into_iter().collect()),
            other => other,
        };
        // The member's own words, which the config file's reader searches for the nearest name.
        T::deserialize(value).map(Self).map_err(|e| D::Error::custom(e.message()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::architecture::Architecture;

    #[derive(Debug, Deserialize)]
    struct Section {
        sharing: Vec<ByKind<Architecture>>,
    }

    #[test]
    fn names_and_tables() {
        let read = |text: &str| toml::from_str::<Section>(text).map_err(|e| e.message().to_owned());
        let section = read(r#"sharing = ["mmoe", { kind = "mmoe", experts = 3 }, { kind = "mmoe" }]"#).unwrap();
        let [by_name, with_settings, as_table] = &section.sharing[..] else { panic!("three were given") };
        assert_eq!(by_name, as_table);
        assert_ne!(by_name, with_settings);
        assert!(read(r#"sharing = ["mmoee"]"#).unwrap_err().contains("unknown sharing architecture `mmoee`"));
        assert!(read(r"sharing = [{ experts = 3 }]").unwrap_err().contains("kind"));
        assert!(read("sharing = [3]").is_err());
    }
}
