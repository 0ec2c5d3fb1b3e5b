//! A stream whose columns are known: its lines to tables, and what its first rows teach.

use std::path::{Path, PathBuf};

use super::{
    super::{
        CsvFormat, Delimiter, Encoding, Faults, FittedSchema, ReadRows, Schema, Table, Told, chunk,
        cursor::Cursor,
        header::{self, LONGEST_ROW},
        json_lines,
        parse::{Blank, Layout, Plan},
        places, plans,
    },
    BadRows,
    feed::{Feed, Follow, Stop},
    position::{Mark, StreamPosition},
};
use crate::{
    error::{Error, Result},
    kept::Content,
    source::TableSource,
    stats::{self, LabelStats},
};

/// A block is parsed in pieces of this size, side by side.
const PIECE: usize = 1 << 18;

/// A stream that was opened: its header is read, its rows are not.
#[derive(Debug)]
pub struct Opened {
    pub(super) path: PathBuf,
    pub(super) format: CsvFormat,
    pub(super) follow: Option<Follow>,
    pub(super) feed: Feed,
    pub(super) stop: Stop,
    schema: Schema,
    delimiter: u8,
    /// The stream's columns.
    names: Vec<String>,
    plans: Vec<Plan>,
    places: Vec<Option<usize>>,
    /// Where the first row stands.
    pub(super) first: StreamPosition,
}

/// What the first rows taught.
#[derive(Debug)]
pub struct WarmUp {
    /// Codes, scales, classes.
    pub fitted: FittedSchema,
    /// The rows themselves, encoded.
    pub source: TableSource,
    /// Statistics of their labels, in task order.
    pub labels: Vec<LabelStats>,
    /// So many rows were there to learn from.
    pub rows: u64,
}

/// A block of rows, parsed.
pub(super) struct Parsed {
    pub(super) table: Table,
    /// Lines of the block, those without a row included.
    pub(super) n_lines: usize,
    /// The lines of rows that were left out, in order.
    pub(super) dropped: Vec<u64>,
    /// The first that was wrong with each column of them.
    pub(super) first_faults: Vec<Error>,
}

impl Opened {
    /// Opens a file, or the standard input (`-`), and reads its header.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NotText`] for a packed or known file; `InvalidConfig` for an encoding or delimiter that a stream
    /// cannot have; those of the schema and of the header, as [`Table::read`].
    pub fn new(path: &Path, format: &CsvFormat, schema: &Schema, follow: Option<Follow>, stop: Stop) -> Result<Self> {
        schema.validate()?;
        format.validate()?;
        if format.encoding != Encoding::default() {
            let found = "another: iconv -t utf-8 FILE | mtl stream .. --input - makes it so";
            return Err(Error::config("stream", "format.encoding", "utf-8", found));
        }
        if format.delimiter == Delimiter::Whitespace {
            return Err(Error::config("stream", "format.delimiter", "one character", "whitespace"));
        }
        let mut opened = Self {
            path: path.to_owned(),
            format: *format,
            follow,
            feed: Feed::open(path, follow)?,
            stop,
            schema: schema.clone(),
            delimiter: format.delimiter_byte()?,
            names: schema.own_columns(),
            plans: Vec::new(),
            places: Vec::new(),
            first: StreamPosition::default(),
        };
        opened.lay_out()?;
        Ok(opened)
    }

    /// Whether it can be read again from its beginning.
    #[must_use]
    pub fn can_be_read_again(&self) -> bool {
        self.feed.is_file()
    }

