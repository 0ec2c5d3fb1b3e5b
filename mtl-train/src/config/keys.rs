//! Every key that a configuration file may hold: what it means, which values it takes, what it is without.
//!
//! Read from the [schema](super::schema), one [`Group`] per table: a section, a table in it, or a member of a registry
//! (`kind = ".."`). `mtl list keys` shows them; [`markdown`] makes `docs/configuration.md`, which a test compares.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value as Json;

use super::schema::{self, Node};

/// The keys of one table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Where the table stands: `train.optimizer`; `[]` marks the items of a list, `<KEY>` any key.
    pub path: String,
    /// Which member of a registry it is, where there is a choice: the value of `kind`.
    pub kind: Option<String>,
    /// What it is.
    pub about: String,
    /// Its keys by name, `kind` left out.
    pub keys: Vec<KeyDoc>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeyDoc {
    /// Its name in the group's table.
    pub key: String,
    /// What it means.
    pub about: String,
    /// What it takes, in words.
    #[serde(rename = "type")]
    pub takes: String,
    /// The allowed values, where the type does not say it.
    pub range: Option<String>,
    /// The listed texts it can be, with what each means.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(String, String)>,
    /// The value without it; `None` where it must be given.
    pub default: Option<Json>,
}

/// All tables in the order of the documentation: the sections as [`super::RunConfig`] lists them, each before what is
/// inside.
#[must_use]
pub fn groups() -> Vec<Group> {
    const ORDER: [&str; 13] = [
        "data",
        "encoder",
        "sharing",
        "balancer",
        "init",
        "train",
        "task",
        "joint_metric",
        "stream",
        "log",
        "device",
        "compare",
        "cv_weights",
    ];
    let mut groups = Vec::new();
    let root = Node::root();
    let mut sections: Vec<_> = root.properties().collect();
    sections.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
    for (name, node) in sections {
        let about = node.description().unwrap_or_default();
        tables(name, &about, node, &mut Vec::new(), &mut groups);
    }
    groups
}

/// Adds the tables that a value at `path` may be; `about` says what the value is.
fn tables(path: &str, about: &str, node: Node, inside: &mut Vec<&'static str>, groups: &mut Vec<Group>) {
    let definitions = node.definitions();
    if definitions.iter().any(|name| inside.contains(name)) {
        return; // a method inside a method: its keys stand under the outer one
    }
    let depth = inside.len();
    inside.extend(definitions);
    for alternative in node.alternatives() {
        if alternative.is_type("array") {
            if let Some(item) = alternative.item(0) {
                tables(&format!("{path}[]"), about, item, inside, groups);
            }
        } else if alternative.is_type("object") {
            let own = alternative.description();
            table(path, own.as_deref().unwrap_or(about), alternative, inside, groups);
        }
    }
    inside.truncate(depth);
}

fn table(path: &str, about: &str, node: Node, inside: &mut Vec<&'static str>, groups: &mut Vec<Group>) {
    if let Some(value) = node.any_key() {
        // A member of a registry whose keys are the user's own: names of sources.
        if let Some(kind) = node.kind() {
            let about = about.to_owned();
            let key = KeyDoc {
                key: "<KEY>".into(),
                about: about.clone(),
                takes: "a table".into(),
                range: None,
                values: Vec::new(),
                default: None,
            };
            groups.push(Group { path: path.to_owned(), kind: Some(kind.to_owned()), about, keys: vec![key] });
        }
        return tables(&format!("{path}.<KEY>"), about, value, inside, groups);
    }
    let required: Vec<&str> = node.required().collect();
    let fields: Vec<_> = node.properties().filter(|(key, n)| !(*key == "kind" && n.constants().len() == 1)).collect();
    // `{ binary = {..} }`: the alternative is its one key, so its documentation is that of the key.
    let docs = |(key, field): &(&str, Node)| {
        let key = key_doc(key, *field, required.contains(key));
        let about = if key.about.is_empty() { about.to_owned() } else { key.about };
        KeyDoc { about, ..key }
    };
    let keys: Vec<KeyDoc> = fields.iter().map(docs).collect();
    let abouts: Vec<String> = keys.iter().map(|key| key.about.clone()).collect();
    let group = Group { path: path.to_owned(), kind: node.kind().map(str::to_owned), about: about.to_owned(), keys };
    // A member of a registry that stands in several places (`compare.balancer[]`) is documented where it stands first.
    if group.kind.is_some() && groups.iter().any(|g| g.kind == group.kind && g.keys == group.keys) {
        return;
    }
    groups.push(group);
    for ((key, field), about) in fields.iter().zip(&abouts) {
        tables(&format!("{path}.{key}"), about, *field, inside, groups);
    }
}

