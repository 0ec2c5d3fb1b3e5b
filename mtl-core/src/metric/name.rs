//! The name of a metric, with its settings.
//!
//! ```text
//! name     = base [ "@" setting { "," setting } ]        ece    ece@bins=10    min-dcf@p=0.05,miss=10
//! base     = lower-case letter, then lower-case letters, digits, "-", ".", "+"
//! setting  = [ key "=" ] value                           a bare value is that of the first setting: ndcg@10
//! ```
//!
//! A name is only spelled right here. Whether there is such a metric, and which of its spellings is the one that is
//! written, a list of metrics says, which is where settings are read too (`mtl_metrics::MetricRegistry`).

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A metric's name, checked for its spelling and cheap to clone.
///
/// ```
/// use mtl_core::metric::MetricName;
/// let name = MetricName::new("recall@fpr=0.05")?;
/// assert_eq!((name.base(), name.settings().collect::<Vec<_>>()), ("recall", vec![(Some("fpr"), "0.05")]));
/// assert!(MetricName::new("Recall at 5").is_err());
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct MetricName(Arc<str>);

impl MetricName {
    /// Checks and wraps a name.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for what no metric can be called.
    pub fn new(text: &str) -> Result<Self> {
        let (base, settings) = text.split_once('@').map_or((text, None), |(base, settings)| (base, Some(settings)));
        let is_base = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '+');
        let is_value = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '%');
        let word = |text: &str| text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(is_base);
        let setting = |text: &str| {
            let (key, value) = text.split_once('=').map_or((None, text), |(key, value)| (Some(key), value));
            key.is_none_or(word) && !value.is_empty() && value.chars().all(is_value)
        };
        if word(base) && settings.is_none_or(|settings| settings.split(',').all(setting)) {
            return Ok(Self(text.into()));
        }
        let known = vec!["lower-case words with settings, such as accuracy, ece@bins=10".to_owned()];
        Err(Error::UnknownName { what: "metric", name: text.to_owned(), known })
    }

    /// Checks and wraps several.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn several(names: &[&str]) -> Result<Vec<Self>> {
        names.iter().map(|name| Self::new(name)).collect()
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without its settings.
    #[must_use]
    pub fn base(&self) -> &str {
        self.0.split_once('@').map_or(&self.0, |(base, _)| base)
    }

    /// The settings in order, a key where one is given.
    pub fn settings(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let settings = self.0.split_once('@').map(|(_, settings)| settings);
        let pair = |text: &'_ str| -> (Option<usize>, usize) { (text.find('='), text.len()) };
        settings.into_iter().flat_map(|settings| settings.split(',')).map(move |text| match pair(text) {
            (Some(at), _) => (Some(&text[..at]), &text[at + 1..]),
            (None, _) => (None, text),
        })
    }
}

impl FromStr for MetricName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<String> for MetricName {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::new(&text)
    }
}

impl From<MetricName> for String {
    fn from(name: MetricName) -> Self {
        name.0.to_string()
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_agree_with_serde() {
        for text in ["accuracy", "top-5-accuracy", "ef@1%", "recall@fpr=0.01", "min-dcf@p=0.01,miss=1e-3", "micro-f0.5"]
        {
            let name: MetricName = text.parse().unwrap();
            assert_eq!(name.to_string(), text);
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("{text:?}"));
            assert_eq!(serde_json::from_str::<MetricName>(&format!("{text:?}")).unwrap(), name);
        }
        let name = MetricName::new("min-dcf@0.01,miss=2").unwrap();
        let settings: Vec<_> = name.settings().collect();
        assert_eq!((name.base(), settings), ("min-dcf", vec![(None, "0.01"), (Some("miss"), "2")]));
        assert_eq!(MetricName::new("auroc").unwrap().settings().count(), 0);
    }

    #[test]
    fn what_no_metric_can_be_called_is_refused() {
        for bad in
            ["", "@", "1st", "Recall", "a b", "ece@", "ece@bins=", "ece@=3", "ece@bins=1,", "a@b=c=d", "a@b@c", "-a"]
        {
            assert!(MetricName::new(bad).is_err(), "{bad:?}");
        }
        assert!(MetricName::several(&["mae", "R2"]).is_err());
    }
}
