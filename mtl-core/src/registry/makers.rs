//! Things that files know by name and settings and that no configuration chooses: kinds of answers, modalities, preprocessing.
//!
//! ```text
//! answer::register::<Angle>("angle", "..")  -> Makers: name, how to make one of its settings     one list for each sort of thing
//! data.json: { "kind": "angle", "settings": {..} }  -> Makers::make -> Arc<dyn CustomAnswer>
//! ```
//! A list is the process's, as a [`Catalogue`](super::Catalogue) is and for the same reason: files are read by serde, which hands
//! nothing down. So a file is read back wherever it is read, and nobody who reads one can forget to hand a list over.

use std::{
    any::TypeId,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};

/// What makes one of its settings.
type Make<T> = Arc<dyn Fn(&Value) -> Result<Arc<T>> + Send + Sync>;

/// The things of one sort that files may name.
pub struct Makers<T: ?Sized + 'static> {
    what: &'static str,
    entries: RwLock<Vec<Entry<T>>>,
}

struct Entry<T: ?Sized + 'static> {
    name: &'static str,
    about: &'static str,
    /// The type, to tell a second registration of the same from a clash.
    of: TypeId,
    make: Make<T>,
}

impl<T: ?Sized> fmt::Debug for Makers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Makers").field("what", &self.what).field("names", &self.names()).finish()
    }
}

impl<T: ?Sized> Makers<T> {
    /// An empty list; `what` its members are, for messages.
    #[must_use]
    pub const fn new(what: &'static str) -> Self {
        Self { what, entries: RwLock::new(Vec::new()) }
    }

    /// Names and descriptions, in the order in which they came.
    #[must_use]
    pub fn names(&self) -> Vec<(&'static str, &'static str)> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|entry| (entry.name, entry.about)).collect()
    }

    /// Makes a `C` known under a name; `into` hides its type. The same again changes nothing.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for a name that another type has, or that is among `ours`.
    pub fn add<C: DeserializeOwned + 'static>(
        &self,
        name: &'static str,
        about: &'static str,
        ours: &[(&'static str, &'static str)],
        into: fn(C) -> Arc<T>,
    ) -> Result<()> {
        let (what, of) = (self.what, TypeId::of::<C>());
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let taken = entries.iter().find(|entry| entry.name == name).map(|entry| entry.of);
        if taken.is_some_and(|taken| taken != of) || ours.iter().any(|(taken, _)| *taken == name) {
            return Err(Error::Duplicate { what, name: name.to_owned() });
        }
        if taken.is_none() {
            let make = move |settings: &Value| {
                let unreadable = |e| Error::State { what: format!("{what} {name}"), reason: format!("{e}") };
                C::deserialize(settings).map(into).map_err(|e: serde_json::Error| unreadable(e))
            };
            entries.push(Entry { name, about, of, make: Arc::new(make) });
        }
        Ok(())
    }

    /// One of the settings that a file has. `called` is asked what it calls itself.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a name that nobody registered, listing those that were; [`Error::State`] for settings that the
    /// type does not take, and for a type that calls itself otherwise than it was registered.
    pub fn make(&self, name: &str, settings: &Value, called: impl Fn(&T) -> &str) -> Result<Arc<T>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let make = entries.iter().find(|entry| entry.name == name).map(|entry| entry.make.clone());
        drop(entries); // making one may read a file that names others
        let Some(make) = make else {
            let known = self.names().into_iter().map(|(name, _)| name.to_owned()).collect();
            return Err(Error::UnknownName { what: self.what, name: name.to_owned(), known });
        };
        let made = make(settings)?;
        if called(&made) != name {
            let reason = format!("it calls itself {:?}", called(&made));
            return Err(Error::State { what: format!("{} {name}", self.what), reason });
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    trait Animal: Send + Sync {
        fn name(&self) -> &str;

        fn lives(&self) -> u8 {
            1
        }
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Cat {
        lives: u8,
    }

    #[derive(Deserialize)]
    struct Tiger {}

    impl Animal for Cat {
        fn name(&self) -> &str {
            "cat"
        }

        fn lives(&self) -> u8 {
            self.lives
        }
    }

    impl Animal for Tiger {
        fn name(&self) -> &str {
            "tiger"
        }
    }

    #[test]
    fn what_was_registered_is_made_and_nothing_else() {
        let animals: Makers<dyn Animal> = Makers::new("animal");
        let ours = [("dog", "barks")];
        for _ in 0..2 {
            animals.add::<Cat>("cat", "purrs", &ours, |cat| Arc::new(cat)).unwrap();
        }
        for taken in ["cat", "dog"] {
            let e = animals.add::<Tiger>(taken, "roars", &ours, |tiger| Arc::new(tiger)).unwrap_err().to_string();
            assert_eq!(e, format!("animal {taken:?} is given twice"));
        }
        animals.add::<Tiger>("lion", "roars", &ours, |tiger| Arc::new(tiger)).unwrap();
        assert_eq!(animals.names(), [("cat", "purrs"), ("lion", "roars")]);
        let make = |name, settings: Value| {
            animals.make(name, &settings, |made| made.name()).map(|made| made.lives()).map_err(|e| e.to_string())
        };
        assert_eq!(make("cat", json!({ "lives": 9 })).unwrap(), 9);
        assert!(
            make("cat", json!({ "life": 9 })).unwrap_err().starts_with("animal cat: saved state does not fit: unknown")
        );
        assert!(make("lion", json!({})).unwrap_err().ends_with(r#"it calls itself "tiger""#));
        assert_eq!(make("fox", json!({})).unwrap_err(), r#"unknown animal "fox", known are cat, lion"#);
    }
}
