//! A look at a table that nobody has described yet: what separates its fields, what its columns seem to be, what could be asked of it.
//!
//! ```text
//! files --sniff--> CsvFormat --blocks--> a Tally a column, a Sample of rows --judge--> kinds with reasons --propose--> Proposal
//! ```
//! Nothing here decides for good: a [`Proposal`] is a schema with a reason for each column, to be written down for a person to read.
//! What it says is checked by the reader of the files afterwards, like a schema that a person wrote.
//!
//! Memory is bounded, whatever the size of the files. The first 32 MiB are read in full; of every further 32 MiB that are looked at, the
//! blocks lie twice as far apart, so that a large file is seen up to its end. Of a column the first texts are counted one by one, up to
//! a number that shrinks with the number of columns; of all rows a few thousand are kept, evenly spread, to see which columns give an
//! answer away.
//!
//! | file | what it holds |
//! |---|---|
//! | `sniff.rs` | the format of the text, from its first bytes |
//! | `tally.rs` | [`Tally`]: what was counted of a column |
//! | `sample.rs` | [`Sample`]: rows that are kept, evenly spread |
//! | `kind.rs` | [`Kind`]: what a column seems to be, and why |
//! | `dates.rs`, `parts.rs` | how dates are written; what stands between the parts of a cell |
//! | `label.rs` | what the labels of a target are, and which columns could be targets |
//! | `given_away.rs` | which columns give a target away |
//! | `proposal.rs` | [`Proposal`]: all of it as a schema and a split |

mod dates;
mod given_away;
mod kind;
mod label;
mod parts;
mod proposal;
mod sample;
mod sniff;
mod tally;

pub use kind::{Judgement, Kind};
pub use label::{Candidate, Target};
pub use proposal::{ColumnProposal, Proposal};
pub use sample::Sample;
pub use tally::Tally;

use std::{fs::File, path::Path};

use super::{
    Faults, ReadRows, Schema, TableColumn, Told, chunk,
    format::{CsvFormat, Encoding},
    header::{FirstRow, LONGEST_ROW},
    parse::{self, Blank, Layout, OnFault, Plan},
    text::TextReader,
};
use crate::{
    datasets::absent,
    error::{Error, Result},
};

/// Bytes of a block.
const BLOCK: usize = 1 << 20;
/// Bytes that are looked at before blocks lie twice as far apart.
const PERIOD: usize = 32 << 20;
/// Different texts that are counted, of all columns together; at least, and at most, of one.
const TEXTS: usize = 2_000_000;
const TEXTS_OF_COLUMN: (usize, usize) = (64, 10_000);

/// What was seen of a table.
#[derive(Debug, Clone)]
pub struct Survey {
    /// How its text is written.
    pub format: CsvFormat,
    /// Why it is thought to be written so, one sentence for what is not as usual.
    pub notes: Vec<String>,
    /// What was counted of each column of the first file, in its order.
    pub columns: Vec<Tally>,
    /// Rows of the first file that were looked at.
    pub rows: u64,
    /// Whether those are all of its rows.
    pub is_whole: bool,
    /// How many files were looked at.
    pub n_files: usize,
    /// Some rows of the first.
    pub sample: Sample,
}

impl Survey {
    /// Looks at files of one table, the first of which is to be learned from; `has_header` where that need not be guessed.
    ///
    /// # Errors
    /// [`Error::Absent`] for a file that is not there; what is wrong with the text of any, with its place.
    pub fn read(files: &[&Path], has_header: Option<bool>) -> Result<Self> {
        let Some(first) = files.first() else {
            return Err(Error::config("survey", "files", "at least one", "none"));
        };
        let mut sniffed = sniff::format(first, has_header).map_err(absent)?;
        match Self::with(files, &sniffed) {
            // Bytes that are no UTF-8 may come late.
            Err(Error::Field { expected, .. })
                if expected == parse::TEXT && sniffed.format.encoding == Encoding(encoding_rs::UTF_8) =>
            {
                sniffed.western("bytes further down are no UTF-8");
                Self::with(files, &sniffed)
            }
            other => other,
        }
    }

    fn with(files: &[&Path], sniffed: &sniff::Sniffed) -> Result<Self> {
        let mut survey: Option<Self> = None;
        for (at, path) in files.iter().enumerate() {
            let mut blocks = Blocks::open(path, sniffed.format, BLOCK, PERIOD)?;
            let survey = survey.get_or_insert_with(|| Self::new(sniffed, &blocks.names));
            let place = |column: &Tally| blocks.names.iter().position(|name| name == column.name());
            let places: Vec<Option<usize>> = survey.columns.iter().map(place).collect();
            while let Some(columns) = blocks.next_columns()? {
                for (tally, place) in survey.columns.iter_mut().zip(&places) {
                    if let Some(TableColumn::Text { codes, dictionary }) = place.and_then(|at| columns.get(at)) {
                        tally.add(codes, dictionary, sniffed.format.numbers());
                    }
                }
                if at == 0 {
                    survey.sample.add(&columns);
                }
            }
            survey.n_files += 1;
            if at == 0 {
                (survey.rows, survey.is_whole) = (blocks.rows, blocks.is_whole);
            }
        }
        // There is a first file, so there is a survey.
        survey.ok_or_else(|| Error::config("survey", "files", "at least one", "none"))
    }

