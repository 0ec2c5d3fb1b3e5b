//! `--set KEY=VALUE`: one setting laid over the file.
//!
//! ```text
//! --set balancer.kind=upgrad          a word is a text
//! --set train.epochs=3                numbers, true, "texts", [lists] and { tables = 1 } as in the file
//! --set train.optimizer.lr=0.01       a table that the file leaves out starts as the default one: kind adamw
//! --set task.income.weight=2          a task by its name, whether the file lists it or only the data names it
//! --set data.schema.columns.age.kind=ignore      an item of any list by the name that it has
//! --set encoder.hidden[0]=64          an item of a list that the file has
//! ```
//! Choosing another `kind` keeps the keys that the new kind has as well and drops the others, which belonged to the old
//! kind; [`ConfigSource::notes`](super::ConfigSource::notes) names them.
//!
//! What a default depends on is looked up in what has been set so far: the encoder follows the data and the sharing, a
//! task's head the form of its labels. So flags for `encoder` and `task` are laid over the file last.

use std::path::Path;

use mtl_core::answer::AnswerTag;
use mtl_data::DatasetConfig;
use mtl_heads::HeadConfig;
use serde::Deserialize;
use toml::{Table, Value};

use super::{
    hard,
    path::{KeyPath, Step},
    schema::{default_kind, nodes},
};
use crate::{
    error::{Error, Result},
    parts::{architecture::Architecture, encoder::AnyEncoder},
};

/// One `--set`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    /// As it was given.
    text: String,
    pub(super) path: KeyPath,
    value: Value,
}

impl Setting {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (key, value) = text.split_once('=').ok_or_else(|| refuse(text, "expected KEY=VALUE".into()))?;
        let path = key.trim().parse().map_err(|message| refuse(text, message))?;
        Ok(Self { text: text.to_owned(), path, value: read(value.trim()).map_err(|message| refuse(text, message))? })
    }

    /// `--data-dir`: the key by which the data set in `table` says in which folder its files are.
    pub(super) fn folder(dir: &Path, table: &Table) -> Result<Self> {
        // Where no kind is named, the check that follows says so.
        let kind = table.get("data").and_then(|data| data.get("kind")).and_then(Value::as_str);
        let Some(key) = kind.map_or(Some("dir"), folder_key) else {
            let (expected, found) = match kind {
                Some("sources") => ("one data set: --set data.<name>.dir for each source", "several"),
                _ => ("a data set of files", "one that is generated"),
            };
            let (expected, found) = (expected.to_owned(), found.to_owned());
            let message = mtl_core::Error::InvalidConfig { what: "data", field: "dir", expected, found }.to_string();
            let path = format!("--data-dir {}", dir.display()).into();
            return Err(Error::Config { path, line: 0, message, excerpt: String::new() });
        };
        Self::parse(&format!("data.{key}={}", Value::String(dir.display().to_string())))
    }

    /// What messages call the place.
    pub(super) fn shown(&self) -> String {
        format!("--set {}", self.text)
    }

    /// Whether its default depends on other sections.
    pub(super) fn comes_last(&self) -> bool {
        matches!(self.path.steps().first(), Some(Step::Key(section)) if section == "encoder" || section == "task")
    }

    /// Sets the value; says what else that changed, in lines for people.
    pub(super) fn apply(&mut self, table: &mut Table) -> Result<Vec<String>> {
        let refused = |message| refuse(&self.text, message);
        let mut notes = list_task(&self.path, table).map_err(refused)?;
        self.path = by_name(&self.path, table).map_err(|message| refuse(&self.text, message))?;
        let whole = table.clone();
        let mut done = KeyPath::default();
        let mut here = Place::Table(table);
        for step in self.path.steps() {
            let last = done.steps().len() + 1 == self.path.steps().len();
            let next = match (here, step) {
                (Place::Table(table), Step::Key(key)) if last => {
                    let dropped = match (key.as_str(), table.get(key) == Some(&self.value), &self.value) {
                        ("kind", false, Value::String(kind)) => drop_foreign(table, &done, kind),
                        _ => Vec::new(),
                    };
                    table.insert(key.clone(), self.value.clone());
                    let why = "belongs to the kind that --set replaced and is left out";
                    notes.extend(dropped.iter().map(|key| format!("{key} {why}")));
                    // A run has one budget: to set one takes the other away.
                    let other = match (done.to_string().as_str(), key.as_str()) {
                        ("train", "steps") => Some("epochs"),
                        ("train", "epochs") => Some("steps"),
                        _ => None,
                    };
                    if let Some(other) = other.filter(|other| table.remove(*other).is_some()) {
                        notes.push(format!("train.{other} is left out: a run has one budget"));
                    }
                    return Ok(notes);
                }
                (Place::Table(table), Step::Key(key)) => {
                    let absent = !table.contains_key(key);
                    let next = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
                    let kind = if absent { kind_of(&done.key(key), &whole) } else { None };
                    if let (Some(kind), Value::Table(new)) = (kind, &mut *next) {
                        new.insert("kind".into(), kind.into());
                    }
                    Some(next)
                }
                (Place::List(items), Step::Item(item)) => items.get_mut(*item),
                _ => None,
            };
            done = done.then(step.clone());
            here = match next {
                Some(value) if last => {
                    *value = self.value.clone();
                    return Ok(notes);
                }
                Some(Value::Table(table)) => Place::Table(table),
                Some(Value::Array(items)) => Place::List(items),
                Some(_) => return Err(refuse(&self.text, format!("{done} has no keys inside, it is a plain value"))),
                None => return Err(refuse(&self.text, format!("there is no {done}"))),
            };
        }
        Err(refuse(&self.text, "expected a key".into()))
    }
}

