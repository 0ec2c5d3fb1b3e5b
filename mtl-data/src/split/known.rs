//! What parts have in common that they should not: groups, and times that go back.
//!
//! What is cut here cannot have such faults; files that somebody else cut can, and a table that names its groups and is cut row by row.

use std::collections::BTreeSet;

use super::{Keys, Split, Time};
use crate::finding::{Finding, Level};

/// The keys of the three parts, as far as they are known.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    split: &'a Split,
    /// Training, validation, test.
    parts: [Option<Keys>; 3],
    /// Which of them would be apart if the split were asked for; `None` where it was.
    could_be: Option<[bool; 3]>,
}

const NAMES: [&str; 3] = ["train", "validation", "test"];
/// Which part is held against which earlier one.
const PAIRS: [[usize; 2]; 3] = [[0, 1], [0, 2], [1, 2]];

impl<'a> Known<'a> {
    /// The keys of training, validation and test; `None` for a part whose files do not say them.
    #[must_use]
    pub fn new(split: &'a Split, parts: [Option<Keys>; 3]) -> Self {
        Self { split, parts, could_be: None }
    }

    /// The same for a split that nobody asked for: says how to, where validation and test are cut from the training file.
    #[must_use]
    pub(super) fn advising(self, [validation, test]: [bool; 2]) -> Self {
        Self { could_be: Some([true, validation, test]), ..self }
    }

    /// What is wrong with the parts, for a person to judge.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for [first, second] in PAIRS {
            let (Some(earlier), Some(later)) = (&self.parts[first], &self.parts[second]) else { continue };
            let (before, place) = (NAMES[first], NAMES[second]);
            let why = if first == 0 { "what is learned of them" } else { "the epoch, which is chosen on them," };
            let advice = match self.could_be {
                Some(could_be) if could_be[first] && could_be[second] => {
                    let group = self.split.group.as_deref().unwrap_or_default();
                    format!("; split = {{ group = {group:?} }} in [data] keeps them together")
                }
                Some(_) | None => String::new(),
            };
            if let Some((shared, all, example)) = shared_groups(earlier, later) {
                let group = self.split.group.as_deref().unwrap_or_default();
                let message = format!(
                    "{shared} of its {all} groups of {group} are in {before} too, such as {example:?}: {why} makes it look better"
                ) + &advice;
                found.push(Finding::warning(place, message));
            }
            if let Some((early, all, last)) = early_samples(earlier, later) {
                let time = self.split.time.as_deref().unwrap_or_default();
                let message = format!(
                    "{early} of its {all} samples are not later by {time} than the last of {before}, {last}: they are no future"
                );
                found.push(Finding::warning(place, message));
            }
        }
        let unknown = NAMES.iter().zip(&self.parts).filter(|(_, part)| part.is_none() && self.could_be.is_none());
        for (name, _) in unknown {
            let what = self.split.group.as_ref().or(self.split.time.as_ref());
            if let Some(what) = what {
                let message = format!("has no {what}: whether it is apart from training by it cannot be told");
                found.push(Finding { level: Level::Note, place: (*name).to_owned(), message });
            }
        }
        found
    }
}

/// How many groups of `later` are in `earlier` too, of how many, and one of them.
fn shared_groups<'k>(earlier: &Keys, later: &'k Keys) -> Option<(usize, usize, &'k str)> {
    let (before, after): (BTreeSet<u64>, BTreeSet<u64>) =
        (earlier.groups().iter().copied().collect(), later.groups().iter().copied().collect());
    let mut shared: Vec<&str> = after.intersection(&before).map(|&group| later.name(group)).collect();
    // By name, not by number: a person looks for it in a file.
    shared.sort_unstable();
    shared.first().map(|first| (shared.len(), after.len(), *first))
}

/// How many samples of `later` are not after the last of `earlier`, of how many, and when that is.
fn early_samples(earlier: &Keys, later: &Keys) -> Option<(usize, usize, Time)> {
    let last = *earlier.times().iter().max_by(|a, b| a.value().total_cmp(&b.value()))?;
    let early = later.times().iter().filter(|time| time.is_like(last) && time.value() <= last.value()).count();
    (early > 0).then_some((early, later.times().len(), last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Error, split::Texts};

    fn keys(split: &Split, name: &str, texts: &[&str]) -> Option<Keys> {
        let (codes, all): (Vec<u32>, Vec<String>) =
            (0_u32..).zip(texts).map(|(at, text)| (at, (*text).to_owned())).unzip();
        let texts = [(name, Texts::new(&codes, &all))];
        let fault = |_: &str, _: usize, _: &str, _: &str| Error::NoCache;
        Some(Keys::read(split, &texts, &|_| false, &fault).unwrap())
    }

    fn said(split: &Split, parts: [Option<Keys>; 3]) -> Vec<String> {
        Known::new(split, parts).findings().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn groups_in_two_parts_are_named() {
        let split = Split { group: Some("subject".into()), ..Split::default() };
        let parts =
            [&["c", "a", "b"][..], &["d"], &["b", "e", "a", "d", "a"]].map(|texts| keys(&split, "subject", texts));
        assert_eq!(
            said(&split, parts),
            [
                "warning: test: 2 of its 4 groups of subject are in train too, such as \"a\": what is learned of them makes it \
                 look better",
                "warning: test: 1 of its 4 groups of subject are in validation too, such as \"d\": the epoch, which is chosen on \
                 them, makes it look better",
            ]
        );
        let apart = [&["a"][..], &["b"], &["c"]].map(|texts| keys(&split, "subject", texts));
        assert!(said(&split, apart).is_empty());
        let unknown = [keys(&split, "subject", &["a"]), None, keys(&split, "subject", &["c"])];
        assert_eq!(
            said(&split, unknown),
            ["note: validation: has no subject: whether it is apart from training by it cannot be told"]
        );
    }

    #[test]
    fn a_test_that_is_no_future_is_named() {
        let split = Split { time: Some("date".into()), ..Split::default() };
        let parts = [&["2024-01-01", "2024-03-01"][..], &["2024-03-02"], &["2024-03-01", "2024-02-01", "2024-04-01"]];
        assert_eq!(
            said(&split, parts.map(|texts| keys(&split, "date", texts))),
            [
                "warning: test: 2 of its 3 samples are not later by date than the last of train, 2024-03-01: they are no future",
                "warning: test: 2 of its 3 samples are not later by date than the last of validation, 2024-03-02: they are no \
                 future",
            ]
        );
    }
}
