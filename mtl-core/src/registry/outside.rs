//! Members of a registry that are not ours.
//!
//! ```text
//! HeadConfig::register::<PoissonConfig>("poisson", "counts: Poisson deviance")
//!     -> Catalogue: name, schema of the settings, how to read them          one for each open registry of the process
//!     -> HeadConfig::Outside(Outside { name, settings, part })              what a configuration then holds
//! ```
//! The catalogue belongs to the process, because a configuration is read by serde, which hands nothing down to the place
//! where a `kind` is looked up. It only grows, and nothing depends on the order in which parts come: names are unique.
//!
//! Settings are kept as they will be written again, beside the part that was read from them: two parts are equal when their
//! names and settings are, and a run's `config.toml` says what it was trained with.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, PoisonError, RwLock},
};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// A member from outside: what its settings made, and the settings.
pub struct Outside<T: ?Sized> {
    name: &'static str,
    settings: Map<String, Value>,
    part: Arc<T>,
    read: Read<T>,
}

/// Reads settings: gives them with defaults filled in, and the part.
type Read<T> = Arc<dyn Fn(Option<Value>) -> std::result::Result<(Map<String, Value>, Arc<T>), String> + Send + Sync>;

impl<T: ?Sized> Outside<T> {
    /// Its name in config files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The same with another value for one setting.
    ///
    /// # Errors
    /// What the settings' type says of it, in serde's words.
    pub fn with(&self, key: &str, value: Value) -> std::result::Result<Self, String> {
        let mut settings = self.settings.clone();
        settings.insert(key.to_owned(), value);
        let (settings, part) = (self.read)(Some(Value::Object(settings)))?;
        Ok(Self { name: self.name, settings, part, read: self.read.clone() })
    }

    /// Whether it has a setting of that name.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.settings.contains_key(key)
    }
}

impl<T: ?Sized> Deref for Outside<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.part
    }
}

impl<T: ?Sized> Clone for Outside<T> {
    fn clone(&self) -> Self {
        Self { name: self.name, settings: self.settings.clone(), part: self.part.clone(), read: self.read.clone() }
    }
}

impl<T: ?Sized> PartialEq for Outside<T> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.settings == other.settings
    }
}

impl<T: ?Sized> fmt::Debug for Outside<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.name).field("settings", &self.settings).finish()
    }
}

impl<T: ?Sized> Serialize for Outside<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let kind = [("kind", Value::from(self.name))].into_iter();
        serializer.collect_map(kind.chain(self.settings.iter().map(|(key, value)| (key.as_str(), value.clone()))))
    }
}

/// The members from outside of one registry.
pub struct Catalogue<T: ?Sized + 'static> {
    what: &'static str,
    entries: RwLock<Vec<Entry<T>>>,
}

struct Entry<T: ?Sized + 'static> {
    name: &'static str,
    about: &'static str,
    /// The settings' type, to tell a second registration of the same from a clash.
    of: &'static str,
    schema: fn(&mut SchemaGenerator) -> Schema,
    read: Read<T>,
}

impl<T: ?Sized> Entry<T> {
    fn part(&self, settings: Option<Value>) -> std::result::Result<Outside<T>, String> {
        let (settings, part) = (self.read)(settings)?;
        Ok(Outside { name: self.name, settings, part, read: self.read.clone() })
    }
}

impl<T: ?Sized> fmt::Debug for Catalogue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Catalogue")
            .field("what", &self.what)
            .field("names", &entries.iter().map(|e| e.name).collect::<Vec<_>>())
            .finish()
    }
}

impl<T: ?Sized> Catalogue<T> {
    /// An empty one; `what` its members are, for messages.
    #[must_use]
    pub const fn new(what: &'static str) -> Self {
        Self { what, entries: RwLock::new(Vec::new()) }
    }

