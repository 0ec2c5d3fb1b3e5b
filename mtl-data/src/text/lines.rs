//! A text file as lines of numbered words.
//!
//! Every text gets a number in order of first appearance, so that a file of millions of words is read in one pass and looked up
//! in a vocabulary once for each different word.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    kept::Content,
    table::{dictionary::Dictionary, unpack::Unpacked},
};

/// What of a line has a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Each word: what stands between blanks.
    Word,
    /// The whole line, blanks around it left out.
    Line,
}

/// The lines of a file.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) path: PathBuf,
    pub(crate) content: Content,
    /// Numbers of words, line after line.
    pub(crate) codes: Vec<u32>,
    /// Where the words of each line begin and end, `[n + 1]`.
    pub(crate) offsets: Vec<usize>,
    /// The words by number.
    pub(crate) words: Vec<String>,
}

impl Lines {
    /// Reads a file, which may be compressed by gzip or zstd.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NotText`]; [`Error::NoRows`] for an empty file; [`Error::Line`] for a line that is
    /// empty or not UTF-8.
    pub(crate) fn read(path: &Path, unit: Unit, lowercase: bool) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let mut bytes = Vec::new();
        Unpacked::open(path, file)?.read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
        Self::parse(path, &bytes, unit, lowercase)
    }

    pub(crate) fn parse(path: &Path, bytes: &[u8], unit: Unit, lowercase: bool) -> Result<Self> {
        let (mut codes, mut offsets, mut dictionary) = (Vec::new(), vec![0], Dictionary::default());
        let full = || Error::NotText {
            path: path.to_owned(),
            found: "more than 2^32 different words".into(),
            advice: "cut it into several files".into(),
        };
        let body = without_mark(bytes);
        let rows = body.strip_suffix(b"\n").unwrap_or(body);
        if rows.is_empty() {
            return Err(Error::NoRows { path: path.to_owned() });
        }
        for (number, line) in (1..).zip(rows.split(|&byte| byte == b'\n')) {
            let text = text_of(path, number, line, BLANKS)?;
            let lower = lowercase.then(|| text.to_lowercase());
            let text = lower.as_deref().unwrap_or(text);
            match unit {
                Unit::Line => codes.push(dictionary.code(text.as_bytes(), |_| true).ok_or_else(full)?),
                Unit::Word => {
                    for word in words(text) {
                        codes.push(dictionary.code(word.as_bytes(), |_| true).ok_or_else(full)?);
                    }
                }
            }
            offsets.push(codes.len());
        }
        let content = Content { rows: offsets.len() as u64 - 1, ..Content::of_bytes(bytes) };
        let word = |code| String::from_utf8_lossy(dictionary.get(code)).into_owned();
        let words = (0..dictionary.len()).map(word).collect();
        Ok(Self { path: path.to_owned(), content, codes, offsets, words })
    }

    /// The number of lines.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The codes of a line; none beyond the last.
    pub(crate) fn line(&self, at: usize) -> &[u32] {
        match self.offsets.get(at..at + 2) {
            Some(&[start, end]) => &self.codes[start..end],
            _ => &[],
        }
    }

    /// The word of a code.
    pub(crate) fn word(&self, code: u32) -> &str {
        self.words.get(code as usize).map_or("", String::as_str)
    }

    /// What is wrong in a line, counted from 0.
    pub(crate) fn fault(&self, at: usize, expected: String, found: String) -> Error {
        Error::Line { path: self.path.clone(), line: at as u64 + 1, expected, found }
    }

    /// How often each word occurs in the lines at `positions`, by code.
    pub(crate) fn counts(&self, positions: &[u64]) -> Vec<u64> {
        let mut counts = vec![0u64; self.words.len()];
        for at in positions.iter().filter_map(|&at| usize::try_from(at).ok()) {
            for &code in self.line(at) {
                counts.get_mut(code as usize).into_iter().for_each(|n| *n += 1);
            }
        }
        counts
    }
}

/// The words of a line.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split([' ', '\t']).filter(|word| !word.is_empty())
}

/// What may stand around a text: blanks, the carriage return of a foreign system.
pub(super) const BLANKS: &[char] = &[' ', '\t', '\r'];
/// The same around several texts in a line: a tab ends one of them there, be it empty.
pub(super) const BLANKS_OF_SEVERAL: &[char] = &[' ', '\r'];

/// A line as text without the `blanks` around it.
pub(super) fn text_of<'a>(path: &Path, line: u64, bytes: &'a [u8], blanks: &[char]) -> Result<&'a str> {
    let fault = |expected: &str, found: &str| Error::Line {
        path: path.to_owned(),
        line,
        expected: expected.to_owned(),
        found: found.to_owned(),
    };
    let text = std::str::from_utf8(bytes).map_err(|_| fault("text in UTF-8", "bytes that are none"))?;
    match text.trim_matches(blanks) {
        "" => Err(fault(
            "a sample",
            "an empty line (every line is one, or lines of several files would not stand side by side)",
        )),
        text => Ok(text),
    }
}

/// The bytes without the mark that some programs write first.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8], unit: Unit) -> Result<Lines> {
        Lines::parse("t.txt".as_ref(), bytes, unit, false)
    }

    #[test]
    fn words_are_numbered_in_order_of_appearance() {
        let lines = parse(b"\xef\xbb\xbffly  to rome\r\n to\tfly \n", Unit::Word).unwrap();
        assert_eq!((lines.words.join(" ").as_str(), lines.len()), ("fly to rome", 2));
        assert_eq!((lines.line(0), lines.line(1), lines.line(2)), (&[0, 1, 2][..], &[1, 0][..], &[][..]));
        assert_eq!((lines.counts(&[1]), lines.content.rows), (vec![1, 1, 0], 2));
        let labels = parse(b" very good \nbad\nvery good", Unit::Line).unwrap();
        assert_eq!((labels.words.join("|").as_str(), labels.codes), ("very good|bad", vec![0, 1, 0]));
        let lower = Lines::parse("t".as_ref(), "Zürich ZÜRICH".as_bytes(), Unit::Word, true).unwrap();
        assert_eq!(lower.words, ["zürich"]);
    }

    #[test]
    fn what_is_no_line_is_refused_with_its_place() {
        let refusal = |bytes: &[u8]| parse(bytes, Unit::Word).unwrap_err().to_string();
        assert_eq!(refusal(b"a\n\xff\n"), "t.txt:2: expected text in UTF-8, found bytes that are none");
        assert!(refusal(b"a\n \nb\n").starts_with("t.txt:2: expected a sample, found an empty line"));
        assert!(refusal(b"\na\n").starts_with("t.txt:1: "));
        assert!(refusal(b"a\n\n").starts_with("t.txt:2: "));
        for empty in [&b""[..], b"\n", b"\xef\xbb\xbf"] {
            assert_eq!(refusal(empty), "t.txt: expected at least one row of data, found none");
        }
        let e = Lines::read("no/such/file".as_ref(), Unit::Word, false).unwrap_err().to_string();
        assert!(e.starts_with("no/such/file: cannot read: "), "{e}");
    }
}
