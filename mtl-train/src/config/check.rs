//! A configuration against its schema, before any part reads it: every complaint knows its path.
//!
//! serde reads tagged tables (`kind = ".."`) through a buffer in which positions are lost, so its complaints cannot say
//! where. The schema that documents the keys holds the same names and types: unknown keys, unknown kinds and wrong types
//! are found here, with the path, the nearest name and the allowed range as the key's documentation gives it.

use serde_json::Value as Json;
use toml::Value;

use super::{
    nearest::{hint, list},
    path::{KeyPath, Step},
    schema::{self, Node},
    spans::At,
};

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) path: KeyPath,
    pub(super) at: At,
    pub(super) message: String,
}

/// Checks `value`, which stands at `path`.
pub(super) fn check(node: Node, value: &Value, path: &KeyPath) -> Result<(), Fault> {
    let alternatives = node.alternatives();
    match value {
        Value::Table(table) => check_table(node, &alternatives, table, path),
        Value::String(text) => check_text(node, &alternatives, text, path),
        Value::Array(items) => {
            let lists: Vec<_> = alternatives.iter().filter(|a| a.is_type("array")).collect();
            let [list] = lists[..] else { return Err(unfit(node, value, path)) };
            let size = |key| list.json().get(key).and_then(Json::as_u64);
            let (n, least, most) = (items.len() as u64, size("minItems"), size("maxItems"));
            if least.is_some_and(|least| n < least) || most.is_some_and(|most| n > most) {
                return Err(unfit(node, value, path));
            }
            let items = items.iter().enumerate();
            let mut items = items.filter_map(|(idx, item)| Some((idx, list.item(idx)?, item)));
            items.try_for_each(|(idx, node, item)| check(node, item, &path.then(Step::Item(idx))))
        }
        scalar => match alternatives.iter().any(|a| a.takes_scalar(scalar)) {
            true => Ok(()),
            false => Err(unfit(node, value, path)),
        },
    }
}

fn check_table(node: Node, alternatives: &[Node], table: &toml::Table, path: &KeyPath) -> Result<(), Fault> {
    let kinds: Vec<&str> = alternatives.iter().filter_map(Node::kind).collect();
    if !kinds.is_empty() {
        let fault = |at, message| Err(Fault { path: path.key("kind"), at, message });
        return match table.get("kind") {
            None => fault(At::Key, format!("{path}: key \"kind\" is missing, expected one of {}", list(&kinds))),
            Some(Value::String(kind)) => match alternatives.iter().find(|a| a.kind() == Some(kind)) {
                Some(member) => check_keys(*member, table, path),
                None => {
                    let hint = hint(kind, kinds.iter().copied());
                    fault(At::Value, format!("{path}.kind: unknown {kind:?}, expected one of {}{hint}", list(&kinds)))
                }
            },
            Some(other) => fault(At::Value, format!("{path}.kind must be a text, found {}", shown(other))),
        };
    }
    let tables: Vec<_> = alternatives.iter().filter(|a| a.is_type("object")).collect();
    let fits = |a: &&&Node| table.keys().any(|key| a.property(key).is_some());
    match tables[..] {
        [] => Err(unfit(node, &Value::Table(table.clone()), path)),
        [only] => check_keys(*only, table, path),
        // `label = { binary = {..} }`: the key says which alternative is meant.
        _ => match tables.iter().find(fits) {
            Some(meant) => check_keys(**meant, table, path),
            None => Err(unfit(node, &Value::Table(table.clone()), path)),
        },
    }
}

fn check_keys(node: Node, table: &toml::Table, path: &KeyPath) -> Result<(), Fault> {
    for (key, value) in table {
        let here = path.key(key);
        match node.property(key).or_else(|| node.any_key()) {
            Some(property) => check(property, value, &here)?,
            None => {
                let known: Vec<&str> = node.keys().collect();
                let hint = hint(key, known.iter().copied());
                let whose = node.kind().map(|kind| format!(" of {kind:?}")).unwrap_or_default();
                let what = if path.steps().is_empty() { "section".to_owned() } else { format!("[{path}] key") };
                let message = match known.is_empty() {
                    true => format!("{what} {key:?} is unknown{whose}, which has none"),
                    false => format!("{what} {key:?} is unknown{whose}, expected one of {}{hint}", list(&known)),
                };
                return Err(Fault { path: here, at: At::Key, message });
            }
        }
    }
    match node.required().find(|key| !table.contains_key(*key)) {
        None => Ok(()),
        Some(key) if path.steps().is_empty() => {
            Err(Fault { path: path.key(key), at: At::Key, message: format!("section [{key}] is missing") })
        }
        Some(key) => {
            Err(Fault { path: path.key(key), at: At::Key, message: format!("[{path}] key {key:?} is missing") })
        }
    }
}

fn check_text(node: Node, alternatives: &[Node], text: &str, path: &KeyPath) -> Result<(), Fault> {
    let constants: Vec<&str> = alternatives.iter().flat_map(Node::constants).collect();
    let free = |a: &&Node| a.is_type("string") && a.constants().is_empty();
    if constants.contains(&text) {
        return Ok(());
    }
    match alternatives.iter().find(free) {
        Some(free)
            if free.json().get("maxLength").and_then(Json::as_u64).is_none_or(|n| text.chars().count() as u64 == n) =>
        {
            Ok(())
        }
        None if !constants.is_empty() => {
            let hint = hint(text, constants.iter().copied());
            let message = format!("{path}: unknown {text:?}, expected one of {}{hint}", list(&constants));
            Err(Fault { path: path.clone(), at: At::Value, message })
        }
        _ => Err(unfit(node, &Value::String(text.to_owned()), path)),
    }
}

fn unfit(node: Node, value: &Value, path: &KeyPath) -> Fault {
    let range = node.description().and_then(|about| schema::range_of(&about));
    let range = range.map(|r| format!(", {r}")).unwrap_or_default();
    let message = format!("{path} must be {}{range}, found {}", node.type_words(), shown(value));
    Fault { path: path.clone(), at: At::Value, message }
}

/// A value in a message: short, and with its type where the value alone does not say it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the text {text:?}"),
        Value::Integer(i) => i.to_string(),
        Value::Float(x) => format!("{x:?}"),
        Value::Boolean(b) => b.to_string(),
        Value::Datetime(d) => format!("the date {d}"),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Table(_) => "a table".to_owned(),
    }
}
