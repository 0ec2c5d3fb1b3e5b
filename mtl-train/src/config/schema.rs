//! The schema of the configuration file, and how to walk it.
//!
//! Every config struct of every crate derives its part ([`schemars::JsonSchema`]): names, types, defaults (the values of
//! `Default`, not what a comment claims), ranges (attributes, see `bounds`) and the documentation comments. What a file may say, what `mtl list keys` shows,
//! `docs/configuration.md` and the complaints about a wrong file all come from this one value.

use std::sync::LazyLock;

use serde_json::Value as Json;
use toml::Value;

use super::{
    bounds::Bounds,
    path::{KeyPath, Step},
    study::StudyFile,
};

static SCHEMA: LazyLock<Json> = LazyLock::new(|| schemars::schema_for!(StudyFile).to_value());

/// The JSON schema (draft 2020-12) of a configuration file.
#[must_use]
pub fn schema() -> &'static Json {
    &SCHEMA
}

/// A place in the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// The schema at the place where it is used: its description is about this use.
    used: &'static Json,
    /// The same with the reference followed.
    json: &'static Json,
}

impl Node {
    /// The whole file.
    pub(super) fn root() -> Self {
        Self::new(schema())
    }

    fn new(used: &'static Json) -> Self {
        let mut json = used;
        while let Some(name) = definition(json) {
            match schema().get("$defs").and_then(|defs| defs.get(name)) {
                Some(next) => json = next,
                None => break,
            }
        }
        Self { used, json }
    }

    /// The schemas of which one must fit; itself if there is no choice. "Or nothing" is left out.
    pub(super) fn alternatives(&self) -> Vec<Self> {
        let choice = ["oneOf", "anyOf"].iter().find_map(|key| self.json.get(*key)?.as_array());
        match choice {
            Some(parts) => {
                parts.iter().map(Self::new).filter(|n| !n.is_nothing()).flat_map(|n| n.alternatives()).collect()
            }
            None => vec![*self],
        }
    }

    /// The value under `key` of a table.
    pub(super) fn property(&self, key: &str) -> Option<Self> {
        self.json.get("properties")?.get(key).map(Self::new)
    }

    /// The values of a table whose keys are free.
    pub(super) fn any_key(&self) -> Option<Self> {
        self.json.get("additionalProperties").filter(|p| p.is_object()).map(Self::new)
    }

    /// The item `idx` of a list.
    pub(super) fn item(&self, idx: usize) -> Option<Self> {
        let fixed = self.json.get("prefixItems").and_then(|items| items.get(idx));
        fixed.or_else(|| self.json.get("items")).filter(|i| i.is_object()).map(Self::new)
    }

    /// The keys of a table with their values, by name.
    pub(super) fn properties(&self) -> impl Iterator<Item = (&'static str, Self)> {
        let map = self.json.get("properties").and_then(Json::as_object);
        map.into_iter().flatten().map(|(key, json)| (key.as_str(), Self::new(json)))
    }

    /// The names of the definitions that the place refers to, those of its alternatives included.
    pub(super) fn definitions(&self) -> Vec<&'static str> {
        let choice = ["oneOf", "anyOf"].iter().find_map(|key| self.json.get(*key)?.as_array());
        let parts = choice.into_iter().flatten().flat_map(|part| Self::new(part).definitions());
        definition(self.used).into_iter().chain(parts).collect()
    }
}

/// The schemas of what may stand at `path`, over all members of the registries on the way.
pub(super) fn nodes(path: &KeyPath) -> Vec<Node> {
    let mut nodes = vec![Node::root()];
    for step in path.steps() {
        let inside = nodes.iter().flat_map(Node::alternatives);
        nodes = match step {
            Step::Key(key) => inside.filter_map(|node| node.property(key).or_else(|| node.any_key())).collect(),
            Step::Item(item) => inside.filter_map(|node| node.item(*item)).collect(),
        };
    }
    nodes
}

/// Whether something may stand at `path`, in whichever member of the registries on the way.
pub(super) fn is_key(path: &KeyPath) -> bool {
    !nodes(path).is_empty()
}

/// The kind of the table at `path` when the file has no such table; `None` where there is no choice or no default.
pub(super) fn default_kind(path: &KeyPath) -> Option<&'static str> {
    nodes(path).iter().find_map(|node| node.used_json().get("default")?.get("kind")?.as_str())
}

/// The kinds of the table at `path` that have such a key; empty where the table has no kinds.
pub(super) fn kinds_with(path: &KeyPath, key: &str) -> Vec<&'static str> {
    let members = nodes(path).into_iter().flat_map(|node| node.alternatives());
    members.filter(|member| member.property(key).is_some()).filter_map(|member| member.kind()).collect()
}

