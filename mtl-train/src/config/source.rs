//! The text of a configuration file with the settings laid over it: what a complaint can point at.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mtl_core::{nearest::hint, task::TaskName};
use mtl_data::DatasetConfig;
use serde::de::DeserializeOwned;
use toml::{Table, Value, de::DeTable};

use super::{
    RunConfig, StudyConfig,
    check::check,
    hard,
    path::{KeyPath, Step},
    schema::{self, Node},
    set::Setting,
    spans::{self, At},
};
use crate::{
    error::{Error, Result},
    parts::{encoder::AnyEncoder, metrics::registry, per_source::MadeOfOthers},
    study::{compare::CompareConfig, cv_weights::CvWeightsConfig},
    train::trainer::TrainConfig,
};

/// A configuration file, read but not yet understood, and the `--set` flags over it.
#[derive(Debug, Clone)]
pub struct ConfigSource {
    path: PathBuf,
    text: String,
    settings: Vec<Setting>,
    merged: Table,
    notes: Vec<String>,
}

/// Something wrong in a configuration.
#[derive(Debug)]
pub struct ConfigFault {
    /// The value without which it would be right, or the innermost table around it.
    pub path: KeyPath,
    /// What is wrong, with its place.
    pub error: Box<Error>,
}

impl ConfigSource {
    /// Reads a file and lays `settings` (`KEY=VALUE` each, the last one wins) over it.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Config`] when it is no TOML or a setting cannot be laid over it.
    pub fn read(path: &Path, settings: &[String]) -> Result<Self> {
        Self::read_in(path, settings, None)
    }

