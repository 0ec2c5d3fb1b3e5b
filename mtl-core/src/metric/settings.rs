//! What can be set in a metric's name, and what a name sets: numbers in a range, or one of several words.

use std::fmt;

use super::MetricName;
use crate::error::{Error, Result};

/// One number that a metric's name may set, with its range; or a word, which is the number of its place among those allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// As written: `bins`.
    pub key: &'static str,
    /// The smallest value, and whether it is itself allowed.
    least: (f64, bool),
    /// The largest value, and whether it is itself allowed.
    most: (f64, bool),
    /// Whether it is a whole number.
    whole: bool,
    /// The allowed words; numbers where there is none.
    words: &'static [&'static str],
    usual: Usual,
}

/// What counts where a name is silent.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Usual {
    /// Nothing: the metric does without.
    Unset,
    /// This value, which names leave out.
    Silent(f64),
    /// This value, which names always show.
    Shown(f64),
}

impl Setting {
    /// A whole number from `least` to `most`. Unless [`or`](Self::or) or [`shown`](Self::shown) follows, the metric does
    /// without it where it is not given.
    #[must_use]
    pub const fn count(key: &'static str, least: u32, most: u32) -> Self {
        let (least, most) = ((least as f64, true), (most as f64, true));
        Self { key, least, most, whole: true, words: &[], usual: Usual::Unset }
    }

    /// One of these words, of which the first counts where a name is silent and is left out of names.
    #[must_use]
    pub const fn words(key: &'static str, words: &'static [&'static str]) -> Self {
        let most = (words.len() as f64 - 1.0, true);
        Self { key, least: (0.0, true), most, whole: true, words, usual: Usual::Silent(0.0) }
    }

    /// A number between two others, themselves not allowed; as [`count`](Self::count) otherwise.
    #[must_use]
    pub const fn between(key: &'static str, low: f64, high: f64) -> Self {
        Self { key, least: (low, false), most: (high, false), whole: false, words: &[], usual: Usual::Unset }
    }

    /// The same, the smallest value itself allowed.
    #[must_use]
    pub const fn from(mut self) -> Self {
        self.least.1 = true;
        self
    }

    /// The same, the largest value itself allowed.
    #[must_use]
    pub const fn to(mut self) -> Self {
        self.most.1 = true;
        self
    }

    /// The same with the value that counts where a name is silent, and which names leave out: `ece` is `ece@bins=15`.
    #[must_use]
    pub const fn or(mut self, value: f64) -> Self {
        self.usual = Usual::Silent(value);
        self
    }

    /// The same with the value that counts where a name is silent, and which names show all the same.
    #[must_use]
    pub const fn shown(mut self, value: f64) -> Self {
        self.usual = Usual::Shown(value);
        self
    }

    /// What counts where a name is silent.
    #[must_use]
    pub fn usual(&self) -> Option<f64> {
        match self.usual {
            Usual::Unset => None,
            Usual::Silent(value) | Usual::Shown(value) => Some(value),
        }
    }

    /// Whether it tells metrics of one base name apart: `recall@fpr=0.01`, `recall@precision=0.9`.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        matches!(self.usual, Usual::Shown(_))
    }

    /// The allowed values, in words.
    #[must_use]
    pub fn range(&self) -> String {
        let ((least, from), (most, to)) = (self.least, self.most);
        if !self.words.is_empty() {
            return format!("one of {}", self.words.join(", "));
        }
        if self.whole {
            return format!("a whole number from {least} to {most}");
        }
        match (least.is_finite(), most.is_finite()) {
            (true, true) => format!("in {}{least}, {most}{}", if from { '[' } else { '(' }, if to { ']' } else { ')' }),
            (true, false) if from => format!("at least {least} and finite"),
            (true, false) => format!("larger than {least} and finite"),
            _ => "finite".to_owned(),
        }
    }

