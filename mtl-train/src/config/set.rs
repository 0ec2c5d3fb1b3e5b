//! `--set KEY=VALUE`: one setting laid over the file.
//!
//! ```text
//! --set balancer.kind=upgrad        a word is a text
//! --set train.epochs=3              numbers, true, "texts", [lists] and { tables = 1 } as in the file
//! --set task.income.weight=2        a task by its name
//! --set encoder.hidden[0]=64        an item of a list that the file has
//! ```
//! Choosing another `kind` keeps the keys that the new kind has as well and drops the others, which belonged to the old
//! kind; [`ConfigSource::dropped`](super::ConfigSource::dropped) names them.

use toml::{Table, Value};

use super::{
    path::{KeyPath, Step},
    schema::Node,
};
use crate::error::{Error, Result};

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

    /// What messages call the place.
    pub(super) fn shown(&self) -> String {
        format!("--set {}", self.text)
    }

    /// Sets the value; gives the keys that fell away because the kind changed.
    pub(super) fn apply(&mut self, table: &mut Table) -> Result<Vec<KeyPath>> {
        self.path = by_name(&self.path, table).map_err(|message| refuse(&self.text, message))?;
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
                    return Ok(dropped);
                }
                (Place::Table(table), Step::Key(key)) => {
                    Some(table.entry(key).or_insert_with(|| Value::Table(Table::new())))
                }
                (Place::List(items), Step::Item(item)) => items.get_mut(*item),
                _ => None,
            };
            done = done.then(step.clone());
            here = match next {
                Some(value) if last => {
                    *value = self.value.clone();
                    return Ok(Vec::new());
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

/// `task.income.weight` as `task[0].weight`.
fn by_name(path: &KeyPath, table: &Table) -> std::result::Result<KeyPath, String> {
    let [Step::Key(list), Step::Key(name), rest @ ..] = path.steps() else { return Ok(path.clone()) };
    let items = match table.get(list) {
        Some(Value::Array(items)) => items,
        None if list == "task" => return Err(format!("the file has no [[task]] named {name}")),
        _ => return Ok(path.clone()),
    };
    let named = |item: &Value| item.get("name").and_then(Value::as_str) == Some(name);
    let item = items.iter().position(named).ok_or_else(|| format!("the file has no [[{list}]] named {name}"))?;
    let start = KeyPath::section(list).then(Step::Item(item));
    Ok(rest.iter().fold(start, |path, step| path.then(step.clone())))
}

/// Drops what the member `kind` of the registry at `path` does not know.
fn drop_foreign(table: &mut Table, path: &KeyPath, kind: &str) -> Vec<KeyPath> {
    let mut nodes = vec![Node::root()];
    for step in path.steps() {
        let inside = nodes.iter().flat_map(|node| node.alternatives());
        nodes = match step {
            Step::Key(key) => inside.filter_map(|node| node.property(key)).collect(),
            Step::Item(item) => inside.filter_map(|node| node.item(*item)).collect(),
        };
    }
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
        let dropped = dropped.iter().map(ToString::to_string).collect();
        Ok((toml::to_string(&table).unwrap().replace('\n', " ").trim_end().to_owned(), dropped))
    }

    #[test]
    fn values_are_typed_like_toml() {
        let table = |flag| set("", flag).unwrap().0;
        assert_eq!(table("train.epochs=3"), "[train] epochs = 3");
        assert_eq!(table("train.lr = 1e-3"), "[train] lr = 0.001");
        assert_eq!(table("balancer.kind=upgrad"), "[balancer] kind = \"upgrad\"");
        assert_eq!(table("balancer.kind=\"upgrad\""), "[balancer] kind = \"upgrad\"");
        assert_eq!(table("encoder.hidden=[8, 4]"), "[encoder] hidden = [8, 4]");
        assert_eq!(table("device.deterministic=true"), "[device] deterministic = true");
    }

    #[test]
    fn tasks_go_by_name_and_items_by_number() {
        let file = "[[task]]\nname = \"a\"\n[[task]]\nname = \"b\"\n";
        assert!(set(file, "task.b.weight=2").unwrap().0.ends_with("name = \"b\" weight = 2"));
        assert_eq!(
            set(file, "task.c.weight=2").unwrap_err(),
            "--set task.c.weight=2: the file has no [[task]] named c"
        );
        assert_eq!(set("x = [1, 2]", "x[1]=5").unwrap().0, "x = [1, 5]");
        assert_eq!(set("x = [1, 2]", "x[2]=5").unwrap_err(), "--set x[2]=5: there is no x[2]");
    }

    #[test]
    fn another_kind_keeps_what_it_knows() {
        let file = "[train]\noptimizer = { kind = \"adamw\", lr = 0.1, beta1 = 0.5 }";
        let (table, dropped) = set(file, "train.optimizer.kind=sgd").unwrap();
        assert!(table.contains("lr = 0.1") && table.contains("\"sgd\"") && !table.contains("beta1"), "{table}");
        assert_eq!(dropped, ["train.optimizer.beta1"]);
        assert_eq!(set(file, "train.optimizer.kind=adamw").unwrap().1.len(), 0);
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
