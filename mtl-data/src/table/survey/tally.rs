//! What was counted of one column, in bounded memory.

use std::collections::{BTreeMap, HashMap};

use crate::{
    split::Time,
    table::{advice::usually_missing, number::Numbers},
};

/// Different texts of one sort that are told apart beside the counted ones: words among numbers, texts for "not known".
const FEW: usize = 32;
/// Octaves of sizes: `2^63` and beyond share the last one.
const OCTAVES: usize = 64;

/// What was counted of a column. Cells are *known* unless they hold a text that tools write for "not known".
#[derive(Debug, Clone)]
pub struct Tally {
    name: String,
    cells: u64,
    missing: BTreeMap<String, u64>,
    texts: HashMap<String, u64>,
    /// How many texts are told apart.
    limit: usize,
    /// The known cells that had come by when the limit was reached.
    full_at: Option<u64>,
    pub(super) numbers: u64,
    pub(super) integers: u64,
    /// Whole numbers that begin with a needless zero, as codes do.
    pub(super) padded: u64,
    /// Known texts that are no numbers, up to a few; beyond, only that there are more.
    words: BTreeMap<String, u64>,
    has_more_words: bool,
    pub(super) min: f64,
    pub(super) max: f64,
    /// Numbers by the power of two of their size.
    octaves: [u64; OCTAVES],
    /// The number before, and whether each was one more than it.
    last: Option<f64>,
    pub(super) counts_rows: bool,
    pub(super) iso_dates: u64,
    pub(super) other_dates: u64,
    pub(super) paths: u64,
    pub(super) bytes: u64,
    pub(super) blanks: u64,
}

impl Tally {
    pub(super) fn new(name: &str, limit: usize) -> Self {
        Self {
            name: name.to_owned(),
            cells: 0,
            missing: BTreeMap::new(),
            texts: HashMap::new(),
            limit,
            full_at: None,
            numbers: 0,
            integers: 0,
            padded: 0,
            words: BTreeMap::new(),
            has_more_words: false,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            octaves: [0; OCTAVES],
            last: None,
            counts_rows: true,
            iso_dates: 0,
            other_dates: 0,
            paths: 0,
            bytes: 0,
            blanks: 0,
        }
    }

    /// Counts the cells of some rows: row `i` holds `dictionary[codes[i]]`.
    pub(super) fn add(&mut self, codes: &[u32], dictionary: &[String], numbers: Numbers) {
        let mut counts = vec![0_u64; dictionary.len()];
        for &code in codes {
            counts.get_mut(code as usize).into_iter().for_each(|count| *count += 1);
        }
        let values: Vec<Option<f64>> = dictionary.iter().map(|text| numbers.parse(text.as_bytes())).collect();
        if self.counts_rows {
            let mut cells = codes.iter().map(|&code| values.get(code as usize).copied().flatten());
            self.counts_rows = cells.all(|value| {
                let before = std::mem::replace(&mut self.last, value);
                value.is_some_and(|value| before.is_none_or(|before| (value - before - 1.0).abs() < 1e-9))
            });
        }
        for ((text, count), value) in dictionary.iter().zip(counts).zip(values).filter(|((_, count), _)| *count > 0) {
            self.cells += count;
            if usually_missing(text) {
                self.count_missing(text, count);
                continue;
            }
            self.count_text(text, count);
            match value {
                Some(value) => self.count_number(text, value, count),
                None => self.count_word(text, count),
            }
        }
    }

    fn count_missing(&mut self, text: &str, count: u64) {
        match self.missing.get_mut(text) {
            Some(known) => *known += count,
            None => _ = self.missing.insert(text.to_owned(), count),
        }
    }

    fn count_text(&mut self, text: &str, count: u64) {
        self.bytes += text.len() as u64 * count;
        self.blanks += text.bytes().filter(|b| *b == b' ').count() as u64 * count;
        if let Some(known) = self.texts.get_mut(text) {
            *known += count;
        } else if self.texts.len() < self.limit {
            self.texts.insert(text.to_owned(), count);
        } else if self.full_at.is_none() {
            self.full_at = Some(self.known().saturating_sub(count).max(self.limit as u64));
        }
    }

