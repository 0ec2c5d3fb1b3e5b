//! What the labels of a target are, and which columns could be targets.
//!
//! | labels | become |
//! |---|---|
//! | two different ones | yes/no: yes is `1`, `true`, `yes`, .. where one of them is that, else the rarer |
//! | numbers | a number, unless they are |
//! | up to ten whole numbers within 20 | classes; grades if the name says so (`rating`, `stage`); a number if it says `count` |
//! | words of a known scale (`low`, `medium`, `high`) | grades in that order |
//! | texts, five rows of each on average | classes |
//! | anything else | refused: a name, a date, a text is no answer to choose from |
//!
//! Texts are one label as everywhere, see `label_text`.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    kind::{Judgement, Kind, short},
    tally::{Tally, share},
};
use crate::{
    error::quoted,
    table::{
        label_text::{groups, key, sort},
        schema::LabelSpec,
    },
};

/// A column to be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The column.
    pub column: String,
    /// What its labels are.
    pub label: LabelSpec,
    /// Why, in words.
    pub reason: String,
    /// What a person should know of it.
    pub notes: Vec<String>,
    /// Texts in it that mean "not known".
    pub missing: Vec<String>,
    /// Of the rarest answer, where few labels are of it: how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rare: Option<String>,
}

/// A column that could be a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The column.
    pub column: String,
    /// What speaks for it.
    pub reason: String,
    /// Whether its name says it outright.
    pub is_named: bool,
}

/// Labels with fewer rows than this are named: a part of the data may lack them.
pub(super) const FEW_ROWS: u64 = 10;
/// An answer of a smaller share of the labels is rare: a network that never says it is hardly the worse for it.
const RARE: f64 = 0.05;
/// Classes that are listed at most.
const LISTED: usize = 50;

const YES: [&str; 10] = ["1", "true", "yes", "y", "t", "positive", "pos", "+", "present", "success"];
const NAMES_OF_GRADES: [&str; 13] = [
    "quality",
    "rating",
    "ratings",
    "stars",
    "grade",
    "stage",
    "level",
    "severity",
    "satisfaction",
    "rank",
    "degree",
    "tier",
    "likert",
];
const NAMES_OF_COUNTS: [&str; 5] = ["count", "counts", "number", "num", "n"];
const SCALES: [&[&str]; 5] = [
    &["none", "very low", "low", "medium", "moderate", "high", "very high"],
    &["tiny", "small", "medium", "big", "large", "huge"],
    &["terrible", "bad", "poor", "fair", "average", "good", "very good", "excellent"],
    &["never", "rarely", "sometimes", "often", "always"],
    &["strongly disagree", "disagree", "neutral", "agree", "strongly agree"],
];

/// Whether a text that tools write for "not known" can be an answer as well.
fn can_be_answer(text: &str) -> bool {
    matches!(text.trim().to_lowercase().as_str(), "none" | "-")
}

/// The different labels with their rows, each in its usual spelling, in order.
fn labels(tally: &Tally) -> Vec<(String, u64)> {
    let mut texts = tally.texts();
    if tally.numbers < tally.known() {
        texts.extend(tally.missing().filter(|(text, _)| can_be_answer(text)));
    }
    let counts: HashMap<&str, u64> = texts.iter().copied().collect();
    let mut names: Vec<String> = Vec::new();
    let mut rows: HashMap<String, u64> = HashMap::new();
    for group in groups(&texts) {
        let Some(name) = group.first() else { continue };
        names.push((*name).to_owned());
        rows.insert((*name).to_owned(), group.iter().filter_map(|text| counts.get(text)).sum());
    }
    sort(&mut names);
    names.into_iter().map(|name| (name.clone(), rows.get(&name).copied().unwrap_or(0))).collect()
}

