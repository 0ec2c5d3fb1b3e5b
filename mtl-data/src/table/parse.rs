//! One chunk of a CSV file to columns: the loop that decides how fast a table is read.
//!
//! Fields of real tables often repeat the one above them. Whether one does is a single comparison of bytes, its
//! delimiter included; then the column takes its last value again, and nothing is searched, trimmed, hashed or converted.

use std::ops::Range;

use super::{cursor::Cursor, dictionary::Dictionary};

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
    /// The number of lines, blank ones included.
    pub(crate) n_lines: u64,
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
    let mut chunk = Chunk { parts: parts.collect(), lines: Vec::new(), n_lines: 0 };
    // Most files hold no quotes; the loop without them is the fast one.
    let quotes = layout.quotes && memchr::memchr(b'"', bytes).is_some();
    let mut cursor = Cursor::new(bytes, layout.delimiter, quotes);
    let mut above = vec![0..0; layout.plans.len()];
    while !cursor.is_done() {
        let line = cursor.line;
        if read_row(&mut cursor, layout, &mut chunk, &mut above)? {
            chunk.lines.push(line);
        }
    }
    chunk.n_lines = cursor.line;
    Ok(chunk)
}

/// Appends one row; false for a blank line.
///
/// `above` holds where the last field of each column stands, its delimiter included; an empty range for none.
fn read_row(
    cursor: &mut Cursor<'_>,
    layout: &Layout<'_>,
    chunk: &mut Chunk,
    above: &mut [Range<usize>],
) -> Result<bool, Fault> {
    let first_line = cursor.line;
    let (mut n_fields, mut refused) = (0, None);
    loop {
        if let Some((part, above)) = chunk.parts.get_mut(n_fields).zip(above.get(n_fields))
            && let Some(last) = cursor.repeat(above)
        {
            part.repeat();
            n_fields += 1;
            if last {
                break;
            }
            continue;
        }
        let (line, start) = (cursor.line, cursor.at());
        let fault = |expected, found: &[u8]| {
            let found = found.to_vec();
            Fault { line, kind: FaultKind::Field { column: n_fields, expected, found } }
        };
        let field = match cursor.field() {
            Ok(field) => field,
            Err((expected, found)) => return Err(fault(expected, found)),
        };
        if n_fields == 0 && field.last && field.text.is_empty() && !field.quoted {
            return Ok(false);
        }
        if let Some(((part, above), &plan)) =
            chunk.parts.get_mut(n_fields).zip(above.get_mut(n_fields)).zip(layout.plans.get(n_fields))
        {
            *above = if field.quoted { 0..0 } else { start..cursor.at() };
            if let Err(expected) = store(part, plan, &field.text, layout.missing) {
                refused.get_or_insert_with(|| fault(expected, &field.text));
            }
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

impl Part {
    /// Appends the last value once more.
    fn repeat(&mut self) {
        match self {
            Self::Skipped => {}
            Self::Text { codes, .. } => codes.extend(codes.last().copied()),
            Self::Numbers(values) => values.extend(values.last().copied()),
        }
    }
}

/// Appends a field to its column; the error says what was expected.
fn store(part: &mut Part, plan: Plan, text: &[u8], missing: &[String]) -> Result<(), &'static str> {
    match part {
        Part::Skipped => {}
        Part::Text { codes, dictionary } => {
            let code = dictionary.code(text, |text| std::str::from_utf8(text).is_ok());
            codes.push(code.ok_or("text in UTF-8, at most 2^32 different ones")?);
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

#[cfg(test)]
mod tests {
    use super::*;

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