    /// The words that are allowed, in place of numbers.
    #[must_use]
    pub fn choices(&self) -> &'static [&'static str] {
        self.words
    }

    /// A value as names write it.
    fn written(&self, value: f64) -> String {
        let word = self.words.iter().zip(0u8..).find(|(_, at)| (f64::from(*at) - value).abs() <= 0.0);
        word.map_or_else(|| value.to_string(), |(word, _)| (*word).to_owned())
    }

    fn read(&self, text: &str) -> Option<f64> {
        if !self.words.is_empty() {
            return self.words.iter().zip(0u8..).find(|(word, _)| **word == text).map(|(_, at)| f64::from(at));
        }
        let digits = if self.key == "percent" { text.strip_suffix('%').unwrap_or(text) } else { text };
        let value = digits.parse::<f64>().ok().filter(|value| value.is_finite())?;
        let ((least, from), (most, to)) = (self.least, self.most);
        let above = if from { value >= least } else { value > least };
        let below = if to { value <= most } else { value < most };
        (above && below && (!self.whole || value.fract() == 0.0)).then_some(value)
    }
}

impl fmt::Display for Setting {
    /// `bins=15: a whole number from 1 to 65536`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = self.usual().map(|value| format!("={}", self.written(value))).unwrap_or_default();
        write!(f, "{}{usual}: {}", self.key, self.range())
    }
}

/// The settings of one metric, read from its name: every one that it has, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    base: &'static str,
    values: Vec<(Setting, Option<f64>)>,
}

impl Settings {
    /// What `name` sets of `declared`, for the metric with that base name.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a setting that the metric does not have; [`Error::Duplicate`] for one given twice;
    /// [`Error::InvalidConfig`] for a value out of range, with the range.
    pub fn read(base: &'static str, declared: &[Setting], name: &MetricName) -> Result<Self> {
        let mut values: Vec<(Setting, Option<f64>)> = declared.iter().map(|&setting| (setting, None)).collect();
        for (idx, (key, text)) in name.settings().enumerate() {
            // A bare value belongs to the first setting.
            let at = match key {
                Some(key) => values.iter().position(|(setting, _)| setting.key == key),
                None => (idx == 0 && !values.is_empty()).then_some(0),
            };
            let Some((setting, value)) = at.and_then(|at| values.get_mut(at)) else {
                let known = declared.iter().map(|setting| format!("{base}@{setting}")).collect();
                return Err(Error::UnknownName { what: "setting of a metric", name: name.to_string(), known });
            };
            if value.is_some() {
                return Err(Error::Duplicate { what: "setting", name: format!("{} of {name}", setting.key) });
            }
            *value = Some(setting.read(text).ok_or_else(|| Error::InvalidConfig {
                what: base,
                field: setting.key,
                expected: setting.range(),
                found: format!("{text:?}"),
            })?);
        }
        values.iter_mut().for_each(|(setting, value)| *value = value.or_else(|| setting.usual()));
        Ok(Self { base, values })
    }

    /// The metric's name in its one form: settings in order, those with their silent value left out.
    ///
    /// # Errors
    /// [`Error::UnknownName`] when base or keys are not spelled as names are.
    pub fn name(&self) -> Result<MetricName> {
        let mut text = self.base.to_owned();
        for (setting, value) in &self.values {
            let Some(value) = value else { continue };
            if matches!(setting.usual, Usual::Silent(usual) if (usual - value).abs() <= 0.0) {
                continue;
            }
            text.push(if text.contains('@') { ',' } else { '@' });
            text.push_str(&format!("{}={}", setting.key, setting.written(*value)));
        }
        MetricName::new(&text)
    }

