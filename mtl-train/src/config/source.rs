//! The text of a configuration file with the settings laid over it: what a complaint can point at.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use toml::{Table, Value, de::DeTable};

use super::{
    RunConfig, StudyConfig,
    check::check,
    hard,
    nearest::hint,
    path::{KeyPath, Step},
    schema::Node,
    set::Setting,
    spans::{self, At},
};
use crate::{
    compare::CompareConfig,
    cv_weights::CvWeightsConfig,
    error::{Error, Result},
};

/// A configuration file, read but not yet understood, and the `--set` flags over it.
#[derive(Debug, Clone)]
pub struct ConfigSource {
    path: PathBuf,
    text: String,
    settings: Vec<Setting>,
    merged: Table,
    dropped: Vec<KeyPath>,
}

impl ConfigSource {
    /// Reads a file and lays `settings` (`KEY=VALUE` each, the last one wins) over it.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Config`] when it is no TOML or a setting cannot be laid over it.
    pub fn read(path: &Path, settings: &[String]) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|e| Error::io(path, "cannot read config", e))?;
        Self::new(text, path, settings)
    }

    /// The same for a text; `path` is for messages.
    ///
    /// # Errors
    /// As [`ConfigSource::read`].
    pub fn new(text: impl Into<String>, path: &Path, settings: &[String]) -> Result<Self> {
        let mut source = Self {
            path: path.to_owned(),
            text: text.into(),
            settings: Vec::new(),
            merged: Table::new(),
            dropped: vec![],
        };
        source.merged = toml::from_str(&source.text).map_err(|e| source.syntax(&e))?;
        for setting in settings {
            let mut setting = Setting::parse(setting)?;
            source.dropped.extend(setting.apply(&mut source.merged)?);
            source.settings.push(setting);
        }
        Ok(source)
    }

    /// Keys of the file that fell away because a setting chose another kind.
    #[must_use]
    pub fn dropped(&self) -> &[KeyPath] {
        &self.dropped
    }

    /// Understands it.
    ///
    /// # Errors
    /// [`Error::Config`] pointing at the key or value that is wrong.
    pub fn config(&self) -> Result<RunConfig> {
        let study = ["compare", "cv_weights"].into_iter().find(|name| self.merged.contains_key(*name));
        if let Some(name) = study {
            let message = format!("section [{name}] is for `mtl compare`, not for a single run");
            return Err(self.config_error(&KeyPath::section(name), At::Key, None, message));
        }
        self.run()
    }

    /// Understands it as a run with the sections of a study beside it, each of which may be missing.
    ///
    /// # Errors
    /// As [`ConfigSource::config`].
    pub fn study(&self) -> Result<StudyConfig> {
        let run = self.run()?;
        let compare: CompareConfig = self.section_or("compare", || Ok(Default::default()))?;
        let cv_weights: CvWeightsConfig = self.section_or("cv_weights", || Ok(Default::default()))?;
        compare.validate().map_err(|e| self.explain(e.in_section("compare")))?;
        cv_weights.validate().map_err(|e| self.explain(e.in_section("cv_weights")))?;
        Ok(StudyConfig { run, compare, cv_weights })
    }

    fn run(&self) -> Result<RunConfig> {
        check(Node::root(), &Value::Table(self.merged.clone()), &KeyPath::default())
            .map_err(|fault| self.config_error(&fault.path, fault.at, None, fault.message))?;
        let config = RunConfig {
            data: self.section("data")?,
            encoder: self.section("encoder")?,
            sharing: self.section_or("sharing", || Ok(hard()))?,
            balancer: self.section_or("balancer", || Ok(Default::default()))?,
            train: self.section_or("train", || Ok(Default::default()))?,
            tasks: self.section_or("task", || Ok(Default::default()))?,
            log: self.section_or("log", || Ok(Default::default()))?,
            device: self.section_or("device", || Ok(Default::default()))?,
        };
        config.train.validate().map_err(|e| self.explain(e.in_section("train")))?;
        config.log.validate().map_err(|e| self.explain(e.in_section("log")))?;
        Ok(config)
    }

    fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        self.section_or(name, || {
            let message = format!("section [{name}] is missing");
            Err(self.config_error(&KeyPath::section(name), At::Key, None, message))
        })
    }

    fn section_or<T: DeserializeOwned>(&self, name: &str, default: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some(value) = self.merged.get(name) else { return default() };
        T::deserialize(value.clone()).map_err(|e| {
            let message = e.message().lines().collect::<Vec<_>>().join(", ").replace('`', "\"");
            let quoted: Vec<&str> = message.split('"').skip(1).step_by(2).collect();
            // What the schema does not know (the form of a name, say) is found by its text, if it is quoted.
            let path = quoted.iter().find_map(|text| self.find_text(&KeyPath::section(name), text));
            let (path, at) = path.map_or((KeyPath::section(name), At::Key), |path| (path, At::Value));
            let hint = match quoted.split_first() {
                Some((found, known)) if message.starts_with("unknown") => hint(found, known.iter().copied()),
                _ => String::new(),
            };
            self.config_error(&path, at, None, format!("[{name}] {message}{hint}"))
        })
    }

    /// Adds the place to a complaint about a setting that came up while something was built from it; other errors stay
    /// as they are.
    #[must_use]
    pub fn explain(&self, e: Error) -> Error {
        use mtl_core::Error as Core;
        let (section, e) = match e {
            Error::Setting { section, source } => (section, *source),
            Error::Data(mtl_data::Error::Core(Core::InvalidConfig { .. })) => ("data".to_owned(), e),
            // The schema's own complaints know their place to the letter.
            Error::Data(mtl_data::Error::Setting { ref place, .. }) => {
                let path = format!("data.{place}").parse().unwrap_or_else(|_| KeyPath::section("data"));
                return self.config_error(&path, At::Value, None, e.to_string());
            }
            other => return other,
        };
        let section = section.parse().unwrap_or_default();
        let core = match &e {
            Error::Core(core) | Error::Data(mtl_data::Error::Core(core)) => Some(core),
            _ => None,
        };
        let (path, at, column) = match core {
            Some(Core::InvalidConfig { what, field, .. }) => (self.find_field(&section, what, field), At::Value, None),
            Some(Core::Parse { text, column, .. }) => (self.find_text(&section, text), At::Value, Some(*column)),
            Some(Core::UnknownTask { name, .. } | Core::UnknownName { name, .. } | Core::Duplicate { name, .. }) => {
                (self.find_text(&section, name), At::Value, None)
            }
            _ => (None, At::Key, None),
        };
        match path {
            Some(path) => self.config_error(&path, at, column, e.to_string()),
            None => self.config_error(&section, At::Key, None, e.to_string()),
        }
    }

    /// The setting `field` inside `section`: with a dotted field all of it must fit; a table whose kind is `what` goes
    /// first, then the outermost.
    fn find_field(&self, section: &KeyPath, what: &str, field: &str) -> Option<KeyPath> {
        let wanted: Vec<Step> = field.split('.').map(|key| Step::Key(key.to_owned())).collect();
        let ends_with = |wanted: &[Step]| {
            let mut found = Vec::new();
            self.walk(&mut |path, _| {
                if section.contains(path) && path != section && path.steps().ends_with(wanted) {
                    found.push(path.clone());
                }
            });
            found
        };
        let mut found = ends_with(&wanted);
        if found.is_empty() {
            // A part inside may have its own name for the one setting that it has: `dropout: rate must be ..`.
            found = ends_with(&[Step::Key(what.to_owned())]);
        }
        let is_whose = |path: &KeyPath| {
            let kind = path.parent().map(|table| table.key("kind")).and_then(|kind| self.value(&kind));
            kind.and_then(Value::as_str) == Some(what)
        };
        found.into_iter().min_by_key(|path| (!is_whose(path), path.steps().len()))
    }

    /// The first value inside `section` that is this text.
    fn find_text(&self, section: &KeyPath, text: &str) -> Option<KeyPath> {
        let mut found = None;
        self.walk(&mut |path, value| {
            if found.is_none() && section.contains(path) && value.as_str() == Some(text) {
                found = Some(path.clone());
            }
        });
        found
    }

    fn value(&self, path: &KeyPath) -> Option<&Value> {
        let (first, rest) = path.steps().split_first()?;
        let Step::Key(name) = first else { return None };
        rest.iter().try_fold(self.merged.get(name)?, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Item(item) => value.get(*item),
        })
    }

    fn walk(&self, visit: &mut dyn FnMut(&KeyPath, &Value)) {
        fn inside(path: &KeyPath, value: &Value, visit: &mut dyn FnMut(&KeyPath, &Value)) {
            visit(path, value);
            match value {
                Value::Table(table) => table.iter().for_each(|(key, value)| inside(&path.key(key), value, visit)),
                Value::Array(items) => {
                    items.iter().enumerate().for_each(|(idx, item)| inside(&path.then(Step::Item(idx)), item, visit));
                }
                _ => {}
            }
        }
        self.merged.iter().for_each(|(key, value)| inside(&KeyPath::section(key), value, visit));
    }

    fn syntax(&self, e: &toml::de::Error) -> Error {
        let message = e.message().lines().collect::<Vec<_>>().join(", ");
        let span = e.span().unwrap_or(0..0);
        let (line, excerpt) = (spans::line_of(&self.text, span.start), spans::excerpt(&self.text, &span));
        Error::Config { path: self.path.clone(), line, message, excerpt }
    }

    /// `column` (from 1) points into a text value.
    fn config_error(&self, path: &KeyPath, at: At, column: Option<usize>, message: String) -> Error {
        // The last flag that sets the value, or something around it, is where it comes from.
        if let Some(setting) = self.settings.iter().rfind(|setting| setting.path.contains(path)) {
            return Error::Config { path: setting.shown().into(), line: 0, message, excerpt: String::new() };
        }
        let table = DeTable::parse(&self.text).ok();
        let span = table.and_then(|table| spans::find(table.get_ref(), path, at));
        let Some(mut span) = span else {
            // A flag may have made the table that is wrong.
            if let Some(setting) = self.settings.iter().rfind(|setting| path.contains(&setting.path)) {
                return Error::Config { path: setting.shown().into(), line: 0, message, excerpt: String::new() };
            }
            // Nothing of it is in the file: the end is where it would have to stand.
            let line = self.text.lines().count().max(1);
            return Error::Config { path: self.path.clone(), line, message, excerpt: String::new() };
        };
        if let Some(column) = column.filter(|c| span.start + c < span.end) {
            span = span.start + column..span.end.saturating_sub(1).max(span.start + column + 1);
        }
        let (line, excerpt) = (spans::line_of(&self.text, span.start), spans::excerpt(&self.text, &span));
        Error::Config { path: self.path.clone(), line, message, excerpt }
    }
}
