//! How the dates of a column are written.
//!
//! | texts | are taken for |
//! |---|---|
//! | that one usual spelling reads, all of them | dates written so; up to three words among them mean "not known" |
//! | that two spellings read, which take day and month the other way | the likelier one, marked as a doubt |
//! | whole numbers of a column called so (`timestamp`, `created_at`), within 1990 to 2040 | seconds or milliseconds since 1970 |
//! | eight digits of a column called so (`date`, `day`) | `20240131` |

use super::{kind::words_of, tally::Tally};
use crate::table::date::DateFormat;

/// Names of points in time.
const NAMES: [&str; 10] = ["time", "timestamp", "date", "datetime", "day", "at", "created", "updated", "epoch", "ts"];
/// Seconds since 1970 of 1990 and of 2040.
const YEARS: (f64, f64) = (631_152_000.0, 2_208_988_800.0);

/// A spelling of dates.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dates {
    pub(super) format: DateFormat,
    /// What stands where a date is not known.
    pub(super) words: Vec<String>,
    /// Another spelling that would read all of them, with other days.
    pub(super) or: Option<DateFormat>,
}

/// The spelling of all known texts of a column; `None` where there is none.
pub(super) fn spelling(tally: &Tally) -> Option<Dates> {
    let texts = tally.texts();
    if tally.numbers == tally.known() {
        return in_numbers(tally, &texts);
    }
    let is_word = |text: &str| !text.bytes().any(|byte| byte.is_ascii_digit());
    let (words, dates): (Vec<&str>, Vec<&str>) = texts.iter().map(|(text, _)| *text).partition(|text| is_word(text));
    let n_words: u64 = texts.iter().filter(|(text, _)| is_word(text)).map(|(_, count)| count).sum();
    if words.len() > 3 || tally.share(n_words) > 0.2 {
        return None;
    }
    // Most spellings fall out at the first few texts.
    let mut formats = DateFormat::usual(&dates[..dates.len().min(8)]).filter(|format| format.reads(&dates));
    let (format, or) = (formats.next()?, formats.next());
    Some(Dates { format, words: words.into_iter().map(str::to_owned).collect(), or })
}

/// Dates in digits alone: by their size and the column's name, as any number could be one.
fn in_numbers(tally: &Tally, texts: &[(&str, u64)]) -> Option<Dates> {
    let is_named = words_of(tally.name()).iter().any(|word| NAMES.contains(&word.as_str()));
    if !is_named || tally.numbers == 0 {
        return None;
    }
    let within = |unit: f64| tally.min >= YEARS.0 * unit && tally.max < YEARS.1 * unit;
    let dates = |format| Some(Dates { format, words: Vec::new(), or: None });
    if within(1.0) {
        return dates(DateFormat::Unix);
    }
    if within(1000.0) {
        return dates(DateFormat::UnixMs);
    }
    let texts: Vec<&str> = texts.iter().map(|(text, _)| *text).collect();
    let is_eight = tally.integers == tally.known() && texts.iter().all(|text| text.len() == 8);
    DateFormat::usual(&texts).next().filter(|_| is_eight).and_then(dates)
}
