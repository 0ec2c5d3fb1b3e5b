//! What the split goes by, sample by sample: group, time, strata.

use std::{collections::BTreeMap, sync::Arc};

use mtl_core::rng::derive;

use super::{Split, Time};
use crate::error::{Error, Result, quoted};

/// A text for each sample: sample `i` has `dictionary[codes[i]]`.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    codes: &'a [u32],
    dictionary: &'a [String],
}

impl<'a> Texts<'a> {
    /// Texts by code; every code is one of the dictionary's.
    #[must_use]
    pub fn new(codes: &'a [u32], dictionary: &'a [String]) -> Self {
        Self { codes, dictionary }
    }

    fn get(self, at: usize) -> &'a str {
        let code = self.codes.get(at).map(|&code| code as usize);
        code.and_then(|code| self.dictionary.get(code)).map_or("", String::as_str)
    }

    /// What `of` makes of each sample's text; it is asked once for each different text, with the first sample that has it.
    fn map<T: Clone>(self, mut of: impl FnMut(usize, &'a str) -> Result<T>) -> Result<Vec<T>> {
        let mut known: Vec<Option<T>> = vec![None; self.dictionary.len()];
        let mut made = Vec::with_capacity(self.codes.len());
        for (at, &code) in self.codes.iter().enumerate() {
            match known.get(code as usize).cloned().flatten() {
                Some(value) => made.push(value),
                None => {
                    let value = of(at, self.get(at))?;
                    if let Some(place) = known.get_mut(code as usize) {
                        *place = Some(value.clone());
                    }
                    made.push(value);
                }
            }
        }
        Ok(made)
    }
}

/// The keys of some samples, in their order. What a [`Split`] does not ask for is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keys {
    groups: Vec<u64>,
    /// What groups are called.
    names: Arc<BTreeMap<u64, String>>,
    times: Vec<Time>,
    strata: Vec<Vec<u64>>,
}