enum Place<'t> {
    Table(&'t mut Table),
    List(&'t mut Vec<Value>),
}

fn refuse(text: &str, message: String) -> Error {
    Error::Config { path: format!("--set {text}").into(), line: 0, message, excerpt: String::new() }
}

/// A value as in the file; a bare word is a text.
fn read(text: &str) -> std::result::Result<Value, String> {
    if text.is_empty() {
        return Err("expected a value after =".into());
    }
    match toml::from_str::<Table>(&format!("value = {text}")) {
        Ok(mut table) if table.len() == 1 => table.remove("value").ok_or_else(|| "expected a value".into()),
        Err(e) if text.starts_with(['[', '{', '"', '\'']) => {
            Err(e.message().lines().next().unwrap_or("not a value").to_owned())
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn is_named(item: &Value, name: &str) -> bool {
    item.get("name").and_then(Value::as_str) == Some(name)
}

/// The tasks that the section `[data]` names; none where it cannot be understood, which the check of the file says.
fn tasks_of_data(table: &Table) -> Vec<(String, AnswerTag)> {
    let data = table.get("data").cloned().and_then(|data| DatasetConfig::deserialize(data).ok());
    let tasks = data.and_then(|data| data.tasks().ok()).unwrap_or_default();
    tasks.into_iter().map(|(name, tag)| (name.to_string(), tag)).collect()
}

/// Makes room for a setting of a task that the data names and the file does not list. Without a list all tasks are learned:
/// then all are listed. With one, the task is added to those that the file wants, which is said.
fn list_task(path: &KeyPath, table: &mut Table) -> std::result::Result<Vec<String>, String> {
    let [Step::Key(list), Step::Key(name), ..] = path.steps() else { return Ok(Vec::new()) };
    let listed = match table.get("task") {
        Some(Value::Array(items)) => items.as_slice(),
        None => &[],
        Some(_) => return Ok(Vec::new()),
    };
    if list != "task" || listed.iter().any(|item| is_named(item, name)) {
        return Ok(Vec::new());
    }
    let tasks = tasks_of_data(table);
    if !tasks.iter().any(|(task, _)| task == name) {
        let mut known: Vec<&str> = listed.iter().filter_map(|item| item.get("name")?.as_str()).collect();
        known.extend(
            tasks.iter().map(|(task, _)| task.as_str()).filter(|task| !listed.iter().any(|i| is_named(i, task))),
        );
        let known = if known.is_empty() { "none".into() } else { known.join(", ") };
        return Err(format!("the file has no [[task]] named {name}, nor has its data; known tasks are {known}"));
    }
    let item = |task: &str| Value::Table([("name".to_owned(), Value::from(task))].into_iter().collect());
    let (items, notes): (Vec<Value>, _) = match listed {
        [] => (tasks.iter().map(|(task, _)| item(task)).collect(), Vec::new()),
        listed => {
            let note = format!("task {name} is added to those that the file lists");
            (listed.iter().cloned().chain([item(name)]).collect(), vec![note])
        }
    };
    table.insert("task".into(), Value::Array(items));
    Ok(notes)
}

/// `task.income.weight` as `task[0].weight`: an item of a list may be called by its name.
fn by_name(path: &KeyPath, table: &Table) -> std::result::Result<KeyPath, String> {
    let mut found = KeyPath::default();
    let mut here: Option<Value> = Some(Value::Table(table.clone()));
    for step in path.steps() {
        let step = match (&here, step) {
            (Some(Value::Array(items)), Step::Key(name)) => {
                let item = items.iter().position(|item| is_named(item, name));
                Step::Item(item.ok_or_else(|| format!("the file has no [[{found}]] named {name}"))?)
            }
            (_, step) => step.clone(),
        };
        here = here.and_then(|value| match &step {
            Step::Key(key) => value.get(key).cloned(),
            Step::Item(item) => value.get(*item).cloned(),
        });
        found = found.then(step);
    }
    Ok(found)
}

/// The kind that a table which the file leaves out has: what the run would have taken without it.
fn kind_of(path: &KeyPath, whole: &Table) -> Option<&'static str> {
    match path.steps() {
        [Step::Key(section)] if section == "encoder" => default_encoder(whole),
        [Step::Key(list), Step::Item(item), Step::Key(head)] if list == "task" && head == "head" => {
            let name = whole.get("task")?.get(*item)?.get("name")?.as_str()?;
            let tag = tasks_of_data(whole).into_iter().find(|(task, _)| task == name)?.1;
            Some(HeadConfig::default_of(tag).ok()?.name())
        }
        _ => default_kind(path),
    }
}

/// The key of a data set's folder; `None` where samples are generated.
fn folder_key(kind: &str) -> Option<&'static str> {
    match DatasetConfig::by_name(kind) {
        Ok(data) => data.part().places().first().copied(),
        // Refused by the check that follows.
        Err(_) => Some("dir"),
    }
}

fn default_encoder(whole: &Table) -> Option<&'static str> {
    let data = DatasetConfig::deserialize(whole.get("data")?.clone()).ok()?;
    let sharing = whole.get("sharing").and_then(|sharing| Architecture::deserialize(sharing.clone()).ok());
    Some(AnyEncoder::default_for(&data, &sharing.unwrap_or_else(hard)).name())
}

/// Drops what the member `kind` of the registry at `path` does not know.
fn drop_foreign(table: &mut Table, path: &KeyPath, kind: &str) -> Vec<KeyPath> {
    let nodes = nodes(path);
    let member = nodes.iter().flat_map(|node| node.alternatives()).find(|node| node.kind() == Some(kind));
    // An unknown kind is refused by the check that follows.
    let Some(member) = member else { return Vec::new() };
    let foreign: Vec<String> = table.keys().filter(|key| member.property(key).is_none()).cloned().collect();
    foreign.iter().for_each(|key| drop(table.remove(key)));
    foreign.iter().map(|key| path.key(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(file: &str, flag: &str) -> std::result::Result<(String, Vec<String>), String> {
        let mut table: Table = toml::from_str(file).unwrap();
        let dropped = Setting::parse(flag).and_then(|mut s| s.apply(&mut table)).map_err(|e| e.to_string())?;
        Ok((toml::to_string(&table).unwrap().replace('\n', " ").trim_end().to_owned(), dropped))
    }

    #[test]
    fn values_are_typed_like_toml() {
        let table = |flag| set("", flag).unwrap().0;
        assert_eq!(table("train.epochs=3"), "[train] epochs = 3");
        assert_eq!(table("train.lr = 1e-3"), "[train] lr = 0.001");
        assert_eq!(table("balancer.kind=upgrad"), "[balancer] kind = \"upgrad\"");
        assert_eq!(table("balancer.kind=\"upgrad\""), "[balancer] kind = \"upgrad\"");
        assert_eq!(table("device.threads=[8, 4]"), "[device] kind = \"cpu\" threads = [8, 4]");
        assert_eq!(table("device.deterministic=true"), "[device] deterministic = true kind = \"cpu\"");
    }

    #[test]
    fn tasks_go_by_name_and_items_by_number() {
        let file = "[[task]]\nname = \"a\"\n[[task]]\nname = \"b\"\n";
        assert!(set(file, "task.b.weight=2").unwrap().0.ends_with("name = \"b\" weight = 2"));
        assert_eq!(
            set(file, "task.c.weight=2").unwrap_err(),
            "--set task.c.weight=2: the file has no [[task]] named c, nor has its data; known tasks are a, b"
        );
        assert!(set("x = [{ name = \"a\" }]", "x.a.y=5").unwrap().0.contains("y = 5"));
        assert_eq!(set("x = [1, 2]", "x[1]=5").unwrap().0, "x = [1, 5]");
        assert_eq!(set("x = [1, 2]", "x[2]=5").unwrap_err(), "--set x[2]=5: there is no x[2]");
    }

    #[test]
    fn another_kind_keeps_what_it_knows() {
        let file = "[train]\noptimizer = { kind = \"adamw\", lr = 0.1, beta1 = 0.5 }";
        let (table, dropped) = set(file, "train.optimizer.kind=sgd").unwrap();
        assert!(table.contains("lr = 0.1") && table.contains("\"sgd\"") && !table.contains("beta1"), "{table}");
        assert_eq!(dropped, ["train.optimizer.beta1 belongs to the kind that --set replaced and is left out"]);
        assert_eq!(set(file, "train.optimizer.kind=adamw").unwrap().1.len(), 0);
    }

    #[test]
    fn one_budget_takes_the_place_of_the_other() {
        let (table, notes) = set("[train]\nepochs = 3", "train.steps=50").unwrap();
        assert_eq!((table.as_str(), notes.len()), ("[train] steps = 50", 1));
        assert_eq!(set("[train]\nsteps = 50", "train.epochs=3").unwrap().0, "[train] epochs = 3");
        assert_eq!(set("[train]\nepochs = 3", "train.epochs=4").unwrap().1.len(), 0);
    }

    #[test]
    fn a_table_that_is_not_there_starts_as_the_default_one() {
        let table = |file: &str, flag: &str| set(file, flag).unwrap().0;
        assert_eq!(table("", "train.optimizer.lr=0.1"), "[train.optimizer] kind = \"adamw\" lr = 0.1");
        assert_eq!(table("", "train.schedule.warmup_steps=3"), "[train.schedule] kind = \"cosine\" warmup_steps = 3");
        assert_eq!(table("", "balancer.reduction=mean"), "[balancer] kind = \"equal\" reduction = \"mean\"");
        assert_eq!(table("", "train.policy.zero_tolerance=0.1"), "[train.policy] zero_tolerance = 0.1");
        // The encoder follows data and sharing, a head the labels.
        let table_data = "[data]\nkind = \"synthetic-mmoe\"\n";
        assert!(table(table_data, "encoder.dropout=0.1").contains("[encoder] dropout = 0.1 kind = \"tabular\""));
        let pictures = "[data]\nkind = \"fashion-pairs\"\n";
        assert!(table(pictures, "encoder.dropout=0.1").contains("[encoder] dropout = 0.1 kind = \"conv\""));
        assert!(table(table_data, "task.y2.head.hidden=[8]").contains("[task.head] hidden = [8] kind = \"regress\""));
    }

    #[test]
    fn a_task_that_only_the_data_names_can_be_set() {
        let data = "data = { kind = \"synthetic-mmoe\" }\n";
        let (all, notes) = set(data, "task.y2.weight=3").unwrap();
        assert!(all.contains("name = \"y1\"") && all.ends_with("name = \"y2\" weight = 3"), "{all}");
        assert_eq!(notes.len(), 0, "all tasks are learned as before");
        let (two, notes) = set(&format!("{data}[[task]]\nname = \"y1\"\n"), "task.y2.weight=3").unwrap();
        assert!(two.ends_with("name = \"y2\" weight = 3"), "{two}");
        assert_eq!(notes, ["task y2 is added to those that the file lists"]);
        let e = set(data, "task.y3.weight=3").unwrap_err();
        assert!(e.ends_with("known tasks are y1, y2"), "{e}");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (flag, part) in [
            ("train.epochs", "expected KEY=VALUE"),
            ("train.epochs=", "expected a value"),
            ("=3", "expected keys"),
            ("a.b=[1", "--set a.b=[1: "),
            ("a={x", "--set a={x: "),
        ] {
            let e = set("", flag).unwrap_err();
            assert!(e.contains(part) && e.starts_with("--set ") && e.lines().count() == 1, "{e}");
        }
        assert!(set("a = 1", "a.b=2").unwrap_err().contains("a has no keys inside"));
    }
}