    fn new(sniffed: &sniff::Sniffed, names: &[String]) -> Self {
        let (low, high) = TEXTS_OF_COLUMN;
        let texts = (TEXTS / names.len().max(1)).clamp(low, high);
        Self {
            format: sniffed.format,
            notes: sniffed.notes.clone(),
            columns: names.iter().map(|name| Tally::new(name, texts)).collect(),
            rows: 0,
            is_whole: true,
            n_files: 0,
            sample: Sample::new(names.len()),
        }
    }
}

/// Whole rows of a file, block by block; of a large one not all blocks.
struct Blocks<'a> {
    path: &'a Path,
    reader: TextReader<File>,
    format: CsvFormat,
    names: Vec<String>,
    pending: Vec<u8>,
    line: u64,
    rows: u64,
    /// Bytes of a block, and of those looked at before blocks lie twice as far apart.
    block: usize,
    period: usize,
    /// Bytes that were looked at.
    looked_at: usize,
    /// Blocks that came by.
    passed: usize,
    is_whole: bool,
}

impl<'a> Blocks<'a> {
    fn open(path: &'a Path, format: CsvFormat, block: usize, period: usize) -> Result<Self> {
        let file = File::open(path).map_err(|e| absent(Error::io(path, e)))?;
        let mut blocks = Self {
            path,
            reader: TextReader::open(path, file, format)?,
            format,
            names: Vec::new(),
            pending: Vec::new(),
            line: 1,
            rows: 0,
            block,
            period,
            looked_at: 0,
            passed: 0,
            is_whole: true,
        };
        let first = FirstRow::read(path, &mut blocks.reader, &mut blocks.pending, &format, block)?;
        let fields = first.fields?;
        if format.header {
            blocks.pending.drain(..first.end);
            // The header of JSON lines stands in no line of theirs.
            blocks.line += if blocks.reader.is_json() { 0 } else { first.lines };
            blocks.names = fields;
        } else {
            blocks.names = (1..=fields.len()).map(|n| format!("c{n}")).collect();
        }
        Ok(blocks)
    }

    /// The columns of the next block that is looked at, in the order of the file.
    fn next_columns(&mut self) -> Result<Option<Vec<TableColumn>>> {
        let mut size = self.block;
        loop {
            self.reader.fill(&mut self.pending, size)?;
            let end = match chunk::last_row_end(&self.pending, self.format.quotes) {
                _ if self.reader.is_ended() => self.pending.len(),
                Some(end) => end,
                None if size <= LONGEST_ROW => {
                    size *= 2;
                    continue;
                }
                None => {
                    return Err(Error::Line {
                        path: self.path.to_owned(),
                        line: self.line,
                        expected: format!("a row of at most {LONGEST_ROW} bytes"),
                        found: "a longer one (is a quote never closed?)".into(),
                    });
                }
            };
            if end == 0 {
                let nothing = Error::NoRows { path: self.path.to_owned() };
                return if self.rows == 0 { Err(nothing) } else { Ok(None) };
            }
            let apart = 1_usize << (self.looked_at / self.period).min(30);
            let is_passed_by = !self.passed.is_multiple_of(apart);
            self.passed += 1;
            if is_passed_by {
                self.is_whole = false;
                self.line += chunk::count_lines(&self.pending[..end]);
                self.pending.drain(..end);
                continue;
            }
            self.looked_at += end;
            let columns = self.columns(end)?;
            self.pending.drain(..end);
            if let Some(columns) = columns {
                return Ok(Some(columns));
            }
        }
    }

    /// The rows in the first `end` bytes; `None` where all lines are blank.
    fn columns(&mut self, end: usize) -> Result<Option<Vec<TableColumn>>> {
        const PIECE: usize = 1 << 18;
        let layout = Layout {
            plans: vec![Plan::Text; self.names.len()],
            delimiter: self.format.delimiter_byte()?,
            quotes: self.format.quotes,
            missing: &[],
            columns: &[],
            numbers: self.format.numbers(),
            blank: if self.names.len() == 1 { Blank::Row } else { Blank::Skip },
            on_fault: OnFault::Stop,
        };
        let schema = Schema::default();
        let told = Told { path: self.path, names: &self.names, schema: &schema, format: &self.format };
        let body = &self.pending[..end];
        let read = ReadRows::parse(&told, body, self.line, &layout, PIECE, &mut None, &mut Faults::default())?;
        self.line = read.next_line;
        self.rows += read.lines.len() as u64;
        let columns = || (0..self.names.len()).map(|at| read.column_at(Some(at))).collect();
        Ok((!read.lines.is_empty()).then(columns))
    }
}

#[cfg(test)]
mod tests;
