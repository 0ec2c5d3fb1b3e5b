//! Names with one value each: environment, configuration, the figures that matter most.

use serde::Serialize;

use super::markup::{element, leaf};

/// A list of names and values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct KeyValues {
    /// The entries in reading order.
    pub items: Vec<KeyValue>,
    /// How they are set.
    pub style: KeyValueStyle,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct KeyValue {
    /// The name.
    pub key: String,
    /// The value, ready to print.
    pub value: String,
    /// A word on it, in small letters; may be empty.
    pub remark: String,
}

/// How names and values are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyValueStyle {
    /// One line each.
    #[default]
    List,
    /// Large values side by side, for three to six figures at the top of a report.
    Tiles,
}

impl KeyValues {
    /// A plain list.
    pub fn list<K: Into<String>, V: Into<String>>(items: impl IntoIterator<Item = (K, V)>) -> Self {
        let items = items.into_iter();
        let items = items.map(|(key, value)| KeyValue { key: key.into(), value: value.into(), remark: String::new() });
        Self { items: items.collect(), style: KeyValueStyle::List }
    }

    /// Appends the list as HTML.
    pub fn render(&self, out: &mut String) {
        let class = match self.style {
            KeyValueStyle::List => "pairs",
            KeyValueStyle::Tiles => "tiles",
        };
        element(out, "dl", &[("class", &class)], |out| {
            for item in &self.items {
                element(out, "div", &[], |out| {
                    leaf(out, "dt", &[], &item.key);
                    leaf(out, "dd", &[], &item.value);
                    if !item.remark.is_empty() {
                        leaf(out, "dd", &[("class", &"remark")], &item.remark);
                    }
                });
            }
        });
    }
}
