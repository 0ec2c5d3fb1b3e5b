//! Where a value stands in a configuration: `train.optimizer.lr`, `task[0].head`.

use std::{fmt, str::FromStr};

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of a table.
    Key(String),
    /// An item of a list, from 0.
    Item(usize),
}

/// The steps from the whole configuration to a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPath(Vec<Step>);

impl KeyPath {
    /// The path of a section.
    #[must_use]
    pub fn section(name: &str) -> Self {
        Self(vec![Step::Key(name.to_owned())])
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The path one step further.
    #[must_use]
    pub fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The path one key further.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.then(Step::Key(key.to_owned()))
    }

    /// The path to what `inside` says from here: `optimizer.lr`, `[1].head`; itself for nothing, or for what is no path.
    #[must_use]
    pub fn join(&self, inside: &str) -> Self {
        let whole = if inside.starts_with('[') { format!("{self}{inside}") } else { format!("{self}.{inside}") };
        if inside.is_empty() { self.clone() } else { whole.parse().unwrap_or_else(|_| self.clone()) }
    }

    /// The path of the table or list that holds this value; `None` at the top.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, rest)| Self(rest.to_vec()))
    }

    /// Whether `other` is this value or stands inside it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if idx == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}

impl FromStr for KeyPath {
    type Err = String;

    /// Reads `a.b[0].c`; says what is wrong with the text otherwise.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (key, items) = part.split_once('[').map_or((part, None), |(key, rest)| (key, Some(rest)));
            if key.is_empty() || key.contains(char::is_whitespace) {
                return Err(format!("expected keys with dots between, found {text:?}"));
            }
            steps.push(Step::Key(key.to_owned()));
            for item in items.into_iter().flat_map(|items| items.split('[')) {
                let number = item.strip_suffix(']').and_then(|n| n.parse().ok());
                steps.push(Step::Item(number.ok_or_else(|| format!("expected [NUMBER] in {part:?}"))?));
            }
        }
        Ok(Self(steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_they_are_shown() {
        for text in ["train", "train.optimizer.lr", "task[1].head.hidden[0]", "data.x[0][2]"] {
            assert_eq!(text.parse::<KeyPath>().unwrap().to_string(), text);
        }
        for bad in ["", "a..b", ".a", "a[", "a[x]", "a b"] {
            assert!(bad.parse::<KeyPath>().is_err(), "{bad:?}");
        }
        let path = KeyPath::section("train").key("epochs");
        assert!(KeyPath::section("train").contains(&path) && !path.contains(&KeyPath::section("train")));
        assert_eq!(path.parent(), Some(KeyPath::section("train")));
        let task = KeyPath::section("task");
        assert_eq!(task.join("[1].head").join("loss.delta").to_string(), "task[1].head.loss.delta");
        assert_eq!((task.join(""), task.join("primary metric")), (task.clone(), task));
    }
}
