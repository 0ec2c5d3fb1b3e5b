//! Where an unknown key belongs: in another section of ours, or under the name that we give it.
//!
//! ```text
//! [train] key "lr" is unknown: write lr = 0.01 in [train.optimizer], with kind = "adamw" there
//! [data] key "epochs" is unknown of "csv": write epochs = 20 in [train]
//! key "early_stopping" is unknown: write patience = 5 in [train]
//! ```
//! The line to write holds the user's own value where the key that is meant takes it, else an example.

use toml::Value;

use super::{
    check::check,
    keys::groups,
    path::{KeyPath, Step},
    schema::{Node, default_kind, kinds_with, nodes},
    synonyms::{Meaning, SYNONYMS},
};
use mtl_core::nearest::list;

/// What to write instead of the key `name`, which stands in the table at `path` and has `value`; `None` for a name that
/// nobody knows.
pub(super) fn place(name: &str, value: &Value, path: &KeyPath) -> Option<String> {
    let plain = plain(name);
    if let Some((_, meaning)) = SYNONYMS.iter().find(|(names, _)| names.iter().any(|n| self::plain(n) == plain)) {
        return Some(match meaning {
            Meaning::Key(key, example) => line(&key.parse().ok()?, value, Some(example)),
            Meaning::OfTask(key, example) => {
                format!(
                    "write {} in a [[task]] of its own, below its name",
                    setting(key, value, example, &of_task(key))
                )
            }
            Meaning::Words(words) => (*words).to_owned(),
        });
    }
    let groups = groups();
    let has = |keys: &[super::KeyDoc]| keys.iter().find(|k| self::plain(&k.key) == plain).map(|k| k.key.clone());
    let mut found: Vec<(String, String)> = Vec::new();
    for group in groups {
        let Some(key) = has(&group.keys) else { continue };
        if !found.iter().any(|(table, _)| *table == group.path) {
            found.push((group.path, key));
        }
    }
    let section = match path.steps().first() {
        Some(Step::Key(section)) => section.as_str(),
        _ => "",
    };
    // A key of the same section, one table up or down, is what was meant, if there is but one.
    let is_near = |table: &str| table.split(['.', '[']).next() == Some(section);
    let near: Vec<_> = found.iter().filter(|(table, _)| is_near(table)).collect();
    // Of several in one section the outermost, if all others lie in it.
    let outermost = found
        .iter()
        .find(|(table, _)| found.iter().all(|(other, _)| other == table || other.starts_with(&format!("{table}."))));
    let only = match (&near[..], outermost) {
        ([only], _) => Some(*only),
        ([], Some(only)) => Some(only),
        _ => None,
    };
    match only {
        Some((table, key)) => match table.strip_suffix("[]") {
            Some(items) => Some(format!("{key} is a key of the items of {items}")),
            None => Some(line(&table.parse::<KeyPath>().ok()?.key(key), value, None)),
        },
        None if found.is_empty() || found.len() > 6 => None,
        None => {
            let tables: Vec<String> = found.iter().map(|(table, _)| format!("[{table}]")).collect();
            Some(format!("it is a key of {}", tables.join(", ")))
        }
    }
}

/// `write lr = 0.01 in [train.optimizer], with kind = "adamw" there`.
fn line(path: &KeyPath, value: &Value, example: Option<&str>) -> String {
    let Some(Step::Key(key)) = path.steps().last() else { return String::new() };
    let table = path.parent().unwrap_or_default();
    let setting = match example {
        Some(example) => setting(key, value, example, &nodes(path)),
        None => format!("{key} = {value}"),
    };
    let kinds = kinds_with(&table, key);
    let kind = match default_kind(&table) {
        _ if key == "kind" => String::new(),
        Some(kind) if kinds.contains(&kind) => format!(", with kind = {kind:?} there"),
        _ if !kinds.is_empty() => format!(", with kind one of {} there", list(&kinds)),
        _ => String::new(),
    };
    format!("write {setting} in [{table}]{kind}")
}

/// `key = value`, or the example where the key does not take the value.
fn setting(key: &str, value: &Value, example: &str, takes: &[Node]) -> String {
    // What a device or a file is called elsewhere says nothing here; the names of our own kinds are listed.
    let is_listed = key != "kind" || takes.iter().any(|node| !node.constants().is_empty());
    let fits = is_listed && takes.iter().any(|node| check(*node, value, &KeyPath::default()).is_empty());
    if fits { format!("{key} = {value}") } else { format!("{key} = {example}") }
}

