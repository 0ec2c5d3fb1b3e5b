//! The seeds of a comparison: how many, or which.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// `5`: that many, counted up from the run's own seed. `[1, 7]`: these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "toml::Value", into = "toml::Value")]
pub enum Seeds {
    /// So many.
    Count(u64),
    /// These.
    List(Vec<u64>),
}

impl JsonSchema for Seeds {
    fn schema_name() -> Cow<'static, str> {
        "Seeds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let seed = json_schema!({ "type": "integer", "minimum": 0 });
        json_schema!({ "anyOf": [seed, { "type": "array", "items": seed }] })
    }
}

impl Seeds {
    /// The seeds, where the run's own is `first`.
    #[must_use]
    pub fn from(&self, first: u64) -> Vec<u64> {
        match self {
            Self::Count(n) => (0..*n).map(|i| first.wrapping_add(i)).collect(),
            Self::List(list) => list.clone(),
        }
    }
}

impl TryFrom<toml::Value> for Seeds {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        let seed = |value: &toml::Value| value.as_integer().and_then(|i| u64::try_from(i).ok());
        let found = match &value {
            toml::Value::Array(list) => list.iter().map(seed).collect::<Option<Vec<_>>>().map(Self::List),
            other => seed(other).map(Self::Count),
        };
        found.ok_or_else(|| format!("seeds must be how many there are, or a list of integers >= 0, found {value}"))
    }
}

impl From<Seeds> for toml::Value {
    fn from(seeds: Seeds) -> Self {
        // TOML has signed integers only; a seed beyond them cannot have come from a file.
        let integer = |n: u64| Self::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        match seeds {
            Seeds::Count(n) => integer(n),
            Seeds::List(list) => Self::Array(list.into_iter().map(integer).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_a_list() {
        let read = |value: toml::Value| Seeds::try_from(value);
        assert_eq!(read(3.into()).unwrap().from(10), [10, 11, 12]);
        assert_eq!(read(vec![5, 1].into()).unwrap().from(10), [5, 1]);
        assert!(read((-1).into()).unwrap_err().contains("found -1"));
        assert!(read("three".into()).is_err() && read(vec!["a"].into()).is_err());
        let list = Seeds::List(vec![1, 2]);
        assert_eq!(read(list.clone().into()).unwrap(), list);
    }
}
