//! A configuration against its schema, before any part reads it: every complaint knows its path.
//!
//! serde reads tagged tables (`kind = ".."`) through a buffer in which positions are lost, so its complaints cannot say
//! where. The schema that documents the keys holds the same names and types: unknown keys, unknown kinds and wrong types
//! are found here, and numbers outside their range, all of them at once, with the path and what was probably meant.

use serde_json::Value as Json;
use toml::Value;

use super::{
    elsewhere,
    path::{KeyPath, Step},
    schema::Node,
    spans::At,
};
use mtl_core::nearest::{hint, list, nearest};

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) path: KeyPath,
    pub(super) at: At,
    pub(super) message: String,
}

/// Everything that is wrong with `value`, which stands at `path`.
pub(super) fn check(node: Node, value: &Value, path: &KeyPath) -> Vec<Fault> {
    let alternatives = node.alternatives();
    match value {
        Value::Table(table) => check_table(node, &alternatives, table, path),
        Value::String(text) => check_text(node, &alternatives, text, path),
        Value::Array(items) => {
            let lists: Vec<_> = alternatives.iter().filter(|a| a.is_type("array")).collect();
            let [list] = lists[..] else { return vec![unfit(node, value, path)] };
            let size = |key| list.json().get(key).and_then(Json::as_u64);
            let (n, least, most) = (items.len() as u64, size("minItems"), size("maxItems"));
            if least.is_some_and(|least| n < least) || most.is_some_and(|most| n > most) {
                return vec![unfit(node, value, path)];
            }
            let items = items.iter().enumerate();
            let items = items.filter_map(|(idx, item)| Some((idx, list.item(idx)?, item)));
            items.flat_map(|(idx, node, item)| check(node, item, &path.then(Step::Item(idx)))).collect()
        }
        scalar => check_scalar(node, &alternatives, scalar, path),
    }
}

fn check_scalar(node: Node, alternatives: &[Node], value: &Value, path: &KeyPath) -> Vec<Fault> {
    #[expect(clippy::cast_precision_loss, reason = "bounds are small numbers")]
    let number = match value {
        Value::Integer(i) => Some(*i as f64),
        Value::Float(x) => Some(*x),
        _ => None,
    };
    let takers: Vec<&Node> = alternatives.iter().filter(|a| a.takes(value)).collect();
    let Some(first) = takers.first() else { return vec![unfit(node, value, path)] };
    // A use may say more than the alternatives of its type.
    let bounds = |taker: &Node| node.bounds().or(taker.bounds());
    if takers.iter().any(|taker| number.is_none_or(|x| bounds(taker).hold(x))) {
        return Vec::new();
    }
    let range = bounds(first).words().unwrap_or_default();
    let message = format!("{path} must be {range}, found {}", shown(value));
    vec![Fault { path: path.clone(), at: At::Value, message }]
}

fn check_table(node: Node, alternatives: &[Node], table: &toml::Table, path: &KeyPath) -> Vec<Fault> {
    let kinds: Vec<&str> = alternatives.iter().filter_map(Node::kind).collect();
    if !kinds.is_empty() {
        let fault = |at, message| vec![Fault { path: path.key("kind"), at, message }];
        return match table.get("kind") {
            None => fault(At::Key, format!("{path}: key \"kind\" is missing, expected one of {}", list(&kinds))),
            Some(Value::String(kind)) => match alternatives.iter().find(|a| a.kind() == Some(kind)) {
                Some(member) => check_keys(*member, alternatives, table, path),
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
        [] => vec![unfit(node, &Value::Table(table.clone()), path)],
        [only] => check_keys(*only, alternatives, table, path),
        // `label = { binary = {..} }`: the key says which alternative is meant.
        _ => match tables.iter().find(fits) {
            Some(meant) => check_keys(**meant, alternatives, table, path),
            None => vec![unfit(node, &Value::Table(table.clone()), path)],
        },
    }
}

/// `siblings` are all that the table may be, `node` is what it is.
fn check_keys(node: Node, siblings: &[Node], table: &toml::Table, path: &KeyPath) -> Vec<Fault> {
    let mut found = Vec::new();
    for (key, value) in table {
        let here = path.key(key);
        match node.property(key).or_else(|| node.any_key()) {
            Some(property) => found.extend(check(property, value, &here)),
            None => found.push(Fault { message: unknown(node, siblings, value, path, key), path: here, at: At::Key }),
        }
    }
    for key in node.required().filter(|key| !table.contains_key(*key)) {
        let message = match path.steps() {
            [] => format!("section [{key}] is missing{}", elsewhere::first_lines(key)),
            _ => format!("[{path}] key {key:?} is missing"),
        };
        found.push(Fault { path: path.key(key), at: At::Key, message });
    }
    found
}

/// What to say of a key that the table has not: where it belongs, else what was probably meant.
fn unknown(node: Node, siblings: &[Node], value: &Value, path: &KeyPath, key: &str) -> String {
    let known: Vec<&str> = node.keys().collect();
    let whose = node.kind().map(|kind| format!(" of {kind:?}")).unwrap_or_default();
    let what = match (path.steps(), value) {
        ([], Value::Table(_) | Value::Array(_)) => "section".to_owned(),
        ([], _) => "key".to_owned(),
        _ => format!("[{path}] key"),
    };
    let start = format!("{what} {key:?} is unknown{whose}");
    let others: Vec<&str> = siblings.iter().filter(|s| s.property(key).is_some()).filter_map(Node::kind).collect();
    if !others.is_empty() {
        return format!("{start}, it is a key of {}: set {path}.kind to one that has it", list(&others));
    }
    // One letter off is a typing error, whatever other programs call so.
    let near = nearest(key, known.iter().copied());
    let is_typo = near.is_some_and(|near| near.len() > 3 && near.len().abs_diff(key.len()) < 2);
    if let Some(place) = elsewhere::place(key, value, path).filter(|_| !is_typo) {
        return format!("{start}: {place}");
    }
    let hint = near.map(|near| format!(", did you mean {near:?}?")).unwrap_or_default();
    match known.is_empty() {
        true => format!("{start}, which has none"),
        false => format!("{start}, expected one of {}{hint}", list(&known)),
    }
}

fn check_text(node: Node, alternatives: &[Node], text: &str, path: &KeyPath) -> Vec<Fault> {
    let constants: Vec<&str> = alternatives.iter().flat_map(Node::constants).collect();
    let free = |a: &&Node| a.is_type("string") && a.constants().is_empty();
    if constants.contains(&text) {
        return Vec::new();
    }
    match alternatives.iter().find(free) {
        Some(free)
            if free.json().get("maxLength").and_then(Json::as_u64).is_none_or(|n| text.chars().count() as u64 == n) =>
        {
            Vec::new()
        }
        None if !constants.is_empty() => {
            let hint = hint(text, constants.iter().copied());
            let message = format!("{path}: unknown {text:?}, expected one of {}{hint}", list(&constants));
            vec![Fault { path: path.clone(), at: At::Value, message }]
        }
        _ => vec![unfit(node, &Value::String(text.to_owned()), path)],
    }
}

fn unfit(node: Node, value: &Value, path: &KeyPath) -> Fault {
    let range = node.range().map(|r| format!(", {r}")).unwrap_or_default();
    let form = elsewhere::as_table(node, value, path).map(|form| format!("; write {form}")).unwrap_or_default();
    let message = format!("{path} must be {}{range}, found {}{form}", node.type_words(), shown(value));
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