fn key_doc(key: &str, node: Node, required: bool) -> KeyDoc {
    let about = node.description().unwrap_or_default();
    let alternatives = node.alternatives();
    let values = alternatives.iter().flat_map(|a| {
        let about = a.own_description().unwrap_or_default();
        a.constants().into_iter().map(move |text| (text.to_owned(), about.clone()))
    });
    KeyDoc {
        key: key.to_owned(),
        range: node.range(),
        values: values.collect(),
        takes: node.type_words(),
        default: if required { None } else { Some(node.default()) },
        about,
    }
}

/// The keys as a page.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::from(
        "# Configuration\n\nEvery key of a configuration file, by section. Made by `mtl list keys --markdown` from the \
         schema that files are checked with; do not edit.\n\nA section or table with a `kind` has the keys of that kind. \
         `[]` marks the items of a list. Any key can be set from the command line: `--set train.epochs=3`; \
         a table that the file leaves out starts as the default one (`--set train.optimizer.lr=0.01`), a task or column goes \
         by its name (`--set task.income.weight=2`). `mtl doctor FILE` checks a file and all that it describes.\n",
    );
    let mut section = String::new();
    for group in groups() {
        let name = group.path.split(['.', '[']).next().unwrap_or_default();
        if section != name {
            section = name.to_owned();
            let required = Node::root().required().any(|r| r == name);
            let default = if required { "required" } else { "optional" };
            let about = Node::root().property(name).and_then(|n| n.description()).unwrap_or_default();
            let _ = write!(page, "\n## `{name}`\n\n{about} ({default})\n");
        }
        let heading = match &group.kind {
            Some(kind) => format!("`{}` of kind `\"{kind}\"`", group.path),
            None => format!("`{}`", group.path),
        };
        let _ = write!(page, "\n### {heading}\n\n{}\n", sentence(&group.about));
        if group.keys.is_empty() {
            page.push_str("\nNo keys.\n");
            continue;
        }
        page.push_str("\n| key | takes | range | default | meaning |\n|---|---|---|---|---|\n");
        for key in &group.keys {
            let values: Vec<String> = key.values.iter().map(|(text, about)| described(text, about)).collect();
            let about =
                if values.is_empty() { key.about.clone() } else { format!("{} {}", key.about, values.join("; ")) };
            let default = key.default.as_ref().map_or_else(|| "required".to_owned(), shown);
            let range = key.range.as_deref().unwrap_or_default();
            let row = [format!("`{}`", key.key), key.takes.clone(), range.to_owned(), default, about];
            let _ = writeln!(page, "| {} |", row.map(|cell| cell.replace('|', "\\|")).join(" | "));
        }
    }
    page
}

fn described(text: &str, about: &str) -> String {
    if about.is_empty() { format!("`{text}`") } else { format!("`{text}`: {}", about.trim_end_matches('.')) }
}

fn sentence(about: &str) -> String {
    let about = about.trim_end_matches('.');
    let mut letters = about.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>() + ".").unwrap_or_default()
}

/// A default for people; tables are named by their kind alone.
pub(super) fn shown(default: &Json) -> String {
    match default {
        Json::Null => "none".to_owned(),
        Json::Object(table) => match table.get("kind") {
            Some(kind) => format!("kind {kind}"),
            None => "see below".to_owned(),
        },
        Json::Array(items) if items.is_empty() => "empty".to_owned(),
        other => format!("`{other}`"),
    }
}

impl Node {
    /// The value where the key is not given; JSON's null for none.
    fn default(&self) -> Json {
        self.used_json().get("default").cloned().unwrap_or(Json::Null)
    }