    /// Names and descriptions, in the order of registration.
    #[must_use]
    pub fn names(&self) -> Vec<(&'static str, &'static str)> {
        self.with(|entries| entries.iter().map(|entry| (entry.name, entry.about)).collect())
    }

    /// Adds a member whose settings are a `C`; `into` makes the part of them.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for a name that another type has.
    pub fn add<C>(&self, name: &'static str, about: &'static str, into: fn(C) -> Arc<T>) -> Result<()>
    where
        C: Default + Serialize + DeserializeOwned + JsonSchema + 'static,
    {
        let of = std::any::type_name::<C>();
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = entries.iter().find(|entry| entry.name == name) {
            return match taken.of == of {
                true => Ok(()),
                false => Err(Error::Duplicate { what: self.what, name: name.to_owned() }),
            };
        }
        let read = move |given: Option<Value>| {
            let settings = match given {
                Some(given) => C::deserialize(given).map_err(|e| e.to_string())?,
                None => C::default(),
            };
            match serde_json::to_value(&settings).map_err(|e| e.to_string())? {
                Value::Object(written) => Ok((written, into(settings))),
                other => Err(format!("the settings of {name:?} must be written as a table, found {other}")),
            }
        };
        entries.push(Entry { name, about, of, schema: C::json_schema, read: Arc::new(read) });
        Ok(())
    }

    /// The member of that name with default settings.
    #[must_use]
    pub fn default_of(&self, name: &str) -> Option<Outside<T>> {
        self.with(|entries| {
            let entry = entries.iter().find(|entry| entry.name == name)?;
            entry.part(None).ok()
        })
    }

    /// Reads a table whose `kind` names a member. `known` are the names that are ours: the error gives such a table back, to be
    /// read as one of ours, or says what is wrong, in serde's own words, which the reader of configuration files looks for.
    #[expect(clippy::missing_errors_doc, reason = "the error is described above")]
    pub fn read(
        &self,
        table: Value,
        mut known: impl Iterator<Item = &'static str>,
    ) -> std::result::Result<Outside<T>, std::result::Result<Value, String>> {
        let Some(kind) = table.get("kind").and_then(Value::as_str).map(str::to_owned) else { return Err(Ok(table)) };
        self.with(|entries| {
            let Some(entry) = entries.iter().find(|entry| entry.name == kind) else {
                let ours: Vec<&str> = known.by_ref().collect();
                if entries.is_empty() || ours.contains(&kind.as_str()) {
                    return Err(Ok(table));
                }
                let all: Vec<String> =
                    ours.into_iter().chain(entries.iter().map(|e| e.name)).map(|name| format!("`{name}`")).collect();
                return Err(Err(format!("unknown variant `{kind}`, expected one of {}", all.join(", "))));
            };
            let mut settings = table;
            settings.as_object_mut().and_then(|settings| settings.remove("kind"));
            entry.part(Some(settings)).map_err(Err)
        })
    }

    /// Adds the members to the alternatives of a registry's schema.
    pub fn add_schemas(&self, schema: &mut Schema, generator: &mut SchemaGenerator) {
        self.with(|entries| {
            for entry in entries {
                let mut own = (entry.schema)(generator);
                let table = own.ensure_object();
                let kind = json!({ "type": "string", "const": entry.name });
                match table.entry("properties").or_insert_with(|| json!({})).as_object_mut() {
                    Some(properties) => _ = properties.insert("kind".into(), kind),
                    None => continue,
                }
                if let Some(required) = table.entry("required").or_insert_with(|| json!([])).as_array_mut() {
                    required.push("kind".into());
                }
                table.insert("description".into(), entry.about.into());
                if let Some(members) = schema.ensure_object().entry("oneOf").or_insert_with(|| json!([])).as_array_mut()
                {
                    members.push(own.into());
                }
            }
        });
    }

