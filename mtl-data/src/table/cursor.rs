//! Fields of a CSV text, one after the other.
//!
//! Grammar (RFC 4180 with blanks): a row is fields separated by the delimiter and ends with a line feed, a carriage
//! return before it being dropped, or with the file. Blanks around a field are dropped. A field that starts with a quote
//! ends with the next single one; two of them stand for one. A quote anywhere else is an error rather than a guess.

use std::{borrow::Cow, ops::Range};

/// A place in the text.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Line ends passed.
    pub(crate) line: u64,
    delimiter: u8,
    quotes: bool,
}

/// A field, its blanks and quotes removed.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    pub(crate) text: Cow<'a, [u8]>,
    /// Whether it stood in quotes.
    pub(crate) quoted: bool,
    /// Whether it ends its row.
    pub(crate) last: bool,
}

/// What was expected of a field, and the field's bytes.
type FieldFault<'a> = (&'static str, &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], delimiter: u8, quotes: bool) -> Self {
        Self { bytes, at: 0, line: 0, delimiter, quotes }
    }

    /// Bytes passed.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The bytes not yet read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Passes a field, its delimiter included, if it is the same bytes as an earlier unquoted one; says whether the row
    /// ends there.
    #[inline]
    pub(crate) fn repeat(&mut self, earlier: &Range<usize>) -> Option<bool> {
        let earlier = self.bytes.get(earlier.clone())?;
        let (&end, next) = (earlier.last()?, self.bytes.get(self.at..self.at + earlier.len())?);
        // Most fields that differ already differ in length, which the delimiter's place tells.
        if next.last() != Some(&end) || next != earlier {
            return None;
        }
        self.at += earlier.len();
        let last = end == b'\n';
        self.line += u64::from(last);
        Some(last)
    }

    /// The next field; behind the last byte an empty one that ends its row.
    #[inline]
    pub(crate) fn field(&mut self) -> Result<Field<'a>, FieldFault<'a>> {
        let rest = self.rest();
        if self.quotes && self.trim_start(rest).first() == Some(&b'"') {
            return self.quoted_field();
        }
        let end = find(rest, self.delimiter);
        let raw = &rest[..end];
        let text = self.trim(raw);
        let last = self.step_over(rest, end);
        if self.quotes && memchr::memchr(b'"', text).is_some() {
            return Err(("a quote only around a whole field", text));
        }
        Ok(Field { text: Cow::Borrowed(text), quoted: false, last })
    }

    fn quoted_field(&mut self) -> Result<Field<'a>, FieldFault<'a>> {
        let rest = self.rest();
        let open = rest.len() - self.trim_start(rest).len();
        let body = &rest[open + 1..];
        let (mut text, mut from) = (Cow::Borrowed(&body[..0]), 0);
        let close = loop {
            let Some(at) = memchr::memchr(b'"', &body[from..]).map(|at| from + at) else {
                return Err(("a closing quote", &rest[open..]));
            };
            let doubled = body.get(at + 1) == Some(&b'"');
            let upto = if doubled { at + 1 } else { at };
            // The text is borrowed until a doubled quote forces a copy without it.
            text = match text {
                Cow::Borrowed(_) if from == 0 => Cow::Borrowed(&body[..upto]),
                text => {
                    let mut text = text.into_owned();
                    text.extend_from_slice(&body[from..upto]);
                    Cow::Owned(text)
                }
            };
            if !doubled {
                break at;
            }
            from = at + 2;
        };
        let after = &body[close + 1..];
        let end = find(after, self.delimiter);
        if !self.trim(&after[..end]).is_empty() {
            return Err(("a delimiter or a line end after the closing quote", &rest[open..open + close + 2 + end]));
        }
        self.line += super::chunk::count_lines(&body[..close]);
        let last = self.step_over(rest, open + close + 2 + end);
        Ok(Field { text, quoted: true, last })
    }

    /// Moves behind the delimiter or line end at `rest[end]`; says whether the row ends there.
    fn step_over(&mut self, rest: &[u8], end: usize) -> bool {
        self.at += end + 1;
        let last = rest.get(end).is_none_or(|&byte| byte == b'\n');
        self.line += u64::from(last);
        last
    }

    fn is_blank(&self, byte: u8) -> bool {
        matches!(byte, b' ' | b'\t' | b'\r') && byte != self.delimiter
    }

    fn trim_start(&self, text: &'a [u8]) -> &'a [u8] {
        let start = text.iter().position(|&b| !self.is_blank(b)).unwrap_or(text.len());
        &text[start..]
    }

    fn trim(&self, text: &'a [u8]) -> &'a [u8] {
        let text = self.trim_start(text);
        let end = text.iter().rposition(|&b| !self.is_blank(b)).map_or(0, |last| last + 1);
        &text[..end]
    }
}

/// The position of the next delimiter or line end, or the length.
///
/// Eight bytes at a time: fields are so short that calling a vectorized search costs more than it saves.
#[inline]
fn find(text: &[u8], delimiter: u8) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let (delimiters, ends) = (u64::from(delimiter) * ONES, u64::from(b'\n') * ONES);
    // The high bit of each zero byte; bits above the first one may be wrong, the first is right.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, rest) = text.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ delimiters) | zeros(word ^ ends);
        if found != 0 {
            return at * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let tail = rest.iter().position(|&byte| byte == delimiter || byte == b'\n').unwrap_or(rest.len());
    text.len() - rest.len() + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<Vec<String>>, &'static str> {
        let mut cursor = Cursor::new(text.as_bytes(), b',', true);
        let (mut rows, mut row) = (vec![], vec![]);
        let mut open = false;
        while open || !cursor.is_done() {
            let field = cursor.field().map_err(|(expected, _)| expected)?;
            row.push(String::from_utf8(field.text.into_owned()).unwrap());
            open = !field.last;
            if field.last {
                rows.push(std::mem::take(&mut row));
            }
        }
        Ok(rows)
    }

    #[test]
    fn fields_by_hand() {
        let cut = rows("a, b ,c\r\n\"x, \"\"y\"\"\nz\" ,,\n1,\"\"\"\",").unwrap();
        assert_eq!(cut, [vec!["a", "b", "c"], vec!["x, \"y\"\nz", "", ""], vec!["1", "\"", ""]]);
        assert_eq!(rows("").unwrap(), Vec::<Vec<String>>::new());
        assert_eq!(rows("\"a\"").unwrap(), [["a"]]);
        assert_eq!(rows("\"\"\"\"\"\"\n").unwrap(), [["\"\""]]);
    }

    #[test]
    fn quotes_in_wrong_places_are_refused() {
        for (text, expected) in [
            ("5\" pipe,1", "a quote only around a whole field"),
            ("\"abc", "a closing quote"),
            ("\"abc\"d,1", "a delimiter or a line end after the closing quote"),
        ] {
            assert_eq!(rows(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_repeated_field_is_passed_whole_or_not_at_all() {
        let mut cursor = Cursor::new(b" a,b\n a,bc\n a", b',', true);
        let mut pass = || {
            let start = cursor.at();
            cursor.field().unwrap();
            start..cursor.at()
        };
        let (a, b) = (pass(), pass());
        assert_eq!((cursor.repeat(&a), cursor.repeat(&b), cursor.repeat(&(0..0))), (Some(false), None, None));
        cursor.field().unwrap();
        assert_eq!((cursor.repeat(&a), cursor.line), (None, 2));
    }

    #[test]
    fn searching_finds_the_first_end() {
        for len in 0..40 {
            for at in 0..=len {
                let mut text = vec![b'-'; len]; // one above the delimiter: the borrow of a match must not reach down
                if let Some(byte) = text.get_mut(at) {
                    *byte = if at % 2 == 0 { b',' } else { b'\n' };
                }
                assert_eq!(find(&text, b','), at, "{len}");
            }
        }
        assert_eq!(find(b"--,---,-", b','), 2);
    }
}
