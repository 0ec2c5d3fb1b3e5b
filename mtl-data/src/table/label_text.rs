//! When two texts are the same label.
//!
//! Tools write one answer in several ways: a column of whole numbers with gaps comes back as `1.0`, one export says
//! `True`, another `TRUE`. One rule holds for classes, positive and negative labels, whatever else the column holds, so
//! that a label means the same wherever a cut puts it:
//!
//! | texts | are the same label |
//! |---|---|
//! | numbers in digits, without exponent or leading zeros | if they are equal in value: `1`, `1.0`, `+1.` |
//! | `true`, `false`, `yes`, `no` in any case | if they are the same word: `True`, `TRUE` |
//! | all others | if they are the same but for blanks around them |
//!
//! So `01` and `1` are two labels, and `Basel` and `basel`: a code may mean them so. What the rule joins, and what it
//! keeps apart though only the case differs, is a [`Finding`](crate::Finding). Where a configuration lists two spellings,
//! each is itself.

use std::{borrow::Cow, collections::HashMap};

/// What all texts of one label have in common.
pub(crate) fn key(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if let Some(number) = number(text) {
        return Cow::Owned(number);
    }
    match ["true", "false", "yes", "no"].into_iter().find(|word| text.eq_ignore_ascii_case(word)) {
        Some(word) => Cow::Borrowed(word),
        None => Cow::Borrowed(text),
    }
}

/// The shortest spelling of a number in digits.
fn number(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    let (whole, fraction) = (if whole.is_empty() { "0" } else { whole }, fraction.trim_end_matches('0'));
    let sign = if text.starts_with('-') && (whole != "0" || !fraction.is_empty()) { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// Sorts labels: by value where all are numbers, else as texts.
pub(crate) fn sort(labels: &mut [String]) {
    let value = |text: &String| text.trim().parse::<f64>().ok().filter(|x| x.is_finite());
    if labels.iter().all(|text| value(text).is_some()) {
        let value = |text: &String| value(text).unwrap_or(0.0);
        labels.sort_by(|a, b| value(a).total_cmp(&value(b)).then_with(|| a.cmp(b)));
    } else {
        labels.sort();
    }
}

/// Labels by any of their texts.
#[derive(Debug)]
pub(crate) struct LabelTexts<'a> {
    exact: HashMap<&'a str, usize>,
    /// `None` for what several of the labels have in common.
    by_key: HashMap<Cow<'a, str>, Option<usize>>,
}

impl<'a> LabelTexts<'a> {
    pub(crate) fn new(labels: &'a [String]) -> Self {
        let mut by_key = HashMap::with_capacity(labels.len());
        for (position, label) in labels.iter().enumerate() {
            by_key.entry(key(label)).and_modify(|known| *known = None).or_insert(Some(position));
        }
        Self { exact: labels.iter().enumerate().map(|(position, label)| (label.as_str(), position)).collect(), by_key }
    }

    /// The position of the label that `text` says.
    pub(crate) fn find(&self, text: &str) -> Option<usize> {
        self.exact.get(text).copied().or_else(|| self.by_key.get(&key(text)).copied().flatten())
    }
}

/// Texts that are one label, the most frequent first, of those the shortest; the groups in the order of their first text.
pub(crate) fn groups<'t>(counts: &[(&'t str, u64)]) -> Vec<Vec<&'t str>> {
    let mut places: HashMap<Cow<'t, str>, usize> = HashMap::new();
    let mut groups: Vec<Vec<(&'t str, u64)>> = Vec::new();
    for &(text, count) in counts {
        let place = *places.entry(key(text)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push((text, count)),
            None => groups.push(vec![(text, count)]),
        }
    }
    let in_order = |mut group: Vec<(&'t str, u64)>| {
        group.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.len().cmp(&b.0.len())).then_with(|| a.0.cmp(b.0)));
        group.into_iter().map(|(text, _)| text).collect()
    };
    groups.into_iter().map(in_order).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_in_several_spellings() {
        for same in [
            ["1", "1.0", "+1", " 1.00", "1."].as_slice(),
            &["0", "-0", "0.0", ".0", "-0.00"],
            &["-2.5", "-2.50"],
            &["True", "TRUE", "true", "\u{a0}true "],
            &["No", "NO"],
            &["Basel", " Basel"],
            &["123456789012345678901", "123456789012345678901.0"],
        ] {
            assert!(same.windows(2).all(|w| key(w[0]) == key(w[1])), "{same:?}");
        }
        let apart = [
            "1", "01", "1e0", "10", "-1", "1.1", "1.01", "Basel", "basel", "y", "Y", "yes", "true", "", ".", "-", "1,0",
        ];
        for (at, a) in apart.iter().enumerate() {
            assert!(apart[..at].iter().all(|b| key(a) != key(b)), "{a:?}");
        }
    }

    #[test]
    fn a_spelling_that_is_listed_is_itself() {
        let labels = ["1.1", "1.10", "2"].map(str::to_owned);
        let texts = LabelTexts::new(&labels);
        assert_eq!(
            ["1.1", "1.10", "2.0", "1.100", "3"].map(|t| texts.find(t)),
            [Some(0), Some(1), Some(2), None, None]
        );
    }

    #[test]
    fn numbers_are_sorted_by_value() {
        let sorted = |texts: &[&str]| {
            let mut labels: Vec<String> = texts.iter().map(|t| (*t).to_owned()).collect();
            sort(&mut labels);
            labels.join(" ")
        };
        assert_eq!(sorted(&["10.0", "9.0", "-1.5", "1e3", "2"]), "-1.5 2 9.0 10.0 1e3");
        assert_eq!(sorted(&["08", "10", "9"]), "08 9 10");
        assert_eq!(sorted(&["10", "9", "x"]), "10 9 x");
    }

    #[test]
    fn the_usual_spelling_names_a_group() {
        let found = groups(&[("2.0", 1), ("b", 1), ("2", 5), ("TRUE", 1), ("True", 1)]);
        assert_eq!(found, [vec!["2", "2.0"], vec!["b"], vec!["TRUE", "True"]]);
    }
}