    /// The documentation of the type itself, for values in a list of choices.
    fn own_description(&self) -> Option<String> {
        self.json().get("description").and_then(Json::as_str).map(schema::one_line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_described_and_has_a_default_or_is_required() {
        let groups = groups();
        assert!(groups.len() > 60, "{}", groups.len());
        for group in &groups {
            let name = format!("{} {}", group.path, group.kind.as_deref().unwrap_or_default());
            assert!(!group.about.is_empty(), "{name} has no description");
            for key in &group.keys {
                assert!(!key.about.is_empty(), "{name}: {} has no description", key.key);
                assert!(!key.takes.is_empty(), "{name}: {} has no type", key.key);
            }
        }
        let train = groups.iter().find(|g| g.path == "train").unwrap();
        let epochs = train.keys.iter().find(|k| k.key == "epochs").unwrap();
        assert_eq!((epochs.default.as_ref(), epochs.range.as_deref()), (Some(&Json::from(10)), Some(">= 1")));
        assert!(groups.iter().any(|g| g.path == "balancer" && g.kind.as_deref() == Some("nash-mtl")));
        assert!(groups.iter().any(|g| g.path == "task[].head"));
        assert!(groups.iter().any(|g| g.path == "data.schema.columns[]" && g.kind.as_deref() == Some("label")));
    }

    /// The first range in a comment, as bounds word it.
    fn documented_range(about: &str) -> Option<String> {
        let plain = about.replace('`', "");
        let interval = ["in [", "in ("].iter().filter_map(|start| plain.find(start)).min().and_then(|at| {
            let end = at + plain[at..].find([']', ')'])?;
            plain[at..end].contains(',').then(|| (at, plain[at..=end].to_owned()))
        });
        let signs = [(">= ", ">="), ("at least ", ">="), ("> ", ">"), ("above ", ">")];
        let one_sided = signs.into_iter().filter_map(|(word, sign)| {
            let (at, _) = plain.match_indices(word).find(|(at, _)| {
                let before = plain[..*at].chars().next_back();
                before.is_none_or(|c| !c.is_alphanumeric())
                    && plain[at + word.len()..].starts_with(|c: char| c.is_ascii_digit())
            })?;
            let digits = &plain[at + word.len()..];
            let end = digits.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(digits.len());
            Some((at, format!("{sign} {}", digits[..end].trim_end_matches('.'))))
        });
        interval.into_iter().chain(one_sided).min_by_key(|(at, _)| *at).map(|(_, words)| words)
    }

    /// Where a comment states a range, the attribute that counts must agree with it, and there must be one.
    #[test]
    fn documented_ranges_are_the_real_ones() {
        // What bounds alone cannot say: a value beside the range, or the second bound elsewhere in the sentence.
        let special = [("clip", "> 1"), ("halving", ">= 2"), ("bound", "> 0")];
        let (mut wrong, mut compared) = (Vec::new(), 0);
        for group in groups() {
            for key in &group.keys {
                let Some(said) = documented_range(&key.about) else { continue };
                if key.range.as_deref() != Some(&*said) && !special.contains(&(&*key.key, &*said)) {
                    wrong.push(format!("{}.{}: {said} is not {:?}: {}", group.path, key.key, key.range, key.about));
                }
                compared += 1;
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(compared > 200, "{compared}");
    }

    /// Where a comment states a default as a number, the code must agree with it.
    #[test]
    fn documented_defaults_are_the_real_ones() {
        let mut compared = 0;
        for group in groups() {
            for key in &group.keys {
                let Some(said) = key.about.split("default ").nth(1) else { continue };
                // Thousands are set apart by spaces.
                let digits = said.chars().filter(|c| !matches!(c, ' ' | '`'));
                let said: String = digits.take_while(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | '-')).collect();
                let said = said.trim_end_matches('.');
                let (Ok(said), Some(real)) = (said.parse::<f64>(), key.default.as_ref().and_then(Json::as_f64)) else {
                    continue;
                };
                assert!((said - real).abs() <= 1e-12 * real.abs(), "{}.{}: {said} is not {real}", group.path, key.key);
                compared += 1;
            }
        }
        assert!(compared > 40, "{compared}");
    }
}