    /// The names of the stream's columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Passes byte order mark and header.
    fn lay_out(&mut self) -> Result<()> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        while self.feed.pending.len() < MARK.len() && self.feed.grow(&self.stop)? {}
        if self.feed.pending.starts_with(MARK) {
            self.feed.consume(MARK.len());
        }
        if json_lines::is_it(&self.feed.pending, &self.format) {
            let advice = "a stream is rows of CSV: jq -r '[.a, .b] | @csv' makes some of objects".to_owned();
            return Err(Error::NotText { path: self.path.clone(), found: "JSON lines".into(), advice });
        }
        let (mut text, mut lines) = (Vec::new(), 0);
        if self.format.header {
            let (names, end, n_lines) = loop {
                let mut cursor = Cursor::new(&self.feed.pending, self.delimiter, self.format.quotes);
                let names = header::names(&self.path, &mut cursor);
                // What ends with its line will not get better by further ones.
                let is_whole = match &names {
                    Ok(_) => cursor.at() <= self.feed.pending.len(),
                    Err(_) => chunk::row_end(&self.feed.pending, false, self.format.quotes).is_some(),
                };
                let (end, n_lines) = (cursor.at().min(self.feed.pending.len()), cursor.line);
                let is_long = self.feed.pending.len() > LONGEST_ROW;
                if is_whole || is_long || !self.feed.grow(&self.stop)? {
                    break (names?, end, n_lines);
                }
            };
            text = self.feed.pending[..end].to_vec();
            self.feed.consume(end);
            (self.names, lines) = (names, n_lines);
            self.schema = self.schema.for_columns(&self.names)?;
        } else {
            self.schema.without_header()?;
        }
        self.places = places(&self.path, &self.schema, &self.names, &text, &self.format)?;
        self.plans = plans(&self.schema, &self.places, self.names.len());
        let at = StreamPosition { offset: self.feed.offset, lines, ..StreamPosition::default() };
        self.first = Mark { at, tail: self.feed.tail(0) }.position(&self.names);
        Ok(())
    }

    /// Learns from the first `n` rows, or from all of a stream that has fewer; they stay to be read.
    ///
    /// # Errors
    /// As [`FittedSchema::fit`]; [`Error::NoRows`]; what is wrong with a row, as `bad_rows` says.
    pub fn warm_up(&mut self, n: u64, bad_rows: BadRows) -> Result<WarmUp> {
        let rows = usize::try_from(n).unwrap_or(usize::MAX).max(1);
        let (mut lines, mut at_hand, first_line) = (rows, false, self.first.lines + 1);
        let table = loop {
            let (end, is_all) = self.have_lines(lines, first_line, at_hand)?;
            if is_all && self.stop.is_stopped() {
                let (expected, found) = (format!("{n} rows to learn codes and scales from"), "a request to end".into());
                return Err(Error::Stream { path: self.path.clone(), expected, found });
            }
            let parsed = self.parse(end, first_line, bad_rows)?;
            let found = parsed.table.n_rows();
            if found > rows {
                // Exactly so many rows, however many came at once: classes are those of all that are parsed.
                let (end, _) = self.row_end(0, first_line, parsed.table.line(rows - 1));
                break self.parse(end, first_line, bad_rows)?.table;
            }
            match found {
                0 if is_all => return Err(Error::NoRows { path: self.path.clone() }),
                n if n == rows || is_all => break parsed.table,
                n => (lines, at_hand) = (parsed.n_lines.saturating_add(rows - n), true),
            }
        };
        let all: Vec<u64> = (0..table.n_rows() as u64).collect();
        let fitted = FittedSchema::fit(&self.schema, &table, &all)?;
        let source = fitted.encode(&table)?;
        let labels = stats::of(&source)?;
        Ok(WarmUp { fitted, source, labels, rows: all.len() as u64 })
    }

    /// Reads on until `n` lines are pending, or all there are, of which the first is `first_line`; gives where a multiple of `n` of them
    /// ends (so that what is left over need not be parsed twice), or with `at_hand` all that are there, and whether the stream has no
    /// more.
    ///
    /// # Errors
    /// Those of reading; [`Error::Field`] for a row without an end.
    pub(super) fn have_lines(&mut self, n: usize, first_line: u64, at_hand: bool) -> Result<(usize, bool)> {
        let n = n.max(1);
        let (mut found, mut seen, mut end, mut checked) = (0, 0, 0, LONGEST_ROW);
        loop {
            for at in memchr::memchr_iter(b'\n', &self.feed.pending[seen..]) {
                found += 1;
                if found % n == 0 || at_hand {
                    end = seen + at + 1;
                }
            }
            seen = self.feed.pending.len();
            if found >= n {
                let quoted = self.format.quotes && memchr::memchr(b'"', &self.feed.pending).is_some();
                let end = if quoted { chunk::last_row_end(&self.feed.pending, true) } else { Some(end) };
                if let Some(end) = end {
                    return Ok((end, false));
                }
            }
            // A row that never ends is found out before it fills the memory.
            if seen > checked {
                checked = 2 * seen;
                let end = chunk::last_row_end(&self.feed.pending, self.format.quotes).unwrap_or(0);
                if seen - end > LONGEST_ROW {
                    return Err(self.endless(first_line + chunk::count_lines(&self.feed.pending[..end])));
                }
            }
            if !self.feed.grow(&self.stop)? {
                let end = match self.feed.ends_rows() {
                    true => self.feed.pending.len(),
                    false => chunk::last_row_end(&self.feed.pending, self.format.quotes).unwrap_or(0),
                };
                return Ok((end, true));
            }
        }
    }

    fn endless(&self, line: u64) -> Error {
        Error::Field {
            path: self.path.clone(),
            line,
            column: self.names.first().cloned().unwrap_or_default(),
            expected: format!("a row of at most {LONGEST_ROW} bytes"),
            found: "a longer one (is a quote never closed?)".into(),
        }
    }

    /// The rows in the first `end` pending bytes, of which the first stands on `first_line`.
    ///
    /// # Errors
    /// What is wrong with a row, unless it is left out.
    pub(super) fn parse(&self, end: usize, first_line: u64, bad_rows: BadRows) -> Result<Parsed> {
        let mut faults = match bad_rows {
            BadRows::Refuse => Faults::default(),
            BadRows::Skip => Faults::drop_rows(),
        };
        let layout = Layout {
            plans: self.plans.clone(),
            delimiter: self.delimiter,
            quotes: self.format.quotes,
            missing: &self.schema.missing,
            columns: &self.schema.columns,
            numbers: self.format.numbers(),
            blank: if self.names.len() == 1 { Blank::Row } else { Blank::Skip },
            on_fault: faults.on_fault(),
        };
        let told = Told { path: &self.path, names: &self.names, schema: &self.schema, format: &self.format };
        let body = &self.feed.pending[..end];
        let read = ReadRows::parse(&told, body, first_line, &layout, PIECE, &mut None, &mut faults)?;
        let mut columns = Vec::with_capacity(self.places.len());
        for (idx, place) in self.places.iter().enumerate() {
            let (column, fault) = read.column_of(idx, *place, &told);
            // A column that is a text as well was kept whole: too late to leave the row out.
            if let Some(fault) = fault {
                return Err(fault);
            }
            columns.push(column);
        }
        let ReadRows { lines, dropped, .. } = read;
        let (path, files, content) = (self.path.clone(), Vec::new(), Content::default());
        let table = Table { path, files, columns, also: Vec::new(), lines, content };
        Ok(Parsed { table, n_lines: lines_of(body), dropped, first_faults: faults.into_errors() })
    }

    /// Where the row that starts on `line` ends, in pending bytes and lines, from a place `(at, its line)` before it.
    pub(super) fn row_end(&self, at: usize, at_line: u64, line: u64) -> (usize, u64) {
        let bytes = &self.feed.pending;
        let mut start = at;
        for _ in at_line..line {
            start += memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len() - start, |end| end + 1);
        }
        let end = chunk::row_end(&bytes[start..], false, self.format.quotes).map_or(bytes.len(), |end| start + end);
        // The last line of it is the one behind which the next row stands.
        (end, line + lines_of(&bytes[start..end]) as u64 - 1)
    }
}

/// Lines of bytes; the last one of a stream may have no line end, and is a line all the same.
fn lines_of(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count() + usize::from(bytes.last().is_some_and(|&last| last != b'\n'))
}