fn definition(json: &Json) -> Option<&str> {
    json.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

impl Node {
    pub(super) fn json(&self) -> &'static Json {
        self.json
    }

    /// The schema of this use, its default included.
    pub(super) fn used_json(&self) -> &'static Json {
        self.used
    }

    /// What `kind` must be for this member of a registry.
    pub(super) fn kind(&self) -> Option<&'static str> {
        self.json.get("properties")?.get("kind")?.get("const")?.as_str()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.json.get("properties").and_then(Json::as_object).into_iter().flatten().map(|(key, _)| key.as_str())
    }

    pub(super) fn required(&self) -> impl Iterator<Item = &'static str> {
        self.json.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
    }

    /// The texts that the value can be, where they are listed.
    pub(super) fn constants(&self) -> Vec<&'static str> {
        let one = self.json.get("const").and_then(Json::as_str);
        let many = self.json.get("enum").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        one.into_iter().chain(many).collect()
    }

    pub(super) fn is_type(&self, name: &str) -> bool {
        match self.json.get("type") {
            Some(Json::String(one)) => one == name,
            Some(Json::Array(many)) => many.iter().any(|t| t == name),
            _ => false,
        }
    }

    fn is_nothing(&self) -> bool {
        self.json.get("type").is_some_and(|t| t == "null")
    }

    /// Whether it takes a value of this kind: a number, a truth value.
    pub(super) fn takes(&self, value: &Value) -> bool {
        match value {
            Value::Integer(_) => self.is_type("integer") || self.is_type("number"),
            Value::Float(_) => self.is_type("number"),
            Value::Boolean(_) => self.is_type("boolean"),
            _ => false,
        }
    }

    /// From where to where a number may be: what this use says, else its type.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds::of(self.used).or(Bounds::of(self.json))
    }

    /// The range of the number that the value is, or of each in a list of numbers, in words.
    pub(super) fn range(&self) -> Option<String> {
        let of = |node: &Self| node.bounds().words().or_else(|| node.item(0)?.range());
        self.alternatives().iter().find_map(of)
    }

    /// The documentation of the use, else of the type, in one line.
    pub(super) fn description(&self) -> Option<String> {
        let text = [self.used, self.json].iter().find_map(|json| json.get("description")?.as_str())?;
        Some(one_line(text))
    }
}

impl Node {
    /// What the value is, in words: `a whole number`.
    pub(super) fn type_words(&self) -> String {
        let alternatives = self.alternatives();
        let mut words: Vec<String> = Vec::new();
        let constants: Vec<String> =
            alternatives.iter().flat_map(Node::constants).map(|text| format!("{text:?}")).collect();
        if !constants.is_empty() {
            words.push(format!("one of {}", constants.join(", ")));
        }
        for node in &alternatives {
            let word = match node {
                n if !n.constants().is_empty() => continue,
                n if n.is_type("object") => "a table".to_owned(),
                n if n.is_type("array") => match (n.item(0), n.json.get("minItems").and_then(Json::as_u64)) {
                    (Some(item), Some(size)) => format!("a list of {size}, each {}", item.type_words()),
                    (Some(item), None) => format!("a list, each item {}", item.type_words()),
                    (None, _) => "a list".to_owned(),
                },
                n if n.is_type("integer") => "a whole number".to_owned(),
                n if n.is_type("number") => "a number".to_owned(),
                n if n.is_type("boolean") => "true or false".to_owned(),
                n if n.json.get("maxLength").is_some() => "one character".to_owned(),
                _ => "a text".to_owned(),
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words.join(" or ")
    }
}

/// Documentation as one line: no line ends, no links between items.
pub(super) fn one_line(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    let text = words.join(" ").replace("[`", "`").replace("`]", "`");
    // What remains of `[x](y)` is `x(y)` after code, where y is a path of Rust.
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("`(") {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        match after.find(')').filter(|end| after[..*end].contains("::")) {
            Some(end) => rest = &after[end + 1..],
            None => {
                out.push('(');
                rest = &after[1..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_becomes_one_line() {
        assert_eq!(one_line("Settings\nof [`X`].\n\nMore."), "Settings of `X`.");
        assert_eq!(one_line("As [`X`](crate::X) says (always)."), "As `X` says (always).");
        assert_eq!(one_line("One of `a` (b)."), "One of `a` (b).");
    }

    #[test]
    fn the_schema_knows_sections_and_members() {
        let root = Node::root();
        assert_eq!(root.required().collect::<Vec<_>>(), ["data"]);
        let balancer = root.property("balancer").unwrap();
        assert!(balancer.alternatives().iter().any(|a| a.kind() == Some("upgrad")));
        let epochs = root.property("train").unwrap().property("epochs").unwrap();
        assert_eq!((epochs.type_words().as_str(), epochs.alternatives().len()), ("a whole number", 1));
    }
}
