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
use serde::{Serialize, Serializer, de, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::table::{Content, settings};
use crate::error::{Error, Result};

/// A member from outside: what its settings made, and the settings.
pub struct Outside<T: ?Sized> {
    name: &'static str,
    settings: Map<String, Value>,
    part: Arc<T>,
    read: Read<T>,
}

/// Settings as they are written, and the part that was read from them.
type Part<T> = (Map<String, Value>, Arc<T>);

/// Reads settings and lets them be changed: gives them with defaults filled in, and the part.
type Read<T> =
    Arc<dyn Fn(Option<Content>, &mut dyn FnMut(&mut T)) -> std::result::Result<Part<T>, String> + Send + Sync>;

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
        self.of(settings, &mut |_| ())
    }

    /// Changes the settings: `how` sees what they were read as.
    ///
    /// # Errors
    /// What the settings' type says of reading them again, in serde's words.
    pub fn edit(&mut self, mut how: impl FnMut(&mut T)) -> std::result::Result<(), String> {
        *self = self.of(self.settings.clone(), &mut how)?;
        Ok(())
    }

    fn of(&self, settings: Map<String, Value>, how: &mut dyn FnMut(&mut T)) -> std::result::Result<Self, String> {
        let settings = serde_value::to_value(settings).map_err(|e| e.to_string())?;
        let (settings, part) = (self.read)(Some(settings), how)?;
        Ok(Self { name: self.name, settings, part, read: self.read.clone() })
    }

    /// The same with the default value for some settings: those that it has.
    ///
    /// # Errors
    /// What the settings' type says of it, in serde's words.
    pub fn without(&self, keys: &[&str]) -> std::result::Result<Self, String> {
        let (defaults, _) = (self.read)(None, &mut |_| ())?;
        // A default that is not written has no key, so the old value has to go first.
        let mut settings = self.settings.clone();
        settings.retain(|key, _| !keys.contains(&key.as_str()));
        settings.extend(defaults.into_iter().filter(|(key, _)| keys.contains(&key.as_str())));
        self.of(settings, &mut |_| ())
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
        let given = self.settings.iter().filter_map(|(key, value)| Some((key.as_str(), given(value)?)));
        serializer.collect_map(kind.chain(given))
    }
}

/// A setting without what is not given: that has no form in TOML, and reads back as not given.
fn given(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(table) => {
            let keys = table.iter().filter_map(|(key, value)| Some((key.clone(), given(value)?)));
            Some(keys.collect::<Map<String, Value>>().into())
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Some(value.clone()),
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
    fn part(&self, settings: Option<Content>) -> std::result::Result<Outside<T>, String> {
        let (settings, part) = (self.read)(settings, &mut |_| ())?;
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

    /// Adds a member whose settings are a `C`; `into` makes the part of them, `as_part` shows them as one.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for a name that another type has.
    pub fn add<C>(
        &self,
        name: &'static str,
        about: &'static str,
        into: fn(C) -> Arc<T>,
        as_part: fn(&mut C) -> &mut T,
    ) -> Result<()>
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
        let read = move |given: Option<Content>, how: &mut dyn FnMut(&mut T)| {
            let mut settings = match given {
                Some(given) => settings::<C, de::value::Error>(given).map_err(|e| e.to_string())?,
                None => C::default(),
            };
            how(as_part(&mut settings));
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
        table: Content,
        mut known: impl Iterator<Item = &'static str>,
    ) -> std::result::Result<Outside<T>, std::result::Result<Content, String>> {
        let key = Content::String("kind".to_owned());
        let kind = match &table {
            Content::Map(map) => map.get(&key),
            _ => None,
        };
        let Some(Content::String(kind)) = kind.cloned() else { return Err(Ok(table)) };
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
            if let Content::Map(map) = &mut settings {
                map.remove(&key);
            }
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