    fn with<R>(&self, look: impl FnOnce(&[Entry<T>]) -> R) -> R {
        look(&self.entries.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    trait Shape: fmt::Debug + Send + Sync {
        fn area(&self) -> f64;
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Square {
        /// Of each side, > 0; default 1.
        side: f64,
    }

    impl Default for Square {
        fn default() -> Self {
            Self { side: 1.0 }
        }
    }

    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Ring {
        /// Outer radius.
        outer: f64,
        /// Inner radius.
        inner: f64,
    }

    impl Shape for Ring {
        fn area(&self) -> f64 {
            3.0 * (self.outer * self.outer - self.inner * self.inner)
        }
    }

    #[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
    struct Other {}

    impl Shape for Other {
        fn area(&self) -> f64 {
            0.0
        }
    }

    registry! {
        /// Shapes.
        pub enum ShapeConfig, what = "shape", outside = Shape {
            Square(Square) = "square", "equal sides";
        }
    }

    fn read(text: &str) -> std::result::Result<ShapeConfig, String> {
        serde_json::from_str(text).map_err(|e: serde_json::Error| e.to_string())
    }

    #[test]
    fn a_part_from_outside_is_read_written_listed_and_refused_like_ours() {
        ShapeConfig::register::<Ring>("ring", "a disk with a hole").unwrap();
        ShapeConfig::register::<Ring>("ring", "a disk with a hole").unwrap();
        for taken in ["ring", "square"] {
            let e = ShapeConfig::register::<Other>(taken, "another").unwrap_err().to_string();
            assert_eq!(e, format!("shape {taken:?} is given twice"));
        }
        assert_eq!(ShapeConfig::all(), [("square", "equal sides"), ("ring", "a disk with a hole")]);

        let ring = read(r#"{ "kind": "ring", "outer": 2.0 }"#).unwrap();
        let ShapeConfig::Outside(part) = &ring else { panic!("not from outside") };
        assert_eq!((ring.name(), part.area().to_bits()), ("ring", 12f64.to_bits()));
        assert_eq!(part.with("inner", json!(1)).unwrap().area().to_bits(), 9f64.to_bits());
        assert!(part.has("inner") && !part.has("side") && part.with("side", json!(1)).is_err());
        let written = serde_json::to_string(&ring).unwrap();
        assert_eq!(written, r#"{"kind":"ring","inner":0.0,"outer":2.0}"#);
        assert_eq!(read(&written).unwrap(), ring);
        assert_ne!(ShapeConfig::by_name("ring").unwrap(), ring);

        let square = read(r#"{ "kind": "square", "side": 3 }"#).unwrap();
        assert_eq!(square, ShapeConfig::Square(Square { side: 3.0 }));
        assert_eq!(serde_json::to_string(&square).unwrap(), r#"{"kind":"square","side":3.0}"#);

        assert!(read(r#"{ "kind": "ring", "width": 1 }"#).unwrap_err().starts_with("unknown field `width`, expected"));
        assert!(
            read(r#"{ "kind": "square", "width": 1 }"#).unwrap_err().starts_with("unknown field `width`, expected")
        );
        assert!(read(r#"{ "kind": "rong" }"#).unwrap_err().ends_with("expected one of `square`, `ring`"));
        assert!(read("{}").unwrap_err().starts_with("missing field `kind`"));
        let e = ShapeConfig::by_name("rong").unwrap_err().to_string();
        assert_eq!(e, r#"unknown shape "rong", known are square, ring"#);

        let schema = schemars::schema_for!(ShapeConfig).to_value();
        let members = schema["oneOf"].as_array().unwrap();
        let names: Vec<&str> = members.iter().filter_map(|m| m["properties"]["kind"]["const"].as_str()).collect();
        assert_eq!(names, ["square", "ring"]);
        assert_eq!(members[1]["properties"]["outer"]["description"], "Outer radius.");
        assert_eq!(
            (&schema["title"], &members[1]["description"]),
            (&json!("ShapeConfig"), &json!("a disk with a hole"))
        );
    }
}
