//! What a column seems to be, by what was counted of it and by its name.
//!
//! The first line that fits decides; *variety* is different texts by known cell:
//!
//! | kind | when |
//! |---|---|
//! | empty, constant | no known cell; one text in all rows |
//! | id | whole numbers that count the rows; a name such as `id` or `user_id` and a text of its own in nearly every row |
//! | group | a name such as `subject` or `user_id`, and more than 20 texts that come again: what belongs together rather than what it is |
//! | code | whole numbers with leading zeros, or with a name such as `store_id` |
//! | date | numbers or eight digits of a column called so, see `dates.rs` |
//! | yes/no | two different texts |
//! | grade | whole numbers, ten different ones at most, within 20 of each other |
//! | number | all known cells are numbers, or nearly all and the others are up to three words |
//! | date | nearly all known cells are dates or times |
//! | vector | at least three numbers in each cell, as many in all |
//! | path | nearly all are addresses or files in folders |
//! | text | four words or 40 letters a cell, and variety above a half |
//! | set | a separator in many cells, between parts that are fewer than the cells' texts |
//! | id | variety above 0.9, of more than 20 cells; above a half, of more than 50 different texts |
//! | category | all others |

use serde::Serialize;

use super::{dates, parts, tally::Tally};
use crate::table::date::DateFormat;

/// What a column seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Numbers.
    Number,
    /// Few different whole numbers, which may have an order or be codes.
    Grade,
    /// Texts that come again.
    Category,
    /// Names in digits: with leading zeros, or in a column called so.
    Code,
    /// Two different texts.
    YesNo,
    /// Dates or times.
    Date,
    /// Sentences, or long texts of another sort.
    Text,
    /// Several texts in a cell, between separators.
    Set,
    /// Several numbers in a cell, as many in each.
    Vector,
    /// Files or addresses.
    Path,
    /// A name of each row.
    Id,
    /// A name of what several rows belong to.
    Group,
    /// The same in all rows.
    Constant,
    /// Nothing in any row.
    Empty,
}

/// A kind, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// What the column seems to be.
    pub kind: Kind,
    /// What it was seen by, in words.
    pub reason: String,
    /// Words among its numbers that would have to mean "not known".
    pub words: Vec<String>,
    /// Whether a person should look at it.
    pub is_doubtful: bool,
}

impl Kind {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Grade => "whole numbers",
            Self::Category => "category",
            Self::Code => "code",
            Self::YesNo => "yes/no",
            Self::Date => "date",
            Self::Text => "text",
            Self::Set => "set",
            Self::Vector => "vector",
            Self::Path => "path",
            Self::Id => "id",
            Self::Group => "group",
            Self::Constant => "constant",
            Self::Empty => "empty",
        }
    }
}

/// Names of what a row is, or belongs to.
const NAMES_OF_THINGS: [&str; 10] = ["id", "ids", "uuid", "guid", "key", "index", "idx", "rowid", "identifier", "nr"];
/// Names of what several rows may belong to, without `id` behind them.
const NAMES_OF_GROUPS: [&str; 17] = [
    "group",
    "subject",
    "patient",
    "user",
    "customer",
    "client",
    "session",
    "household",
    "person",
    "participant",
    "query",
    "fold",
    "account",
    "device",
    "speaker",
    "family",
    "tenant",
];

/// The words of a column's name, in small letters: `userId`, `user_id` and `User ID` have the same.
pub(super) fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && was_small {
            words.push(String::new());
        }
        was_small = c.is_lowercase() || c.is_ascii_digit();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a name says that its column names things: `id`, `user_id`, `Unnamed: 0`.
pub(super) fn is_named_id(name: &str) -> bool {
    let words = words_of(name);
    let of = |word: Option<&String>| word.is_some_and(|word| NAMES_OF_THINGS.contains(&word.as_str()));
    name.is_empty()
        || of(words.last())
        || words.len() > 1 && of(words.first())
        || words.first().is_some_and(|w| w == "unnamed")
}

/// Whether a name says that its column names what several rows may belong to.
pub(super) fn is_named_group(name: &str) -> bool {
    words_of(name)
        .iter()
        .any(|word| NAMES_OF_GROUPS.contains(&word.trim_end_matches('s')) || NAMES_OF_GROUPS.contains(&word.as_str()))
}

