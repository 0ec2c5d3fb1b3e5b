//! One chunk of a CSV file to columns: the loop that decides how fast a table is read.
//!
//! Fields of real tables often repeat the one above them. Whether one does is a single comparison of bytes, its
//! delimiter included; then the column takes its last value again, and nothing is searched, trimmed, hashed or converted.

use std::ops::Range;

use super::{cell_parts, cursor::Cursor, dictionary::Dictionary, number::Numbers, schema::Column};

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
    /// Dates as seconds since 1970, in the way that a column of the schema says, by its place.
    Date {
        /// The column.
        column: usize,
        /// Whether a date may be missing.
        gaps: bool,
    },
    /// So many numbers in a field, in the way that a column of the schema says.
    Vector {
        /// The column.
        column: usize,
        /// How many there are.
        width: usize,
        /// Whether all may be missing.
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
    /// The schema's columns, for plans that name one.
    pub(crate) columns: &'a [Column],
    pub(crate) numbers: Numbers,
    pub(crate) blank: Blank,
    pub(crate) on_fault: OnFault,
}

/// What happens at a row with a wrong number of fields, or a field that its column of numbers cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum OnFault {
    /// The first one ends the reading.
    #[default]
    Stop,
    /// The row is left out, the field is a gap, and the first of each column is written down.
    Gap,
    /// The row is left out, for one fault or the other; its line and the first of each column are written down.
    Drop,
}

/// What a line without anything on it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blank {
    /// Nothing.
    Skip,
    /// A row of one empty field: in a table of one column.
    Row,
    /// A fault, unless only such lines follow.
    Refuse,
}

/// The values of one column.
#[derive(Debug)]
pub(crate) enum Part {
    Skipped,
    Text { codes: Vec<u32>, dictionary: Dictionary },
    Numbers(Vec<f64>),
    Dates(Vec<f64>),
    Vectors { values: Vec<f64>, width: usize },
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
    /// The first of the blank lines at the end, where those between rows are faults.
    pub(crate) blank: Option<u64>,
    /// What was wrong and passed over: the first of each kind and column.
    pub(crate) faults: Vec<Fault>,
    /// The lines on which rows start that were left out by [`OnFault::Drop`], counted from 0 in the chunk.
    pub(crate) dropped: Vec<u64>,
}

/// The first thing wrong in a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Counted from 0 in the chunk.
    pub(crate) line: u64,
    pub(crate) kind: FaultKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// A row of so many fields.
    Columns { found: usize },
    /// A field that its column cannot hold.
    Field { column: usize, expected: &'static str, found: Vec<u8> },
    /// A blank line before a row.
    Blank,
}