/// What a column is as a target; `is_all` where the one file that there is holds all labels, and all were seen.
///
/// # Errors
/// Why it can be none, in words.
pub(super) fn target(tally: &Tally, judgement: &Judgement, is_all: bool) -> Result<Target, String> {
    let labels = if tally.distinct().1 { Vec::new() } else { labels(tally) };
    // Numbers with a few words among them are numbers, and the words gaps.
    let is_number = tally.known() > 0 && tally.numbers == tally.known() || !judgement.words.is_empty();
    let mut notes = Vec::new();
    if !judgement.words.is_empty() {
        notes.push(format!("{} would mean not known here", crate::error::list(&judgement.words)));
    }
    let (label, reason) = match labels.as_slice() {
        _ if tally.known() == 0 => return Err("no row has a label".to_owned()),
        _ if !judgement.words.is_empty() => (LabelSpec::Value, numbers_words(tally)),
        [(only, _)] => return Err(format!("all labels are {}: there is nothing to learn", quoted(only))),
        [one, other] => yes_no(one, other, is_all),
        // A list that could not be kept whole.
        [] if is_number => (LabelSpec::Value, numbers_words(tally)),
        [] => {
            return Err(format!(
                "more than {} different texts: a name or a text rather than an answer",
                tally.distinct().0
            ));
        }
        labels if is_number => of_numbers(tally, judgement, labels, is_all, &mut notes),
        labels => of_texts(judgement, labels, is_all)?,
    };
    if !matches!(label, LabelSpec::Value) {
        let rare: Vec<String> = labels
            .iter()
            .filter(|(_, count)| *count < FEW_ROWS)
            .map(|(text, count)| format!("{} ({count} rows)", quoted(text)))
            .collect();
        if !rare.is_empty() {
            let more = if rare.len() > 5 { format!(" and {} more", rare.len() - 5) } else { String::new() };
            let named = rare.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
            notes.push(format!("few rows of {named}{more}: validation or test may have none"));
        }
    }
    let all: u64 = labels.iter().map(|(_, count)| count).sum();
    let rarest = labels.iter().filter(|_| !matches!(label, LabelSpec::Value)).min_by_key(|(_, count)| *count);
    let rare = rarest.map(|(text, count)| (text, share(*count, all))).filter(|(_, share)| *share < RARE);
    let rare = rare.map(|(text, share)| format!("{:.1} % of the labels are {}", 100.0 * share, quoted(text)));
    let missing: Vec<String> = tally
        .missing()
        .map(|(text, _)| text.to_owned())
        .filter(|text| !text.is_empty() && (is_number || !can_be_answer(text)))
        .chain(judgement.words.iter().cloned())
        .collect();
    let unlabeled = tally.missing().filter(|(text, _)| is_number || !can_be_answer(text)).map(|(_, n)| n).sum::<u64>();
    let gaps = if unlabeled > 0 { format!(", {unlabeled} of {} rows without", tally.cells()) } else { String::new() };
    Ok(Target { column: tally.name().to_owned(), label, reason: reason + &gaps, notes, missing, rare })
}

fn yes_no(one: &(String, u64), other: &(String, u64), is_all: bool) -> (LabelSpec, String) {
    let is_yes = |text: &str| YES.contains(&key(text).to_lowercase().as_str());
    let (yes, no, why) = match (is_yes(&one.0), is_yes(&other.0)) {
        (true, false) => (one, other, "by its name"),
        (false, true) => (other, one, "by its name"),
        _ if one.1 < other.1 => (one, other, "the rarer, a guess"),
        _ => (other, one, "the rarer, a guess"),
    };
    let percent = 100.0 * share(yes.1, yes.1 + no.1);
    let reason = format!("yes is {} ({why}), {percent:.1} % of the labels", quoted(&yes.0));
    // Where not all labels were seen, a third one must not count as a no.
    let negative = if is_all { Vec::new() } else { vec![no.0.clone()] };
    (LabelSpec::Binary { positive: vec![yes.0.clone()], negative }, reason)
}

fn numbers_words(tally: &Tally) -> String {
    format!("numbers, {} to {}", short(tally.min), short(tally.max))
}

