//! One chunk of a CSV file to columns: the loop that decides how fast a table is read.
//!
//! Grammar (RFC 4180 with blanks): a row is fields separated by the delimiter and ends with a line feed, a carriage
//! return before it being dropped, or with the file. Blanks around a field are dropped. A field that starts with a quote
//! ends with the next single one; two of them stand for one. A quote anywhere else is an error rather than a guess.
//! Lines without any text are skipped.

use std::borrow::Cow;

use super::dictionary::Dictionary;

/// What is kept of a file's column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing.
    Skip,
    /// Texts as codes.
    Text,
    /// Finite numbers; with `gaps`, texts that mean "not known" become NaN.
    Number {
        /// Whether a number may be missing.
        gaps: bool,
    },
}

/// What the parser has to know about the file.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    /// One per column of the file.
    pub(crate) plans: Vec<Plan>,
    pub(crate) delimiter: u8,
    pub(crate) quotes: bool,
    /// Texts that mean "not known".
    pub(crate) missing: &'a [String],
}

/// The values of one column.
#[derive(Debug)]
pub(crate) enum Part {
    Skipped,
    Text { codes: Vec<u32>, dictionary: Dictionary },
    Numbers(Vec<f32>),
}

/// What a chunk holds.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// One per column of the file.
    pub(crate) parts: Vec<Part>,
    /// The line on which each row starts, counted from 0 in the chunk.
    pub(crate) lines: Vec<u64>,
}

/// The first thing wrong in a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Counted from 0 in the chunk.
    pub(crate) line: u64,
    pub(crate) kind: FaultKind,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// A row of so many fields.
    Columns { found: usize },
    /// A field that its column cannot hold.
    Field { column: usize, expected: &'static str, found: Vec<u8> },
}

/// Reads all rows of `bytes`.
pub(crate) fn parse(bytes: &[u8], layout: &Layout<'_>) -> Result<Chunk, Fault> {
    let parts = layout.plans.iter().map(|plan| match plan {
        Plan::Skip => Part::Skipped,
        Plan::Text => Part::Text { codes: Vec::new(), dictionary: Dictionary::default() },
        Plan::Number { .. } => Part::Numbers(Vec::new()),
    });
    let mut chunk = Chunk { parts: parts.collect(), lines: Vec::new() };
    // Most files hold no quotes; the loop without them is the fast one.
    let quotes = layout.quotes && memchr::memchr(b'"', bytes).is_some();
    let mut cursor = Cursor::new(bytes, layout.delimiter, quotes);
    while !cursor.is_done() {
        let line = cursor.line;
        if read_row(&mut cursor, layout, &mut chunk)? {
            chunk.lines.push(line);
        }
    }
    Ok(chunk)
}

/// Appends one row; false for a blank line.
fn read_row(cursor: &mut Cursor<'_>, layout: &Layout<'_>, chunk: &mut Chunk) -> Result<bool, Fault> {
    let first_line = cursor.line;
    let (mut n_fields, mut refused) = (0, None);
    loop {
        let line = cursor.line;
        let fault = |expected, found: &[u8]| {
            let found = found.to_vec();
            Fault { line, kind: FaultKind::Field { column: n_fields, expected, found } }
        };
        let field = cursor.field().map_err(|(expected, found)| fault(expected, found))?;
        if n_fields == 0 && field.last && field.text.is_empty() && !field.quoted {
            return Ok(false);
        }
        if let (Some(part), Some(&plan)) = (chunk.parts.get_mut(n_fields), layout.plans.get(n_fields))
            && let Err(expected) = store(part, plan, &field.text, layout.missing)
        {
            refused.get_or_insert_with(|| fault(expected, &field.text));
        }
        n_fields += 1;
        if field.last {
            break;
        }
    }
    // A number that does not parse is often the sign of a row shifted by a stray delimiter: that is said first.
    if n_fields != layout.plans.len() {
        return Err(Fault { line: first_line, kind: FaultKind::Columns { found: n_fields } });
    }
    refused.map_or(Ok(true), Err)
}