impl FaultKind {
    /// Whether both are about the same thing.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Field { column: a, .. }, Self::Field { column: b, .. }) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// Reads all rows of `bytes`.
pub(crate) fn parse(bytes: &[u8], layout: &Layout<'_>) -> Result<Chunk, Fault> {
    let parts = layout.plans.iter().map(|plan| match plan {
        Plan::Skip => Part::Skipped,
        Plan::Text => Part::Text { codes: Vec::new(), dictionary: Dictionary::default() },
        Plan::Number { .. } => Part::Numbers(Vec::new()),
        Plan::Date { .. } => Part::Dates(Vec::new()),
        Plan::Vector { width, .. } => Part::Vectors { values: Vec::new(), width: *width },
    });
    let mut chunk = Chunk {
        parts: parts.collect(),
        lines: Vec::new(),
        n_lines: 0,
        blank: None,
        faults: Vec::new(),
        dropped: Vec::new(),
    };
    // Most files hold no quotes; the loop without them is the fast one.
    let quotes = layout.quotes && memchr::memchr(b'"', bytes).is_some();
    let mut cursor = Cursor::new(bytes, layout.delimiter, quotes);
    let mut above = vec![0..0; layout.plans.len()];
    while !cursor.is_done() {
        let line = cursor.line;
        match read_row(&mut cursor, layout, &mut chunk, &mut above) {
            Ok(true) => {
                if let Some(line) = chunk.blank {
                    return Err(Fault { line, kind: FaultKind::Blank });
                }
                chunk.lines.push(line);
            }
            Ok(false) if layout.blank == Blank::Refuse => chunk.blank = chunk.blank.or(Some(line)),
            Ok(false) => {}
            Err(fault) => {
                if let Some(line) = chunk.blank {
                    return Err(Fault { line, kind: FaultKind::Blank });
                }
                pass_over(fault, layout, &mut chunk, &mut above, line)?;
            }
        }
    }
    chunk.n_lines = cursor.line;
    Ok(chunk)
}

/// Goes on after a row with a fault, where that is wanted and possible.
fn pass_over(
    fault: Fault,
    layout: &Layout<'_>,
    chunk: &mut Chunk,
    above: &mut [Range<usize>],
    line: u64,
) -> Result<(), Fault> {
    let is_whole = match &fault.kind {
        FaultKind::Columns { .. } => false,
        // The field is there, as a gap; a quote in a wrong place leaves the rest of the row unread.
        FaultKind::Field { expected, .. } if matches!(*expected, NUMBER | DATE | VECTOR) => true,
        FaultKind::Field { .. } | FaultKind::Blank => return Err(fault),
    };
    let is_kept = match layout.on_fault {
        OnFault::Stop => return Err(fault),
        OnFault::Gap => is_whole,
        OnFault::Drop => false,
    };
    match is_kept {
        true => chunk.lines.push(line),
        false => {
            chunk.parts.iter_mut().for_each(|part| part.truncate(chunk.lines.len()));
            above.fill(0..0);
            if layout.on_fault == OnFault::Drop {
                chunk.dropped.push(line);
            }
        }
    }
    if !chunk.faults.iter().any(|known| known.kind.is_like(&fault.kind)) {
        chunk.faults.push(fault);
    }
    Ok(())
}

/// What a number's field must hold.
pub(crate) const NUMBER: &str = "a finite number";
/// What a date's field must hold; its column says how that is written.
pub(crate) const DATE: &str = "a date";
/// What a vector's field must hold; its column says how many numbers that are.
pub(crate) const VECTOR: &str = "a vector";

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
        if n_fields == 0 && field.last && field.text.is_empty() && !field.quoted && layout.blank != Blank::Row {
            return Ok(false);
        }
        if let Some(((part, above), &plan)) =
            chunk.parts.get_mut(n_fields).zip(above.get_mut(n_fields)).zip(layout.plans.get(n_fields))
        {
            *above = if field.quoted { 0..0 } else { start..cursor.at() };
            match store(part, plan, &field.text, layout) {
                // A text that cannot be kept takes no place in its column: nobody goes on after it, whatever came before.
                Err(expected) if expected == TEXT => return Err(fault(expected, &field.text)),
                Err(expected) => _ = refused.get_or_insert_with(|| fault(expected, &field.text)),
                Ok(()) => {}
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
            Self::Numbers(values) | Self::Dates(values) => values.extend(values.last().copied()),
            Self::Vectors { values, width } => values.extend_from_within(values.len().saturating_sub(*width)..),
        }
    }

    /// Keeps the first `n_rows` values.
    fn truncate(&mut self, n_rows: usize) {
        match self {
            Self::Skipped => {}
            Self::Text { codes, .. } => codes.truncate(n_rows),
            Self::Numbers(values) | Self::Dates(values) => values.truncate(n_rows),
            Self::Vectors { values, width } => values.truncate(n_rows * *width),
        }
    }
}

/// Appends a field to its column; the error says what was expected.
fn store(part: &mut Part, plan: Plan, text: &[u8], layout: &Layout<'_>) -> Result<(), &'static str> {
    match part {
        Part::Skipped => {}
        Part::Text { codes, dictionary } => {
            let code = dictionary.code(text, |text| std::str::from_utf8(text).is_ok());
            codes.push(code.ok_or(TEXT)?);
        }
        Part::Numbers(values) => {
            let gap = plan == Plan::Number { gaps: true } && is_missing(text, layout.missing);
            let number = if gap { None } else { layout.numbers.parse(text) };
            // A field that is none takes its place all the same: whoever goes on finds a gap there.
            values.push(number.unwrap_or(f64::NAN));
            if !gap && number.is_none() {
                return Err(NUMBER);
            }
        }
        Part::Dates(values) => {
            let date = layout.date(plan, text);
            values.push(date.unwrap_or(f64::NAN));
            date.ok_or(DATE)?;
        }
        Part::Vectors { values, width } => {
            if !layout.vector(plan, text, values) {
                values.resize(values.len() + *width, f64::NAN);
                return Err(VECTOR);
            }
        }
    }
    Ok(())
}

impl Layout<'_> {
    /// A date in seconds, NaN for a gap; `None` for what is none.
    fn date(&self, plan: Plan, text: &[u8]) -> Option<f64> {
        let Plan::Date { column, gaps } = plan else { return None };
        if gaps && is_missing(text, self.missing) {
            return Some(f64::NAN);
        }
        read_date(self.columns.get(column)?, text)
    }

    /// Appends the numbers of a vector, all of them NaN for a gap; false, and nothing, for what is none.
    fn vector(&self, plan: Plan, text: &[u8], values: &mut Vec<f64>) -> bool {
        let Plan::Vector { column, width, gaps } = plan else { return false };
        if gaps && is_missing(text, self.missing) {
            values.resize(values.len() + width, f64::NAN);
            return true;
        }
        self.columns.get(column).is_some_and(|column| read_vector(column, text, self.numbers, values))
    }
}