    /// The same with the data's files in that folder, as `--data-dir` says it: a setting over all others, whose key the data set names
    /// (`data.dir`, or the first of [`DatasetPart::places`](mtl_data::DatasetPart::places)).
    ///
    /// # Errors
    /// As [`ConfigSource::read`]; [`Error::Config`] for a folder of a data set that is generated.
    pub fn read_in(path: &Path, settings: &[String], data_dir: Option<&Path>) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|e| Error::io(path, "cannot read config", e))?;
        Self::laid_over(text, path, settings, data_dir)
    }

    /// The same for a text; `path` is for messages.
    ///
    /// # Errors
    /// As [`ConfigSource::read`].
    pub fn new(text: impl Into<String>, path: &Path, settings: &[String]) -> Result<Self> {
        Self::laid_over(text.into(), path, settings, None)
    }

    fn laid_over(text: String, path: &Path, settings: &[String], data_dir: Option<&Path>) -> Result<Self> {
        let mut source =
            Self { path: path.to_owned(), text, settings: Vec::new(), merged: Table::new(), notes: Vec::new() };
        source.merged = toml::from_str(&source.text).map_err(|e| source.syntax(&e))?;
        say_sources(&mut source.merged);
        let settings = settings.iter().map(|text| Setting::parse(text)).collect::<Result<Vec<_>>>()?;
        let (last, first): (Vec<_>, Vec<_>) = settings.into_iter().partition(Setting::comes_last);
        first.into_iter().try_for_each(|setting| source.lay(setting))?;
        if let Some(dir) = data_dir {
            // Which key it is follows from the data set, which a flag may have chosen.
            let setting = Setting::folder(dir, &source.merged)?;
            source.lay(setting)?;
        }
        last.into_iter().try_for_each(|setting| source.lay(setting))?;
        Ok(source)
    }

    fn lay(&mut self, mut setting: Setting) -> Result<()> {
        let notes = setting.apply(&mut self.merged)?;
        self.notes.extend(notes.iter().map(|note| format!("{}: {note}", setting.shown())));
        self.settings.push(setting);
        Ok(())
    }

    /// What settings changed beside the key that they name: keys of another kind that fell away, a task that was added.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Understands it as a run. The sections of a study may stand beside it: one file serves all verbs.
    ///
    /// # Errors
    /// [`Error::Config`] pointing at the first key or value that is wrong.
    pub fn config(&self) -> Result<RunConfig> {
        self.spelled_right()?;
        self.run().map_err(|fault| *fault.error)
    }

    /// Understands it as a run with the sections of a study beside it, each of which may be missing.
    ///
    /// # Errors
    /// As [`ConfigSource::config`].
    pub fn study(&self) -> Result<StudyConfig> {
        self.spelled_right()?;
        self.whole().map_err(|fault| *fault.error)
    }

    /// Everything that is wrong with its keys and values, as far as the file alone shows it, in the order of its lines.
    /// Where the schema has nothing to complain of, the first value that a section refuses.
    #[must_use]
    pub fn faults(&self) -> Vec<ConfigFault> {
        let found = self.misspelled();
        if found.is_empty() { self.whole().err().into_iter().collect() } else { found }
    }

    /// Whether the file or a flag has such a section.
    #[must_use]
    pub fn has_section(&self, name: &str) -> bool {
        self.merged.contains_key(name)
    }

    /// The same without a value, so that its default counts: to look for what else is wrong. `None` where it has none.
    #[must_use]
    pub fn without(&self, path: &KeyPath) -> Option<Self> {
        let mut less = self.clone();
        let (last, inside) = path.steps().split_last()?;
        let mut here = Some(Value::Table(std::mem::take(&mut less.merged)));
        let mut place = here.as_mut();
        for step in inside {
            place = match (place?, step) {
                (Value::Table(table), Step::Key(key)) => table.get_mut(key),
                (Value::Array(items), Step::Item(item)) => items.get_mut(*item),
                _ => None,
            };
        }
        match (place?, last) {
            (Value::Table(table), Step::Key(key)) => drop(table.remove(key)?),
            (Value::Array(items), Step::Item(item)) if *item < items.len() => drop(items.remove(*item)),
            _ => return None,
        }
        match here {
            Some(Value::Table(merged)) => Some(Self { merged, ..less }),
            _ => None,
        }
    }

    fn misspelled(&self) -> Vec<ConfigFault> {
        let faults = check(Node::root(), &Value::Table(self.merged.clone()), &KeyPath::default());
        let fault = |f: super::check::Fault| ConfigFault {
            error: Box::new(self.config_error(&f.path, f.at, None, f.message)),
            path: f.path,
        };
        let mut found: Vec<ConfigFault> = faults.into_iter().map(fault).collect();
        found.sort_by_key(|fault| match &*fault.error {
            Error::Config { line, .. } => *line,
            _ => 0,
        });
        found
    }

    fn spelled_right(&self) -> Result<()> {
        self.misspelled().into_iter().next().map_or(Ok(()), |fault| Err(*fault.error))
    }

    fn whole(&self) -> std::result::Result<StudyConfig, ConfigFault> {
        let run = self.run()?;
        let compare: CompareConfig = self.section("compare", Default::default)?;
        let cv_weights: CvWeightsConfig = self.section("cv_weights", Default::default)?;
        compare.validate().map_err(|e| self.fault(e, "compare"))?;
        cv_weights.validate().map_err(|e| self.fault(e, "cv_weights"))?;
        Ok(StudyConfig { run, compare, cv_weights })
    }

    fn run(&self) -> std::result::Result<RunConfig, ConfigFault> {
        let data: DatasetConfig = match self.merged.get("data") {
            Some(data) => self.understand("data", data)?,
            None => return Err(self.missing("data")),
        };
        let sharing = self.section("sharing", hard)?;
        let config = RunConfig {
            encoder: self.section("encoder", || AnyEncoder::default_for(&data, &sharing))?,
            balancer: self.section("balancer", Default::default)?,
            init: self.section("init", Default::default)?,
            train: self.section("train", TrainConfig::default)?.spelled_out(),
            tasks: self.section("task", Default::default)?,
            joint: self.section("joint_metric", Default::default)?,
            stream: self.section("stream", Default::default)?,
            log: self.section("log", Default::default)?,
            device: self.section("device", Default::default)?,
            data,
            sharing,
        };
        config.train.validate().map_err(|e| self.fault(e, "train"))?;
        check_sources(&config).map_err(|e| self.fault(e, "train"))?;
        if let Some(stream) = &config.stream {
            stream.validate(config.train.batch_size).map_err(|e| self.fault(e, "stream"))?;
        }
        config.log.validate().map_err(|e| self.fault(e, "log"))?;
        for (idx, task) in config.tasks.iter().enumerate() {
            let named = task.primary.iter().map(|name| ("primary".to_owned(), name));
            let more = task.metrics.iter().enumerate().map(|(n, name)| (format!("metrics[{n}]"), name));
            for (key, name) in named.chain(more) {
                registry().find(name).map_err(|e| self.fault(e.into(), &format!("task[{idx}].{key}")))?;
            }
        }
        Ok(config)
    }

    fn missing(&self, name: &str) -> ConfigFault {
        let path = KeyPath::section(name);
        let error = self.config_error(&path, At::Key, None, format!("section [{name}] is missing"));
        ConfigFault { path, error: Box::new(error) }
    }

    fn fault(&self, e: Error, section: &str) -> ConfigFault {
        let e = e.in_section(section);
        let path = self.place_of(&e).unwrap_or_else(|| KeyPath::section(section));
        ConfigFault { path, error: Box::new(self.explain(e)) }
    }

    fn section<T: DeserializeOwned>(
        &self,
        name: &str,
        default: impl FnOnce() -> T,
    ) -> std::result::Result<T, ConfigFault> {
        self.merged.get(name).map_or_else(|| Ok(default()), |value| self.understand(name, value))
    }

    fn understand<T: DeserializeOwned>(&self, name: &str, value: &Value) -> std::result::Result<T, ConfigFault> {
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
            let error = self.config_error(&path, at, None, format!("[{name}] {message}{hint}"));
            ConfigFault { path, error: Box::new(error) }
        })
    }

    /// Adds the place to a complaint about a setting that came up while something was built from it; other errors stay
    /// as they are.
    #[must_use]
    pub fn explain(&self, e: Error) -> Error {
        // The schema's own complaints know their place to the letter.
        if let Some(path) = exact_place(&e) {
            return self.config_error(&path, At::Value, None, e.to_string());
        }
        let Some((section, cause)) = blamed(&e) else { return e };
        let message = cause.to_string();
        let Some(core) = core_of(cause) else { return self.config_error(&section, At::Key, None, message) };
        let column = match core.located().1 {
            mtl_core::Error::Parse { column, .. } => Some(*column),
            _ => None,
        };
        let address = self.address(&section, core);
        // A complaint about a table or a list as a whole is about its name.
        let is_whole = self.value(&address.part).is_some_and(|value| value.is_table() || value.is_array());
        let at = if is_whole && address.key.is_none() { At::Key } else { At::Value };
        self.config_error(&address.path(), at, column, message)
    }

    /// The value that a complaint is about, or else what is around it, if the file has it.
    #[must_use]
    pub fn place_of(&self, e: &Error) -> Option<KeyPath> {
        if let Some(path) = exact_place(e) {
            return Some(path);
        }
        let (section, cause) = blamed(e)?;
        let mut path = match core_of(cause) {
            Some(core) => self.address(&section, core).path(),
            None => section,
        };
        while self.value(&path).is_none() {
            path = path.parent()?;
        }
        Some(path)
    }

    /// Where the setting stands that an error of a part is about: the part in its section, as the error says it, and the key in it.
    fn address(&self, section: &KeyPath, core: &mtl_core::Error) -> Address {
        use mtl_core::Error as Core;
        let (inside, cause) = core.located();
        let part = section.join(inside);
        let key = match cause {
            // What is no key of the part is a thing inside it, of which the part is the address.
            Core::InvalidConfig { field, .. } => Some(part.join(field)).filter(schema::is_key),
            // A name says itself which value it is: the one that is this name.
            Core::UnknownTask { name, .. } | Core::UnknownName { name, .. } | Core::Duplicate { name, .. } => {
                self.find_text(&part, name)
            }
            _ => None,
        };
        Address { part, key }
    }

    /// The first value inside `section`, itself included, that is this text.
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
        // A flag has set a key in a table that lacks its kind.
        if let Some(Step::Key(key)) = path.steps().last()
            && key == "kind"
            && self.value(path).is_none()
            && let Some(setting) = self.settings.iter().rfind(|s| path.parent().is_some_and(|t| t.contains(&s.path)))
        {
            let message = format!("{message}; set it too: --set {path}=KIND");
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

/// Where a complaint of the schema says that it is.
fn exact_place(e: &Error) -> Option<KeyPath> {
    let Error::Data(mtl_data::Error::Setting { place, .. }) = e else { return None };
    Some(format!("data.{place}").parse().unwrap_or_else(|_| KeyPath::section("data")))
}

/// Where a setting stands.
struct Address {
    /// The part that it belongs to.
    part: KeyPath,
    /// The setting; `None` where the part as a whole is meant.
    key: Option<KeyPath>,
}

impl Address {
    fn path(self) -> KeyPath {
        self.key.unwrap_or(self.part)
    }
}

/// A table of tables with kinds, `[data.reviews]` and `[data.customers]`, is data of several sources without saying so.
fn say_sources(file: &mut Table) {
    let Some(Value::Table(data)) = file.get_mut("data") else { return };
    let are_tables = data.values().all(Value::is_table);
    let has_kind = |value: &Value| value.get("kind").is_some_and(Value::is_str);
    if are_tables && data.values().any(has_kind) {
        data.insert("kind".into(), "sources".into());
    }
}

/// Whether what is said of sources is about those of the data.
fn check_sources(config: &RunConfig) -> Result<()> {
    let refuse = |field, expected: String, found: String| {
        Err(mtl_core::Error::InvalidConfig { what: "train", field, expected, found }.into())
    };
    let TrainConfig { mix, sources: said, .. } = &config.train;
    let Some(sources) = config.data.sources() else {
        let only = |what: &str| format!("left out where [data] is a single data set, of which nothing is {what}");
        return match (mix, said.keys().next()) {
            (Some(mix), _) => refuse("mix", only("mixed"), mix.name().to_owned()),
            (None, Some(name)) => refuse("sources", only("a source"), name.clone()),
            (None, None) => Ok(()),
        };
    };
    sources.validate().map_err(|e| Error::from(e).in_section("data"))?;
    let tasks = sources.tasks_by_source().map_err(|e| Error::from(e).in_section("data"))?;
    let encoders = match &config.encoder {
        AnyEncoder::Others(MadeOfOthers::PerSource(encoder)) => encoder.sources.keys().collect(),
        AnyEncoder::Core(_) | AnyEncoder::Attention(_) => Vec::new(),
    };
    for (section, names) in [("train.sources", said.keys().collect()), ("encoder.sources", encoders)] {
        if let Some(name) = names.into_iter().find(|name| !sources.0.contains_key(*name)) {
            let known = sources.0.keys().cloned().collect();
            let e = mtl_core::Error::UnknownName { what: "source", name: name.clone(), known };
            return Err(Error::from(e).in_section(section));
        }
    }
    for (idx, joint) in config.joint.iter().enumerate() {
        let of = |task: &TaskName| tasks.iter().position(|(_, own)| own.iter().any(|(name, _)| name == task));
        let mut sources = joint.tasks.iter().filter_map(of);
        let first = sources.next();
        if sources.any(|other| Some(other) != first) {
            let (what, field) = ("joint metric", "tasks");
            let expected = "of one source: it is about samples that have labels of all".to_owned();
            let found = joint.tasks.iter().map(TaskName::as_str).collect::<Vec<_>>().join(", ");
            let e = Error::from(mtl_core::Error::InvalidConfig { what, field, expected, found });
            return Err(e.in_section(format!("joint_metric[{idx}]")));
        }
    }
    Ok(())
}

/// The section that an error is about, and what is wrong there.
fn blamed(e: &Error) -> Option<(KeyPath, &Error)> {
    use mtl_core::Error as Core;
    match e {
        Error::Setting { section, source } => Some((section.parse().unwrap_or_default(), source)),
        Error::Data(mtl_data::Error::Core(Core::InvalidConfig { .. } | Core::Inside { .. })) => {
            Some((KeyPath::section("data"), e))
        }
        _ => None,
    }
}

fn core_of(e: &Error) -> Option<&mtl_core::Error> {
    match e {
        Error::Core(core) | Error::Data(mtl_data::Error::Core(core)) => Some(core),
        _ => None,
    }
}