fn of_numbers(
    tally: &Tally,
    judgement: &Judgement,
    labels: &[(String, u64)],
    is_all: bool,
    notes: &mut Vec<String>,
) -> (LabelSpec, String) {
    let name = |names: &[&str]| super::kind::words_of(tally.name()).iter().any(|word| names.contains(&word.as_str()));
    if judgement.kind != Kind::Grade || name(&NAMES_OF_COUNTS) {
        return (LabelSpec::Value, numbers_words(tally));
    }
    let texts: Vec<String> = labels.iter().map(|(text, _)| text.clone()).collect();
    if name(&NAMES_OF_GRADES) {
        return (LabelSpec::Ordinal(texts), format!("{} grades: its name, and few whole numbers", labels.len()));
    }
    let listed: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
    notes.push(format!(
        "if they have an order: label = {{ ordinal = [{}] }}; if they are amounts: label = \"value\"",
        listed.join(", ")
    ));
    (classes(&texts, is_all), format!("{} classes: few whole numbers", labels.len()))
}

fn of_texts(judgement: &Judgement, labels: &[(String, u64)], is_all: bool) -> Result<(LabelSpec, String), String> {
    let texts: Vec<String> = labels.iter().map(|(text, _)| text.clone()).collect();
    let place = |scale: &[&str], text: &str| scale.iter().position(|word| *word == text.trim().to_lowercase());
    if let Some(scale) = SCALES.iter().find(|scale| texts.iter().all(|text| place(scale, text).is_some())) {
        let mut grades = texts;
        grades.sort_by_key(|text| place(scale, text));
        return Ok((LabelSpec::Ordinal(grades), "grades: words of a scale".to_owned()));
    }
    let n: u64 = labels.iter().map(|(_, count)| count).sum();
    if matches!(judgement.kind, Kind::Date | Kind::Path | Kind::Text) || n < 5 * labels.len() as u64 {
        return Err(format!("{} ({}): no answers to choose from", judgement.kind.words(), judgement.reason));
    }
    Ok((classes(&texts, is_all), format!("{} classes", labels.len())))
}

/// Classes that need not be listed where all are in the file that is learned from.
fn classes(texts: &[String], is_all: bool) -> LabelSpec {
    if is_all || texts.len() > LISTED { LabelSpec::Class } else { LabelSpec::Classes(texts.to_vec()) }
}

/// Names that say outright what is to be answered.
const NAMES: [&str; 9] = ["target", "label", "class", "y", "outcome", "response", "dependent", "labels", "targets"];

/// Whether a name says that its column is to be answered.
pub(super) fn is_named_target(name: &str) -> bool {
    NAMES.contains(&name.trim().to_lowercase().as_str())
}

/// The columns that could be targets, the likeliest first.
pub(super) fn candidates(columns: &[(&Tally, &Judgement)]) -> Vec<Candidate> {
    let mut found: Vec<(u8, Candidate)> = Vec::new();
    for (at, (tally, judgement)) in columns.iter().enumerate() {
        if matches!(judgement.kind, Kind::Id | Kind::Group) {
            continue;
        }
        let Ok(target) = target(tally, judgement, true) else { continue };
        let name = tally.name();
        let words = super::kind::words_of(name);
        let is_part = |word: &String| NAMES.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit()));
        let is_last = at + 1 == columns.len();
        let is_choice = !matches!(target.label, LabelSpec::Value);
        let (rank, why) = if name.is_empty() {
            continue;
        } else if is_named_target(name) {
            (0, "its name; ")
        } else if words.first().is_some_and(is_part) || words.last().is_some_and(is_part) {
            (1, "its name; ")
        } else if is_last {
            (2, "the last column; ")
        } else if at == 0 && is_choice {
            (3, "the first column; ")
        } else if is_choice {
            (4, "")
        } else if judgement.kind == Kind::Number {
            (5, "")
        } else {
            continue;
        };
        let candidate =
            Candidate { column: name.to_owned(), reason: format!("{why}{}", target.reason), is_named: rank == 0 };
        found.push((rank, candidate));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}