/// What a column seems to be.
pub(super) fn judge(tally: &Tally) -> Judgement {
    let of = |kind, reason: String| Judgement { kind, reason, words: Vec::new(), is_doubtful: false };
    let doubtful = |kind, reason| Judgement { is_doubtful: true, ..of(kind, reason) };
    let (known, (distinct, is_more)) = (tally.known(), tally.distinct());
    let different = format!("{}{distinct} different", if is_more { "more than " } else { "" });
    if known == 0 {
        return of(Kind::Empty, "no row holds anything".to_owned());
    }
    if distinct == 1 && known == tally.cells() {
        return of(Kind::Constant, format!("{} in all rows", shown(tally)));
    }
    let (variety, all) = (tally.variety(), |count: u64| tally.share(count) >= 0.95);
    if tally.counts_rows && tally.cells() > 20 && !super::label::is_named_target(tally.name()) {
        return of(Kind::Id, "counts the rows".to_owned());
    }
    let is_fractional = tally.numbers > tally.integers;
    let names_things = is_named_id(tally.name()) || is_named_group(tally.name());
    if names_things && !is_fractional && known > 20 {
        if variety > 0.9 {
            return of(Kind::Id, format!("its name, and {different} in {known} rows"));
        }
        if distinct > 20 && is_named_group(tally.name()) {
            return of(Kind::Group, format!("its name, and {different} that come again"));
        }
        if distinct > 20 && tally.integers == known {
            return of(Kind::Code, format!("its name, and {different} whole numbers that come again"));
        }
    }
    if tally.numbers == known
        && let Some(found) = dates::spelling(tally)
    {
        let what = match found.format {
            DateFormat::Unix => "seconds since 1970",
            DateFormat::UnixMs => "milliseconds since 1970",
            DateFormat::Iso | DateFormat::Pattern(_) => "dates in digits",
        };
        return of(Kind::Date, format!("{what}, by its name and {}", shown(tally)));
    }
    if tally.padded > 0 && tally.integers == known && !is_fractional {
        return match variety > 0.9 && known > 20 {
            true => of(Kind::Id, format!("digits with leading zeros, {different}")),
            false => of(Kind::Code, format!("digits with leading zeros, {different}")),
        };
    }
    if let Some(number) = number(tally, known, distinct, is_more) {
        return number;
    }
    if distinct == 2 && !is_more {
        let texts: Vec<String> = tally.texts().iter().map(|(text, _)| format!("{text:?}")).collect();
        return of(Kind::YesNo, texts.join(" and "));
    }
    if let Some(found) = dates::spelling(tally) {
        let words = match found.words.as_slice() {
            [] => String::new(),
            words => format!(", but for {}, which would mean not known", crate::error::list(words)),
        };
        let other = found.or.map(|other| format!("; {:?} would read all of them too", String::from(other)));
        let reason = format!("dates such as {}{words}{}", shown(tally), other.as_deref().unwrap_or_default());
        let is_doubtful = other.is_some() || !found.words.is_empty();
        return Judgement { words: found.words, is_doubtful, ..of(Kind::Date, reason) };
    }
    if all(tally.iso_dates + tally.other_dates) {
        return of(Kind::Date, format!("dates or times such as {}", shown(tally)));
    }
    if let Some((mark, n)) = parts::vector(tally) {
        return of(Kind::Vector, format!("{n} numbers between {mark:?}"));
    }
    if tally.share(tally.paths) > 0.9 {
        return of(Kind::Path, format!("files or addresses such as {}", shown(tally)));
    }
    let (words, letters) = (1.0 + tally.share(tally.blanks), tally.share(tally.bytes));
    if variety > 0.5 && (words >= 4.0 || letters >= 40.0) {
        return of(Kind::Text, format!("about {words:.0} words a cell, {different} texts"));
    }
    if let Some((separator, parts)) = parts::separator(tally) {
        return doubtful(Kind::Set, format!("{parts} parts between {separator:?}, {different} together"));
    }
    if variety > 0.9 && known > 20 {
        return of(Kind::Id, format!("{different} texts in {known} rows"));
    }
    if variety > 0.5 && distinct > 50 {
        return doubtful(Kind::Id, format!("{different} texts in {known} rows: too few rows of each"));
    }
    of(Kind::Category, format!("{different} texts"))
}

/// A column of numbers, as far as it is one.
fn number(tally: &Tally, known: u64, distinct: usize, is_more: bool) -> Option<Judgement> {
    let others = known - tally.numbers;
    let range = format!("{} to {}", short(tally.min), short(tally.max));
    let words = match (others, tally.words()) {
        (0, _) => Vec::new(),
        // Words are for what is not known; numbers in another spelling, ranges and units are not.
        (_, Some(words)) if words.len() <= 3 && tally.share(tally.numbers) >= 0.8 && tally.numbers > 20 => {
            if words.keys().any(|word| word.chars().any(|c| c.is_ascii_digit())) {
                return None;
            }
            words.keys().cloned().collect()
        }
        _ => return None,
    };
    let of = |kind, reason| Judgement { kind, reason, words: Vec::new(), is_doubtful: false };
    if !words.is_empty() {
        let named: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
        let reason = format!("{range}, but for {} in {others} rows, which would mean not known", named.join(", "));
        return Some(Judgement { words, is_doubtful: true, ..of(Kind::Number, reason) });
    }
    let is_whole = tally.integers == tally.numbers;
    if distinct == 2 && !is_more {
        return Some(of(Kind::YesNo, format!("{} and {}", short(tally.min), short(tally.max))));
    }
    if is_whole && !is_more && distinct <= 10 && tally.max - tally.min <= 20.0 {
        return Some(of(Kind::Grade, format!("{distinct} whole numbers, {range}")));
    }
    Some(of(Kind::Number, range))
}

