//! Settings as a table: how they are read, and changed by the name of a key.

use serde::{Serialize, de, de::DeserializeOwned};
/// The value of a setting.
pub use serde_json::Value;

/// A table as it was read, before it is known what it is. It keeps every number, infinite ones and NaN too, which JSON would lose.
pub type Content = serde_value::Value;

/// Reads a table as a `C`, with the reader's own kind of error and words.
///
/// # Errors
/// What `C` says of the table.
pub fn settings<C: DeserializeOwned, E: de::Error>(table: Content) -> Result<C, E> {
    C::deserialize(serde_value::ValueDeserializer::new(table))
}

/// The same settings with another value for one.
///
/// # Errors
/// What `C` says of it, in serde's words.
pub fn with<C: Serialize + DeserializeOwned>(config: &C, key: &str, value: &Value) -> Result<C, String> {
    let mut table = written(config)?;
    if let Content::Map(keys) = &mut table {
        keys.insert(Content::String(key.to_owned()), written(value)?);
    }
    read(table)
}

/// The same settings with the default value for some: those that it has.
///
/// # Errors
/// What `C` says of it, in serde's words.
pub fn without<C: Default + Serialize + DeserializeOwned>(config: &C, keys: &[&str]) -> Result<C, String> {
    let (mut table, defaults) = (written(config)?, written(&C::default())?);
    if let (Content::Map(table), Content::Map(mut defaults)) = (&mut table, defaults) {
        for key in keys.iter().map(|key| Content::String((*key).to_owned())) {
            // A default that is not written has no key, so the old value has to go first.
            table.remove(&key);
            defaults.remove(&key).into_iter().for_each(|value| drop(table.insert(key.clone(), value)));
        }
    }
    read(table)
}

fn written<C: Serialize>(settings: &C) -> Result<Content, String> {
    serde_value::to_value(settings).map_err(|e| e.to_string())
}

fn read<C: DeserializeOwned>(table: Content) -> Result<C, String> {
    settings::<C, de::value::Error>(table).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Tower {
        floors: Option<u8>,
        height: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    }

    impl Default for Tower {
        fn default() -> Self {
            Self { floors: Some(1), height: f64::INFINITY, name: None }
        }
    }

    #[test]
    fn settings_change_by_their_key_and_the_others_stay() {
        let tower = Tower { floors: None, ..Tower::default() };
        let named = with(&tower, "name", &json!("north")).unwrap();
        assert_eq!(named, Tower { name: Some("north".into()), ..tower.clone() });
        assert_eq!(without(&named, &["name"]).unwrap(), tower);
        assert_eq!(without(&named, &["name", "floors"]).unwrap(), Tower::default());
        assert!(with(&tower, "width", &json!(1)).unwrap_err().starts_with("unknown field `width`"));
    }
}