    fn count_number(&mut self, text: &str, value: f64, count: u64) {
        self.numbers += count;
        (self.min, self.max) = (self.min.min(value), self.max.max(value));
        if value.fract() == 0.0 {
            self.integers += count;
            let digits = text.trim().trim_start_matches(['+', '-']).as_bytes();
            let is_padded = digits.len() > 1 && digits[0] == b'0' && digits.iter().all(u8::is_ascii_digit);
            self.padded += if is_padded { count } else { 0 };
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
        let octave = (value.abs() + 1.0).log2().floor() as usize;
        if let Some(octave) = self.octaves.get_mut(octave.min(OCTAVES - 1)) {
            *octave += count;
        }
    }

    fn count_word(&mut self, text: &str, count: u64) {
        if let Some(known) = self.words.get_mut(text) {
            *known += count;
        } else if self.words.len() < FEW {
            self.words.insert(text.to_owned(), count);
        } else {
            self.has_more_words = true;
        }
        match Time::parse(text) {
            Some(Time::Date(_)) => self.iso_dates += count,
            _ if is_other_date(text) => self.other_dates += count,
            _ if is_path(text) => self.paths += count,
            _ => {}
        }
    }

    /// The column's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Rows that were looked at.
    #[must_use]
    pub fn cells(&self) -> u64 {
        self.cells
    }

    /// Cells that hold something, as far as one can tell.
    #[must_use]
    pub fn known(&self) -> u64 {
        self.cells - self.missing.values().sum::<u64>()
    }

    /// Texts for "not known", with how often they occur.
    pub fn missing(&self) -> impl Iterator<Item = (&str, u64)> {
        self.missing.iter().map(|(text, count)| (text.as_str(), *count))
    }

    /// How many different known texts there are, and whether that is only a lower bound.
    #[must_use]
    pub fn distinct(&self) -> (usize, bool) {
        (self.texts.len(), self.full_at.is_some())
    }

    /// The different known texts, the most frequent first; those that came late are left out of a long list.
    #[must_use]
    pub fn texts(&self) -> Vec<(&str, u64)> {
        let mut texts: Vec<_> = self.texts.iter().map(|(text, count)| (text.as_str(), *count)).collect();
        texts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        texts
    }

    /// Different texts by known cell, `[0, 1]`: 1 where every row has its own.
    #[must_use]
    pub fn variety(&self) -> f64 {
        share(self.texts.len() as u64, self.full_at.unwrap_or_else(|| self.known()))
    }

    /// The texts among numbers that are none; `None` where there are many.
    pub(super) fn words(&self) -> Option<&BTreeMap<String, u64>> {
        (!self.has_more_words).then_some(&self.words)
    }

    /// Of the known cells, the share that `count` is.
    pub(super) fn share(&self, count: u64) -> f64 {
        share(count, self.known())
    }

    /// Whether the largest numbers are a hundred times and more the usual ones, and none is negative.
    pub(super) fn has_long_tail(&self) -> bool {
        let mut below = 0;
        let median = self.octaves.iter().position(|count| {
            below += count;
            below * 2 >= self.numbers
        });
        let last = self.octaves.iter().rposition(|count| *count > 0);
        self.min >= 0.0 && last.zip(median).is_some_and(|(last, median)| last >= median.max(2) + 6)
    }
}

/// `part / whole`; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "a share of counts")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A date or a time of day as people write it: `31.1.2024`, `1/31/24 9:30`, `09:30`, `31-Jan-2024`.
fn is_other_date(text: &str) -> bool {
    let mut words = text.split([' ', 'T']).filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return false };
    let numbers = |word: &str, mark: char| {
        let parts: Vec<&str> = word.split(mark).collect();
        let fits = |part: &&str| (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if parts.iter().all(fits) { parts.len() } else { 0 }
    };
    let is_named = || {
        let parts: Vec<&str> = first.split('-').collect();
        matches!(parts.as_slice(), [day, month, year] if month.len() == 3 && month.bytes().all(|b| b.is_ascii_alphabetic())
            && [day, year].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())))
    };
    let is_clock = |word: &str| (2..=3).contains(&numbers(word.split('.').next().unwrap_or_default(), ':'));
    let is_day = numbers(first, '.') == 3 || numbers(first, '/') == 3 || is_named();
    let is_rest = |word: &str| is_clock(word) || matches!(word, "AM" | "PM" | "am" | "pm");
    (is_day || is_clock(first)) && words.all(is_rest)
}