/// The most frequent text, cut to a readable length.
fn shown(tally: &Tally) -> String {
    tally.texts().first().map_or_else(String::new, |(text, _)| crate::error::quoted(text))
}

/// A number with few digits.
pub(super) fn short(x: f64) -> String {
    if x == 0.0 || (1e-3..1e9).contains(&x.abs()) {
        let text = format!("{x:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{x:.2e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::number::Numbers;

    fn of(name: &str, cell: impl Fn(usize) -> String) -> Judgement {
        let cells: Vec<String> = (0..200).map(cell).collect();
        let mut tally = Tally::new(name, 1000);
        let mut dictionary: Vec<String> = cells.clone();
        dictionary.sort();
        dictionary.dedup();
        let code = |cell: &String| u32::try_from(dictionary.binary_search(cell).unwrap()).unwrap();
        tally.add(&cells.iter().map(code).collect::<Vec<_>>(), &dictionary, Numbers::PLAIN);
        judge(&tally)
    }

    fn noise(i: usize, n: usize) -> usize {
        (i * 7919 + 13) % 1009 % n
    }

    #[test]
    fn every_kind_is_recognized() {
        type Cell = Box<dyn Fn(usize) -> String>;
        let cases: Vec<(&str, &str, Cell)> = vec![
            ("number", "price", Box::new(|i| format!("{}.5", noise(i, 900)))),
            ("number", "year", Box::new(|i| (1950 + noise(i, 70)).to_string())),
            ("number", "population", Box::new(|i| (i * 37 + 11).to_string())),
            ("whole numbers", "stars", Box::new(|i| (1 + noise(i, 5)).to_string())),
            ("code", "zip", Box::new(|i| format!("{:05}", 1000 + noise(i, 40)))),
            ("category", "town", Box::new(|i| format!("town {}", noise(i, 12)))),
            ("category", "size", Box::new(|i| if i % 3 == 0 { String::new() } else { "big".to_owned() })),
            ("yes/no", "sold", Box::new(|i| ["yes", "no"][noise(i, 2)].to_owned())),
            ("yes/no", "flag", Box::new(|i| noise(i, 2).to_string())),
            ("date", "day", Box::new(|i| format!("2024-{:02}-{:02}", 1 + noise(i, 12), 1 + noise(i, 28)))),
            ("date", "day", Box::new(|i| format!("{}.{}.2024", 1 + noise(i, 28), 1 + noise(i, 12)))),
            ("text", "review", Box::new(|i| format!("this is a text about {i} things and {} more", noise(i, 99)))),
            ("path", "image", Box::new(|i| format!("images/{i}.png"))),
            ("set", "genres", Box::new(|i| format!("g{}|g{}|g{}", noise(i, 7), noise(i + 3, 7), noise(i + 5, 7)))),
            ("date", "created_at", Box::new(|i| (1_600_000_000 + noise(i, 999) * 90_000).to_string())),
            ("date", "date", Box::new(|i| format!("2024{:02}{:02}", 1 + noise(i, 12), 1 + noise(i, 28)))),
            ("vector", "pixels", Box::new(|i| format!("{} {} 0.5 -2", noise(i, 9), noise(i, 7)))),
            ("id", "row", Box::new(|i| (i + 1).to_string())),
            ("id", "code", Box::new(|i| format!("x{i}"))),
            ("id", "user_id", Box::new(|i| (i * 31 % 1000).to_string())),
            ("group", "subject", Box::new(|i| format!("s{}", noise(i, 40)))),
            ("code", "store_id", Box::new(|i| noise(i, 40).to_string())),
            ("group", "UserId", Box::new(|i| noise(i, 40).to_string())),
            ("constant", "x", Box::new(|_| "a".to_owned())),
            ("empty", "x", Box::new(|i| ["", "NA"][i % 2].to_owned())),
        ];
        for (kind, name, cell) in cases {
            let found = of(name, cell);
            assert_eq!(found.kind.words(), kind, "{name}: {}", found.reason);
            assert!(!found.reason.is_empty());
        }
    }

    #[test]
    fn words_among_numbers_are_a_doubt_and_units_are_none() {
        let found = of("x", |i| if i % 20 == 0 { "unknown".to_owned() } else { format!("{}.25", noise(i, 99)) });
        assert_eq!(
            (found.kind, found.words.as_slice(), found.is_doubtful),
            (Kind::Number, ["unknown".to_owned()].as_slice(), true)
        );
        let found = of("x", |i| if i % 20 == 0 { "> 90".to_owned() } else { format!("{}.25", noise(i, 60)) });
        assert_eq!(found.kind, Kind::Category, "{}", found.reason);
    }

    #[test]
    fn names_are_read_in_words() {
        for name in ["id", "ID", "user_id", "userId", "User ID", "Unnamed: 0", "index", "id_number", ""] {
            assert!(is_named_id(name), "{name}");
        }
        for name in ["width", "paid", "idea", "grid", "x", "monkey"] {
            assert!(!is_named_id(name), "{name}");
        }
        assert!(is_named_group("patient") && is_named_group("Household Nr") && !is_named_group("grouped by"));
    }
}