fn of_task(key: &str) -> Vec<Node> {
    nodes(&KeyPath::section("task").then(Step::Item(0)).key(key))
}

/// `optimizer = { kind = "adam" }` for a name that stands where a table must.
pub(super) fn as_table(node: Node, value: &Value, path: &KeyPath) -> Option<String> {
    let (Value::String(text), Some(Step::Key(key))) = (value, path.steps().last()) else { return None };
    let alternatives = node.alternatives();
    if !alternatives.iter().any(|a| a.property("kind").is_some()) {
        return None;
    }
    let kinds: Vec<&str> = alternatives.iter().filter_map(Node::kind).collect();
    if kinds.is_empty() || kinds.contains(&text.as_str()) {
        return Some(format!("{key} = {{ kind = {text:?} }}"));
    }
    Some(format!(
        "{key} = {{ kind = .. }} with one of {}{}",
        list(&kinds),
        mtl_core::nearest::hint(text, kinds.iter().copied())
    ))
}

/// How a section that must be there begins.
pub(super) fn first_lines(section: &str) -> &'static str {
    match section {
        "data" => ": write [data], kind = \"csv\", train = \"FILE.csv\", and below it [data.schema] with its columns",
        _ => "",
    }
}

/// A name without what people write differently.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, value: impl Into<Value>, path: &str) -> String {
        let path = if path.is_empty() { KeyPath::default() } else { path.parse().unwrap() };
        place(name, &value.into(), &path).unwrap_or_default()
    }

    #[test]
    fn the_line_to_write_holds_the_own_value_where_it_fits() {
        assert_eq!(told("lr", 0.01, "train"), "write lr = 0.01 in [train.optimizer], with kind = \"adamw\" there");
        assert_eq!(
            told("Learning-Rate", "fast", ""),
            "write lr = 1e-3 in [train.optimizer], with kind = \"adamw\" there"
        );
        assert_eq!(told("early_stopping", true, "train"), "write patience = 5 in [train]");
        assert_eq!(told("early_stopping", 3, ""), "write patience = 3 in [train]");
        assert_eq!(told("num_experts", 8, ""), "write experts = 8 in [sharing], with kind one of \"mmoe\" there");
        assert_eq!(told("gpu", 0, ""), "write kind = \"cuda\" in [device]");
        assert!(told("loss_weights", 1.5, "").starts_with("write weight = 1.5 in a [[task]]"));
        assert!(told("output_dir", "x", "").contains("--run-dir"));
    }

    #[test]
    fn keys_of_ours_are_found_in_their_own_section() {
        assert_eq!(told("epochs", 20, "data"), "write epochs = 20 in [train]");
        assert_eq!(told("tensorboard", true, "train"), "write tensorboard = true in [log]");
        assert_eq!(told("lr_factor", 0.1, "train"), "lr_factor is a key of the items of train.groups");
        assert!(told("seeds", 5, "train").ends_with("in [compare]"));
        assert_eq!(told("zzz", 1, "train"), "");
    }

    /// What the table promises is true: every line that it tells to write is taken.
    #[test]
    fn every_synonym_leads_to_a_key_that_takes_its_example() {
        let mut seen: Vec<String> = Vec::new();
        for (names, meaning) in SYNONYMS {
            for name in *names {
                assert!(!seen.contains(&plain(name)), "{name} is there twice");
                seen.push(plain(name));
            }
            let (nodes, example) = match meaning {
                Meaning::Key(key, example) => (nodes(&key.parse().unwrap()), example),
                Meaning::OfTask(key, example) => (of_task(key), example),
                Meaning::Words(_) => continue,
            };
            let value: toml::Table = toml::from_str(&format!("x = {example}")).unwrap();
            assert!(!nodes.is_empty(), "{meaning:?} leads nowhere");
            // A kind is one of many constants, each in a member of its own.
            let taken = nodes.iter().any(|n| check(*n, &value["x"], &KeyPath::default()).is_empty());
            assert!(taken, "{meaning:?}");
        }
    }
}
