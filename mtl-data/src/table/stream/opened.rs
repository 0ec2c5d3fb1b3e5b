//! A stream whose columns are known: its lines to tables, and what its first rows teach.

use std::path::{Path, PathBuf};

use super::{
    super::{
        CsvFormat, Delimiter, Encoding, Faults, FittedSchema, ReadRows, Schema, Table, Told, chunk,
        cursor::Cursor,
        header,
        parse::{Blank, Layout, Plan},
        places, plans,
    },
    BadRows,
    feed::{Feed, Follow, Stop},
    position::StreamPosition,
};
use crate::{
    error::{Error, Result},
    kept::Content,
    stats::{self, LabelStats},
};

/// No row is longer; a quote that is never closed would make one of the rest of the stream.
const LONGEST_ROW: usize = 1 << 24;
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
    /// Statistics of their labels, in task order.
    pub labels: Vec<LabelStats>,
    /// So many rows were there to learn from.
    pub rows: u64,
}

/// A block of rows, parsed.
pub(super) struct Parsed {
    pub(super) table: Table,
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
            let found = "another: iconv -t utf-8 FILE | mtl stream .. - makes it so";
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
        self.feed.is_file
    }

    /// Passes byte order mark and header.
    fn lay_out(&mut self) -> Result<()> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        while self.feed.pending.len() < MARK.len() && self.feed.grow(&self.stop)? {}
        if self.feed.pending.starts_with(MARK) {
            self.feed.consume(MARK.len());
        }
        let (mut text, mut lines) = (Vec::new(), 0);
        if self.format.header {
            let (names, end, n_lines) = loop {
                let mut cursor = Cursor::new(&self.feed.pending, self.delimiter, self.format.quotes);
                let names = header(&self.path, &mut cursor);
                let is_whole = names.is_ok() && cursor.at() <= self.feed.pending.len();
                let (end, n_lines) = (cursor.at().min(self.feed.pending.len()), cursor.line);
                let is_long = self.feed.pending.len() > LONGEST_ROW;
                if is_whole || is_long || !self.feed.grow(&self.stop)? {
                    break (names?, end, n_lines);
                }
            };
            text = self.feed.pending[..end].to_vec();
            self.feed.consume(end);
            (self.names, lines) = (names, n_lines);
        }
        self.places = places(&self.path, &self.schema, &self.names, &text, &self.format)?;
        self.plans = plans(&self.schema, &self.places, self.names.len());
        self.first = StreamPosition { offset: self.feed.offset, lines, ..StreamPosition::default() };
        Ok(())
    }

    /// Learns from the first `n` rows, or from all of a stream that has fewer; they stay to be read.
    ///
    /// # Errors
    /// As [`FittedSchema::fit`]; [`Error::NoRows`]; what is wrong with a row, as `bad_rows` says.
    pub fn warm_up(&mut self, n: u64, bad_rows: BadRows) -> Result<WarmUp> {
        let rows = usize::try_from(n).unwrap_or(usize::MAX);
        let (mut lines, first_line) = (rows, self.first.lines + 1);
        let table = loop {
            let (end, is_all) = self.have_lines(lines)?;
            if is_all && self.stop.is_stopped() {
                let (expected, found) = (format!("{n} rows to learn codes and scales from"), "a request to end".into());
                return Err(Error::Stream { path: self.path.clone(), expected, found });
            }
            let parsed = self.parse(end, first_line, bad_rows)?;
            let found = parsed.as_ref().map_or(0, |parsed| parsed.table.n_rows());
            match parsed {
                // Exactly so many rows, however many came at once: classes are those of all that are parsed.
                Some(parsed) if found > rows => {
                    let (end, _) = self.row_end(0, first_line, parsed.table.line(rows.saturating_sub(1)));
                    break self.parse(end, first_line, bad_rows)?.unwrap_or(parsed).table;
                }
                Some(parsed) if is_all || found == rows => break parsed.table,
                None if is_all => return Err(Error::NoRows { path: self.path.clone() }),
                _ => lines = lines.saturating_add(rows.saturating_sub(found).max(1)),
            }
        };
        let all: Vec<u64> = (0..table.n_rows() as u64).collect();
        let fitted = FittedSchema::fit(&self.schema, &table, &all)?;
        let labels = stats::of(&fitted.encode(&table)?)?;
        Ok(WarmUp { fitted, labels, rows: all.len() as u64 })
    }

    /// Reads on until `n` lines are pending, or all there are; gives where they end, and whether these are all.
    ///
    /// # Errors
    /// Those of reading; [`Error::Field`] for a row without an end.
    pub(super) fn have_lines(&mut self, n: usize) -> Result<(usize, bool)> {
        let n = n.max(1);
        let (mut found, mut seen, mut end) = (0, 0, 0);
        loop {
            let fresh = &self.feed.pending[seen..];
            for at in memchr::memchr_iter(b'\n', fresh) {
                found += 1;
                // Whole multiples, so that what is left over need not be parsed twice.
                if found % n == 0 {
                    end = seen + at + 1;
                }
            }
            seen = self.feed.pending.len();
            if found >= n {
                let quoted = self.format.quotes && memchr::memchr(b'"', &self.feed.pending).is_some();
                let whole = || chunk::last_row_end(&self.feed.pending, true);
                let end = if quoted { whole() } else { Some(end) };
                match end {
                    Some(end) => return Ok((end, false)),
                    None if seen > LONGEST_ROW => return Err(self.endless()),
                    None => {}
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

    fn endless(&self) -> Error {
        Error::Field {
            path: self.path.clone(),
            line: self.first.lines + 1,
            column: self.names.first().cloned().unwrap_or_default(),
            expected: format!("a row of at most {LONGEST_ROW} bytes"),
            found: "a longer one (is a quote never closed?)".into(),
        }
    }

    /// The rows in the first `end` pending bytes, of which the first stands on `first_line`; `None` where there are none.
    ///
    /// # Errors
    /// What is wrong with a row, unless it is left out.
    pub(super) fn parse(&self, end: usize, first_line: u64, bad_rows: BadRows) -> Result<Option<Parsed>> {
        let mut faults = match bad_rows {
            BadRows::Refuse => Faults::default(),
            BadRows::Skip => Faults::drop_rows(),
        };
        let layout = Layout {
            plans: self.plans.clone(),
            delimiter: self.delimiter,
            quotes: self.format.quotes,
            missing: &self.schema.missing,
            numbers: self.format.numbers(),
            blank: if self.names.len() == 1 { Blank::Row } else { Blank::Skip },
            on_fault: faults.on_fault(),
        };
        let told = Told { path: &self.path, names: &self.names, schema: &self.schema, format: &self.format };
        let body = &self.feed.pending[..end];
        let read = ReadRows::parse(&told, body, first_line, &layout, PIECE, &mut None, &mut faults)?;
        let mut columns = Vec::with_capacity(self.places.len());
        for (column, place) in self.schema.columns.iter().zip(&self.places) {
            let (column, fault) = read.column_of(column, *place, &told);
            // A column that is a text as well was kept whole: too late to leave the row out.
            if let Some(fault) = fault {
                return Err(fault);
            }
            columns.push(column);
        }
        let ReadRows { lines, dropped, .. } = read;
        if lines.is_empty() && dropped.is_empty() {
            return Ok(None);
        }
        let (path, content) = (self.path.clone(), Content::default());
        let table = Table { path, columns, also: Vec::new(), lines, content };
        Ok(Some(Parsed { table, dropped, first_faults: faults.into_errors() }))
    }

    /// Where the row that starts on `line` ends, in pending bytes and lines, from a place `(at, its line)` before it.
    pub(super) fn row_end(&self, at: usize, at_line: u64, line: u64) -> (usize, u64) {
        let bytes = &self.feed.pending;
        let mut start = at;
        for _ in at_line..line {
            start += memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len() - start, |end| end + 1);
        }
        let end = chunk::row_end(&bytes[start..], false, self.format.quotes).map_or(bytes.len(), |end| start + end);
        let row = &bytes[start..end];
        // The last row of a stream may have no line end, and is a line all the same.
        let open = u64::from(row.last().is_some_and(|&last| last != b'\n'));
        (end, line + chunk::count_lines(row) + open)
    }
}