    /// A setting, where it is given or has a usual value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<f64> {
        self.values.iter().find(|(setting, _)| setting.key == key).and_then(|(_, value)| *value)
    }

    /// A setting that must be there.
    ///
    /// # Errors
    /// [`Error::UnknownName`] when the name has it not and it has no usual value.
    pub fn number(&self, key: &str) -> Result<f64> {
        self.get(key).ok_or_else(|| Error::UnknownName {
            what: "metric",
            name: self.base.to_owned(),
            known: self.values.iter().map(|(setting, _)| format!("{}@{setting}", self.base)).collect(),
        })
    }

    /// A whole number, where it is given or has a usual value.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are checked to be u32")]
    pub fn get_count(&self, key: &str) -> Option<usize> {
        self.get(key).map(|value| value as usize)
    }

    /// The word that is set, or counts where the name is silent; empty for a setting that is no word.
    #[must_use]
    pub fn word(&self, key: &str) -> &'static str {
        let found = self.values.iter().find(|(setting, _)| setting.key == key);
        let at = self.get_count(key).unwrap_or_default();
        found.and_then(|(setting, _)| setting.words.get(at)).copied().unwrap_or_default()
    }

    /// A whole number that must be there.
    ///
    /// # Errors
    /// As [`number`](Self::number).
    pub fn count(&self, key: &str) -> Result<usize> {
        self.number(key)?;
        Ok(self.get_count(key).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINS: &[Setting] = &[Setting::count("bins", 1, 100).or(15.0)];
    const COSTS: &[Setting] =
        &[Setting::between("p", 0.0, 1.0).shown(0.01), Setting::between("miss", 0.0, f64::INFINITY).or(1.0)];

    fn read(declared: &[Setting], name: &str) -> Result<Settings> {
        Settings::read("x", declared, &MetricName::new(name)?)
    }

    #[test]
    fn names_are_written_in_one_form() {
        fn written(declared: &[Setting], name: &str) -> String {
            read(declared, name).unwrap().name().unwrap().to_string()
        }
        assert_eq!(written(BINS, "x"), "x");
        assert_eq!(written(BINS, "x@bins=15"), "x");
        assert_eq!(written(BINS, "x@20"), "x@bins=20");
        assert_eq!(written(COSTS, "x"), "x@p=0.01");
        assert_eq!(written(COSTS, "x@miss=10,p=0.050"), "x@p=0.05,miss=10");
        assert_eq!(written(&[Setting::between("percent", 0.0, 100.0).to().shown(1.0)], "x@5%"), "x@percent=5");
        assert_eq!(written(&[Setting::count("k", 1, 9)], "x"), "x");
        assert_eq!(read(BINS, "x@20").unwrap().count("bins").unwrap(), 20);
        assert_eq!(read(&[Setting::count("k", 1, 9)], "x").unwrap().get_count("k"), None);
    }

    #[test]
    fn words_are_read_and_written() {
        const MODE: &[Setting] = &[Setting::words("mode", &["conll", "strict"]), Setting::count("k", 1, 9)];
        let of = |name: &str| read(MODE, name).map(|s| (s.name().unwrap().to_string(), s.word("mode")));
        assert_eq!(of("x").unwrap(), ("x".into(), "conll"));
        assert_eq!(of("x@mode=conll").unwrap(), ("x".into(), "conll"));
        assert_eq!(of("x@k=3,mode=strict").unwrap(), ("x@mode=strict,k=3".into(), "strict"));
        let e = of("x@mode=lax").unwrap_err().to_string();
        assert_eq!(e, r#"x: mode must be one of conll, strict, found "lax""#);
        assert_eq!(MODE[0].to_string(), "mode=conll: one of conll, strict");
        assert!(of("x@mode=0").is_err());
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let e = |declared, name| read(declared, name).unwrap_err().to_string();
        assert_eq!(e(BINS, "x@bins=0"), r#"x: bins must be a whole number from 1 to 100, found "0""#);
        assert_eq!(e(BINS, "x@bins=1.5"), r#"x: bins must be a whole number from 1 to 100, found "1.5""#);
        assert_eq!(e(COSTS, "x@p=1"), r#"x: p must be in (0, 1), found "1""#);
        assert_eq!(e(COSTS, "x@miss=inf"), r#"x: miss must be larger than 0 and finite, found "inf""#);
        assert!(e(BINS, "x@binz=3").contains("x@bins=15: a whole number"), "{}", e(BINS, "x@binz=3"));
        assert!(e(BINS, "x@3,4").contains("unknown setting"));
        assert!(e(COSTS, "x@0.1,p=0.2").contains("twice"));
        assert!(read(&[Setting::count("k", 1, 9)], "x").unwrap().number("k").is_err());
    }
}