impl Keys {
    /// The keys that `split` asks for, from the texts under its names. `is_missing` says which texts mean "not known"; `fault(name, at,
    /// expected, found)` names the place of sample `at`.
    ///
    /// # Errors
    /// `fault`'s, for a sample without group or time, or with a time that is none; `InvalidConfig` for strata of which most have one
    /// sample, and for a name without texts.
    pub fn read(
        split: &Split,
        texts: &[(&str, Texts<'_>)],
        is_missing: &dyn Fn(&str) -> bool,
        fault: &dyn Fn(&str, usize, &str, &str) -> Error,
    ) -> Result<Self> {
        let find = |field, name: &str| {
            let found = texts.iter().find(|(known, _)| *known == name).map(|(_, texts)| *texts);
            found.ok_or_else(|| {
                let known: Vec<&str> = texts.iter().map(|(name, _)| *name).collect();
                Error::config("split", field, format!("one of {}", known.join(", ")), quoted(name))
            })
        };
        let mut keys = Self::default();
        if let Some(name) = &split.group {
            let mut names = BTreeMap::new();
            keys.groups = find("group", name)?.map(|at, text| {
                if is_missing(text) {
                    return Err(fault(name, at, "a group, which no sample may lack", &quoted(text)));
                }
                // A number of the text alone: the same group in every file.
                let number = derive(0, text, 0);
                names.insert(number, text.to_owned());
                Ok(number)
            })?;
            keys.names = Arc::new(names);
        }
        if let Some(name) = &split.time {
            let mut first: Option<Time> = None;
            keys.times = find("time", name)?.map(|at, text| {
                let expected = match first {
                    None => "a number or a date such as 2024-01-31",
                    Some(Time::Number(_)) => "a number, as in the first row",
                    Some(Time::Date(_)) => "a date such as 2024-01-31, as in the first row",
                };
                let time = Time::parse(text).filter(|time| first.is_none_or(|first| first.is_like(*time)));
                let time = time.filter(|_| !is_missing(text));
                let time = time.ok_or_else(|| fault(name, at, expected, &quoted(text)))?;
                first.get_or_insert(time);
                Ok(time)
            })?;
        }
        for name in &split.stratify {
            let column = find("stratify", name)?;
            let n = column.codes.len();
            let distinct = column.dictionary.len();
            if distinct > 1 && distinct > n / 2 {
                let expected = "of few texts, of which all parts can have some";
                return Err(Error::config(
                    "split",
                    "stratify",
                    expected,
                    format!("{distinct} in {n} samples of {name}"),
                ));
            }
            let codes = column.map(|_, text| Ok(derive(0, text, 0)))?;
            keys.strata.resize(n, Vec::new());
            keys.strata.iter_mut().zip(codes).for_each(|(key, code)| key.push(code));
        }
        Ok(keys)
    }

    /// Groups alone, whatever the texts are.
    #[must_use]
    pub(super) fn of_groups(texts: Texts<'_>) -> Self {
        let numbers: Vec<u64> = texts.dictionary.iter().map(|text| derive(0, text, 0)).collect();
        let names = numbers.iter().copied().zip(texts.dictionary.iter().cloned()).collect();
        let groups = texts.codes.iter().filter_map(|&code| numbers.get(code as usize)).copied().collect();
        Self { groups, names: Arc::new(names), ..Self::default() }
    }

    /// The same of some of the samples.
    #[must_use]
    pub fn of(&self, positions: &[u64]) -> Self {
        fn pick<T: Clone>(all: &[T], positions: &[u64]) -> Vec<T> {
            let at = |&position: &u64| usize::try_from(position).ok().and_then(|at| all.get(at)).cloned();
            positions.iter().filter_map(at).collect()
        }
        Self {
            groups: pick(&self.groups, positions),
            names: self.names.clone(),
            times: pick(&self.times, positions),
            strata: pick(&self.strata, positions),
        }
    }

    /// The group of each sample: equal numbers are one group, in whatever file.
    #[must_use]
    pub fn groups(&self) -> &[u64] {
        &self.groups
    }

    /// What a group is called.
    #[must_use]
    pub fn name(&self, group: u64) -> &str {
        self.names.get(&group).map_or("", String::as_str)
    }

    /// When each sample was taken; all numbers, or all dates.
    #[must_use]
    pub fn times(&self) -> &[Time] {
        &self.times
    }

    /// The strata of each sample.
    #[must_use]
    pub fn strata(&self) -> &[Vec<u64>] {
        &self.strata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(split: &str, columns: &[(&str, &[&str])]) -> Result<Keys> {
        let split: Split = toml::from_str(split).unwrap();
        let owned: Vec<(Vec<u32>, Vec<String>)> = columns
            .iter()
            .map(|(_, texts)| {
                let mut dictionary: Vec<String> = Vec::new();
                let code = |text: &&str| {
                    let at = dictionary.iter().position(|known| known == text).unwrap_or_else(|| {
                        dictionary.push((*text).to_owned());
                        dictionary.len() - 1
                    });
                    u32::try_from(at).unwrap()
                };
                (texts.iter().map(code).collect(), dictionary)
            })
            .collect();
        let texts: Vec<(&str, Texts<'_>)> =
            columns.iter().zip(&owned).map(|((name, _), (codes, all))| (*name, Texts::new(codes, all))).collect();
        Keys::read(&split, &texts, &str::is_empty, &|name, at, expected, found| {
            Error::config("row", "text", expected, format!("{found} in row {at} of {name}"))
        })
    }

    #[test]
    fn keys_are_read_and_picked() {
        let keys =
            read("group = \"g\"\nstratify = [\"y\"]", &[("g", &["a", "b", "a"]), ("y", &["1", "1", "1"])]).unwrap();
        assert!(keys.groups()[0] == keys.groups()[2] && keys.groups()[0] != keys.groups()[1]);
        assert_eq!((keys.name(keys.groups()[1]), keys.strata().len()), ("b", 3));
        let some = keys.of(&[2, 1]);
        assert_eq!(some.groups(), [keys.groups()[2], keys.groups()[1]]);
        assert_eq!(some.name(some.groups()[0]), "a");
        let keys = read("time = \"t\"", &[("t", &["2024-01-02", "2024-01-01"])]).unwrap();
        assert!(keys.times()[0].value() > keys.times()[1].value());
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_place() {
        let e = read("group = \"g\"", &[("g", &["a", ""])]).unwrap_err().to_string();
        assert_eq!(e, r#"row: text must be a group, which no sample may lack, found "" in row 1 of g"#);
        let e = read("time = \"t\"", &[("t", &["2024-01-02", "7"])]).unwrap_err().to_string();
        assert!(e.contains("a date such as 2024-01-31, as in the first row, found \"7\" in row 1 of t"), "{e}");
        let e = read("time = \"t\"", &[("t", &["yesterday"])]).unwrap_err().to_string();
        assert!(e.contains("a number or a date such as 2024-01-31, found \"yesterday\""), "{e}");
        let e = read("group = \"h\"", &[("g", &["a"])]).unwrap_err().to_string();
        assert_eq!(e, r#"split: group must be one of g, found "h""#);
        let e = read("stratify = [\"x\"]", &[("x", &["1", "2", "3"])]).unwrap_err().to_string();
        assert_eq!(
            e,
            "split: stratify must be of few texts, of which all parts can have some, found 3 in 3 samples of x"
        );
    }
}