/// Appends a field to its column; the error says what was expected.
fn store(part: &mut Part, plan: Plan, text: &[u8], missing: &[String]) -> Result<(), &'static str> {
    match part {
        Part::Skipped => {}
        Part::Text { codes, dictionary } => {
            // Neighboring rows often agree, and comparing is cheaper than hashing.
            let code = match codes.last() {
                Some(&last) if dictionary.get(last as usize) == text => last,
                _ => dictionary
                    .code(text, |text| std::str::from_utf8(text).is_ok())
                    .ok_or("text in UTF-8, at most 2^32 different ones")?,
            };
            codes.push(code);
        }
        Part::Numbers(values) => {
            let gap = plan == Plan::Number { gaps: true } && missing.iter().any(|m| m.as_bytes() == text);
            values.push(if gap { f32::NAN } else { number(text).ok_or("a finite number")? });
        }
    }
    Ok(())
}

/// A finite number; short runs of digits, the common case, without the general parser.
fn number(text: &[u8]) -> Option<f32> {
    if (1..=7).contains(&text.len()) && text.iter().all(u8::is_ascii_digit) {
        let value = text.iter().fold(0u32, |value, digit| value * 10 + u32::from(digit - b'0'));
        #[expect(clippy::cast_precision_loss, reason = "below 10^7 < 2^24, so exact")]
        return Some(value as f32);
    }
    std::str::from_utf8(text).ok()?.parse::<f32>().ok().filter(|value| value.is_finite())
}

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

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The bytes not yet read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
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
#[inline]
fn find(text: &[u8], delimiter: u8) -> usize {
    memchr::memchr2(delimiter, b'\n', text).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<Vec<String>>, Fault> {
        let mut cursor = Cursor::new(text.as_bytes(), b',', true);
        let (mut rows, mut row) = (vec![], vec![]);
        let mut open = false;
        while open || !cursor.is_done() {
            let line = cursor.line;
            let field = cursor.field().map_err(|(expected, found)| Fault {
                line,
                kind: FaultKind::Field { column: row.len(), expected, found: found.to_vec() },
            })?;
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
            let Err(Fault { kind: FaultKind::Field { expected: said, .. }, .. }) = rows(text) else { panic!("{text}") };
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn numbers_are_finite_or_refused() {
        for (text, value) in [("0", 0.0), ("0123456", 123_456.0), ("-1.5e3", -1500.0), ("16777217", 16_777_216.0)] {
            assert_eq!(number(text.as_bytes()), Some(value), "{text}");
        }
        for bad in ["", "nan", "inf", "-inf", "1e99", "1 2", "0x10", "1,5", "\u{e9}"] {
            assert_eq!(number(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_chunk_knows_its_lines() {
        let missing = [String::from("?")];
        let plans = vec![Plan::Text, Plan::Number { gaps: true }];
        let layout = Layout { plans, delimiter: b',', quotes: true, missing: &missing };
        let chunk = parse(b"a,1\n\n\"b\nb\",?\r\n \na,3", &layout).unwrap();
        assert_eq!(chunk.lines, [0, 2, 5]);
        let [Part::Text { codes, .. }, Part::Numbers(values)] = &chunk.parts[..] else { panic!() };
        assert_eq!(codes, &[0, 1, 0]);
        assert!(values[1].is_nan() && values[2..] == [3.0]);
        let fault = |text: &str| parse(text.as_bytes(), &layout).unwrap_err();
        assert_eq!(fault("a,1\na\n"), Fault { line: 1, kind: FaultKind::Columns { found: 1 } });
        assert_eq!(fault("a,1,2,3"), Fault { line: 0, kind: FaultKind::Columns { found: 4 } });
        let found = b"x".to_vec();
        assert_eq!(fault("a,x").kind, FaultKind::Field { column: 1, expected: "a finite number", found });
    }
}