/// An address or the name of a file in a folder.
fn is_path(text: &str) -> bool {
    let is_address = ["http://", "https://", "s3://", "gs://", "file://"].iter().any(|start| text.starts_with(start));
    let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let is_file = ending.is_some_and(|e| (2..=5).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric()))
        && ending.is_some_and(|e| e.bytes().any(|b| b.is_ascii_alphabetic()));
    let known = ["png", "jpg", "jpeg", "gif", "tif", "tiff", "wav", "mp3", "flac", "npy", "txt", "pdf"];
    is_address
        || is_file && (name.len() < text.len() || ending.is_some_and(|e| known.contains(&e.to_lowercase().as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(cells: &[&str]) -> Tally {
        let mut tally = Tally::new("x", 100);
        // Two blocks, to see that they add up.
        for block in cells.chunks(cells.len().div_ceil(2).max(1)) {
            let mut dictionary: Vec<String> = Vec::new();
            let codes: Vec<u32> = block
                .iter()
                .map(|cell| {
                    let at = dictionary.iter().position(|known| known == cell).unwrap_or_else(|| {
                        dictionary.push((*cell).to_owned());
                        dictionary.len() - 1
                    });
                    u32::try_from(at).unwrap()
                })
                .collect();
            tally.add(&codes, &dictionary, Numbers::PLAIN);
        }
        tally
    }

    #[test]
    fn cells_are_counted_by_what_they_hold() {
        let t = tally(&["1", "2.5", "", "NA", "007", "2024-01-31", "31.1.2024", "a/b.png", "two words", "1"]);
        assert_eq!((t.cells(), t.known(), t.distinct()), (10, 8, (7, false)));
        assert_eq!(t.missing().collect::<Vec<_>>(), [("", 1), ("NA", 1)]);
        assert_eq!((t.numbers, t.integers, t.padded), (4, 3, 1));
        assert_eq!((t.iso_dates, t.other_dates, t.paths), (1, 1, 1));
        assert_eq!((t.min, t.max), (1.0, 7.0));
        assert_eq!(t.words().unwrap().len(), 4);
        assert!(!t.counts_rows && t.texts()[0] == ("1", 2));
        assert!((t.variety() - 7.0 / 8.0).abs() < 1e-12);
    }

    #[test]
    fn a_number_of_the_row_is_told_from_other_numbers() {
        let rows: Vec<String> = (7..40).map(|n| n.to_string()).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        assert!(tally(&rows).counts_rows);
        assert!(!tally(&["1", "2", "4"]).counts_rows && !tally(&["1", "2", "2"]).counts_rows);
        assert!(!tally(&["1", "x", "2"]).counts_rows);
    }

    #[test]
    fn memory_is_bounded_and_variety_is_not() {
        let mut t = Tally::new("x", 10);
        for block in 0..50_u64 {
            let dictionary: Vec<String> = (0..20).map(|i| format!("t{}", block * 20 + i)).collect();
            t.add(&(0..20).collect::<Vec<u32>>(), &dictionary, Numbers::PLAIN);
        }
        assert_eq!((t.distinct(), t.known()), ((10, true), 1000));
        assert!(t.variety() > 0.9, "{}", t.variety());
        assert!(t.words().is_none());
    }

    #[test]
    fn dates_and_paths_are_recognized() {
        for date in
            ["31.1.2024", "1/31/24", "1/31/2024 9:30", "09:30", "09:30:05.25", "31-Jan-2024", "2024/01/31 11:00 PM"]
        {
            assert!(is_other_date(date), "{date}");
        }
        for other in ["1.2", "a/b/c", "1/2", "192.168.0.1", "x", "", "1.2.3.4", "10:x"] {
            assert!(!is_other_date(other), "{other}");
        }
        for path in ["a/b.png", "x.jpg", r"c:\data\x.wav", "https://a.b/c", "s3://x"] {
            assert!(is_path(path), "{path}");
        }
        for other in ["a.b", "km/h", "3.5", "and/or", "U.S.A.", "x"] {
            assert!(!is_path(other), "{other}");
        }
    }

    #[test]
    fn amounts_with_a_long_tail_are_seen() {
        let usual: Vec<String> = (0..100).map(|i| (i % 9).to_string()).collect();
        let mut amounts: Vec<&str> = usual.iter().map(String::as_str).collect();
        assert!(!tally(&amounts).has_long_tail());
        amounts.push("99999");
        assert!(tally(&amounts).has_long_tail());
        amounts.push("-1");
        assert!(!tally(&amounts).has_long_tail());
    }
}