/// A date in seconds, as its column says that it is written.
pub(super) fn read_date(column: &Column, text: &[u8]) -> Option<f64> {
    match column {
        Column::Date { format, .. } => format.seconds(std::str::from_utf8(text).ok()?),
        _ => None,
    }
}

/// Appends the numbers of a vector, as many as its column says.
pub(super) fn read_vector(column: &Column, text: &[u8], numbers: Numbers, values: &mut Vec<f64>) -> bool {
    match (column, std::str::from_utf8(text)) {
        (Column::Vector { separator, length, .. }, Ok(text)) => {
            let length = usize::try_from(*length).unwrap_or(usize::MAX);
            cell_parts::numbers(text, *separator, length, numbers, values)
        }
        _ => false,
    }
}

/// Whether a text is among those that mean "not known".
pub(crate) fn is_missing(text: &[u8], missing: &[String]) -> bool {
    missing.iter().any(|m| m.as_bytes() == text)
}

/// What a text's field must hold.
pub(crate) const TEXT: &str = "text in UTF-8, at most 2^32 different ones";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_knows_its_lines() {
        let missing = [String::from("?")];
        let plans = vec![Plan::Text, Plan::Number { gaps: true }];
        let layout = Layout {
            plans,
            delimiter: b',',
            quotes: true,
            missing: &missing,
            columns: &[],
            numbers: Numbers::PLAIN,
            blank: Blank::Skip,
            on_fault: OnFault::Stop,
        };
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
        let goes_on = Layout { on_fault: OnFault::Gap, plans: layout.plans.clone(), ..layout };
        let chunk = parse(b"a,1\na,x\na\nb,y\na,2,3\na,3\na,3\n", &goes_on).unwrap();
        let [Part::Text { codes, .. }, Part::Numbers(values)] = &chunk.parts[..] else { panic!() };
        assert_eq!(
            (codes.as_slice(), chunk.lines.as_slice()),
            ([0, 0, 1, 0, 0].as_slice(), [0, 1, 3, 5, 6].as_slice())
        );
        assert!(values[1].is_nan() && values[2].is_nan() && values[3..] == [3.0, 3.0]);
        assert_eq!(chunk.faults.iter().map(|f| f.line).collect::<Vec<_>>(), [1, 2]);
        let drops = Layout { on_fault: OnFault::Drop, plans: goes_on.plans.clone(), ..goes_on };
        let chunk = parse(b"a,1\na,x\na\nb,y\na,2,3\na,3\nc,3\n", &drops).unwrap();
        let [Part::Text { codes, .. }, Part::Numbers(values)] = &chunk.parts[..] else { panic!() };
        assert_eq!((codes.len(), values.as_slice()), (3, [1.0, 3.0, 3.0].as_slice()));
        assert_eq!((chunk.lines.as_slice(), chunk.dropped.as_slice()), ([0, 5, 6].as_slice(), [1, 2, 3, 4].as_slice()));
        assert_eq!(chunk.faults.iter().map(|f| f.line).collect::<Vec<_>>(), [1, 2]);
        // A row with two faults, of which the second leaves its column without a value: nobody goes on after that.
        let (other, plans) = (b"1,a\nx,\xff\n2,b\n", vec![Plan::Number { gaps: true }, Plan::Text]);
        let fault = parse(other, &Layout { plans, on_fault: OnFault::Gap, ..drops }).unwrap_err();
        assert!(matches!(fault.kind, FaultKind::Field { column: 1, expected: TEXT, .. }), "{fault:?}");
    }

    #[test]
    fn a_line_without_anything_is_nothing_a_row_or_a_fault() {
        let layout = |n: usize, blank| Layout {
            plans: vec![Plan::Text; n],
            delimiter: b',',
            quotes: true,
            missing: &[],
            columns: &[],
            numbers: Numbers::PLAIN,
            blank,
            on_fault: OnFault::Stop,
        };
        let text = b"a,b\n\n \r\nc,d\n\n\n";
        assert_eq!(parse(text, &layout(2, Blank::Skip)).unwrap().lines, [0, 3]);
        assert_eq!(parse(text, &layout(2, Blank::Refuse)).unwrap_err(), Fault { line: 1, kind: FaultKind::Blank });
        let chunk = parse(&text[..5], &layout(2, Blank::Refuse)).unwrap();
        assert_eq!((chunk.lines.as_slice(), chunk.blank), ([0].as_slice(), Some(1)));
        assert_eq!(parse(b"a\n\n\nb\n\n", &layout(1, Blank::Row)).unwrap().lines, [0, 1, 2, 3, 4]);
    }
}
