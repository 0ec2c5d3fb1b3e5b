//! Typed tables: a parallel CSV reader, schemas, and vocabularies fitted on the training split only.
//!
//! ```text
//! file --read--> Table --fit on training rows--> FittedSchema --encode--> TableSource
//!                (columns: codes, numbers)       (saved with the model)   (rows, ready to gather)
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `schema.rs`, `pattern.rs`, `task_name.rs` | [`Schema`], [`Column`]: what the user writes about columns; entries about many; the tasks' names |
//! | `format.rs`, `number.rs` | [`CsvFormat`]: what the user writes about the text; texts to numbers |
//! | `unpack.rs`, `text.rs`, `json_lines.rs` | any file to UTF-8 text: compression, encodings, line ends; objects to rows |
//! | `joined.rs` | several files that are one table |
//! | `header.rs`, `chunk.rs`, `cursor.rs`, `parse.rs`, `dictionary.rs` | the reader: names, rows, fields, columns, codes |
//! | `date.rs`, `cell_parts.rs`, `buckets.rs` | dates, sets and vectors in a cell, codes by hash and by range |
//! | `fields.rs` | columns that become several numbers of a row |
//! | `fit.rs`, `label_text.rs` | [`FittedSchema`]: what was learned from the training split; which texts are one label |
//! | `look.rs`, `advice.rs`, `faults.rs` | what looks wrong; what to write instead; whether to stop or to go on |
//! | `encode.rs` | a [`Table`] and a [`FittedSchema`] to a [`TableSource`](crate::source::TableSource) |
//! | `sample_facts.rs` | weights and groups of rows |
//! | `stream/` | [`stream::TableStream`]: rows without end, batch by batch |
//! | [`survey`] | a look at a table without a schema: kinds of columns, targets, a schema to start from |
//! | `inputs.rs` | [`InputRows`]: a file without labels, block by block, for prediction |

mod advice;
mod buckets;
mod cell_parts;
mod chunk;
mod cursor;
mod date;
pub(crate) mod dictionary;
mod encode;
mod faults;
mod fields;
mod fit;
mod format;
mod header;
mod inputs;
mod joined;
mod json_lines;
pub(crate) mod label_text;
mod look;
mod number;
mod parse;
pub(crate) mod pattern;
mod quantiles;
mod sample_facts;
mod scale;
mod schema;
pub mod stream;
pub mod survey;
mod task_name;
mod text;
pub(crate) mod unpack;

pub use buckets::Buckets;
pub use date::{DateFormat, DatePart, DatePattern};
pub(crate) use faults::Faults;
pub use fields::FittedField;
pub use fit::{FittedColumn, FittedSchema};
pub use format::{CsvFormat, Delimiter, Encoding};
pub(crate) use header::column_names;
pub use inputs::InputRows;
pub use joined::Files;
pub(crate) use look::look;
pub(crate) use sample_facts::SampleFacts;
pub use schema::{Column, LabelSpec, MissingNumber, Schema, Transform};
pub(crate) use unpack::Unpacked;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::{
    error::{Error, Result, quoted},
    kept::Content,
    split::Texts,
};
use cursor::Cursor;
use dictionary::Dictionary;
use parse::{Blank, Chunk, Fault, FaultKind, Layout, Part, Plan};

/// The columns of a file, as read: texts as codes, numbers as numbers, nothing fitted yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    path: PathBuf,
    /// Where several files are one table: the row with which each begins.
    files: Vec<(usize, PathBuf)>,
    columns: Vec<TableColumn>,
    /// Columns that were asked for beside the schema's, as text, by name.
    also: Vec<(String, TableColumn)>,
    lines: Vec<u64>,
    content: Content,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum TableColumn {
    /// Texts: row `i` holds `dictionary[codes[i]]`; the dictionary is in order of first appearance.
    Text {
        /// One code per row.
        codes: Vec<u32>,
        /// The different texts.
        dictionary: Vec<String>,
    },
    /// Numbers, one per row; NaN where the file says that it is not known. They are rounded to single precision only
    /// after they have been scaled, so that large ones which are close together stay apart.
    Numbers(Vec<f64>),
    /// Vectors, `width` numbers a row; NaN all through where the file says that one is not known.
    Vectors {
        /// Row by row.
        values: Vec<f64>,
        /// Numbers of a row.
        width: usize,
    },
    /// Not read.
    Ignored,
}

impl Table {
    /// Reads a file, in parallel on rayon's threads; the result does not depend on how many there are. It may be
    /// compressed by gzip or zstd.
    ///
    /// # Errors
    /// Naming the file, and line and column where there is one: [`Error::Io`], [`Error::NotText`], [`Error::Encoding`],
    /// [`Error::NoRows`], [`Error::MissingColumn`], [`Error::ColumnCount`], [`Error::Field`]; the first one in file order is
    /// reported. [`Schema::validate`]'s, for the schema.
    pub fn read(path: &Path, format: &CsvFormat, schema: &Schema) -> Result<Self> {
        Self::read_with(path, format, schema, Also::NONE, &mut Faults::default())
    }

    /// The same, with further columns as text: see [`Table::texts`].
    pub(crate) fn read_with(
        path: &Path,
        format: &CsvFormat,
        schema: &Schema,
        also: Also<'_>,
        faults: &mut Faults,
    ) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        Self::parse_with(path, &bytes, format, schema, also, faults)
    }

    /// Reads a table from memory; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`Table::read`].
    pub fn parse(path: &Path, bytes: &[u8], format: &CsvFormat, schema: &Schema) -> Result<Self> {
        Self::parse_with(path, bytes, format, schema, Also::NONE, &mut Faults::default())
    }

    fn parse_with(
        path: &Path,
        bytes: &[u8],
        format: &CsvFormat,
        schema: &Schema,
        also: Also<'_>,
        faults: &mut Faults,
    ) -> Result<Self> {
        // A few pieces per thread even out rows of different cost; tiny pieces would repeat dictionaries.
        let size = bytes.len().div_ceil(rayon::current_num_threads() * 4).clamp(1 << 18, 1 << 24);
        // The digest costs a small part of what reading costs, and is taken beside it.
        let parse = || Self::parse_pieces(path, bytes, format, schema, also, size, faults);
        let (digest, table) = rayon::join(|| Content::of_bytes(bytes), parse);
        let mut table = table?;
        table.content = Content { bytes: digest.bytes, sha256: digest.sha256, ..table.content };
        Ok(table)
    }

    fn parse_pieces(
        path: &Path,
        bytes: &[u8],
        format: &CsvFormat,
        schema: &Schema,
        also: Also<'_>,
        size: usize,
        faults: &mut Faults,
    ) -> Result<Self> {
        schema.validate()?;
        format.validate()?;
        let delimiter = format.delimiter_byte()?;
        let (text, is_json) = text::whole(path, bytes, format)?;
        let mut cursor = Cursor::new(&text, delimiter, format.quotes);
        let names: Vec<String> = if format.header { header::names(path, &mut cursor)? } else { schema.own_columns() };
        let places = places(path, schema, &names, &text, format)?;
        let also = also.places(path, &names, &text, format)?;
        let mut plans = plans(schema, &places, names.len());
        for (_, at) in &also {
            plans.get_mut(*at).into_iter().for_each(|plan| *plan = Plan::Text);
        }
        let layout = Layout {
            plans,
            delimiter,
            quotes: format.quotes,
            missing: &schema.missing,
            columns: &schema.columns,
            numbers: format.numbers(),
            // A line without anything says something only where it can be a row.
            blank: if names.len() == 1 { Blank::Row } else { Blank::Skip },
            on_fault: faults.on_fault(),
        };
        let told = Told { path, names: &names, schema, format };
        // The header of JSON lines stands in no line of theirs.
        let first_line = if is_json { 1 } else { cursor.line + 1 };
        let read = ReadRows::parse(&told, cursor.rest(), first_line, &layout, size, &mut None, faults)?;
        if read.lines.is_empty() {
            return Err(Error::NoRows { path: path.to_owned() });
        }
        let columns: Vec<_> = schema
            .columns
            .par_iter()
            .enumerate()
            .zip(&places)
            .map(|((idx, _), place)| read.column_of(idx, *place, &told))
            .collect();
        let columns_named = if format.header { names.clone() } else { Vec::new() };
        let content = Content { rows: read.lines.len() as u64, columns: columns_named, ..Content::default() };
        let also = also.into_iter().map(|(name, at)| (name, read.column_at(Some(at)))).collect();
        let (path, columns_read) = (path.to_owned(), Vec::new());
        let mut table = Self { path, files: Vec::new(), columns: columns_read, also, lines: read.lines, content };
        for (column, fault) in columns {
            table.columns.push(column);
            if let Some(fault) = fault {
                faults.add(fault)?;
            }
        }
        Ok(table)
    }

    /// The file; of several the first.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file in which a row stands.
    #[must_use]
    pub fn file(&self, row: usize) -> &Path {
        let at = self.files.partition_point(|(first, _)| *first <= row);
        at.checked_sub(1).and_then(|at| self.files.get(at)).map_or(&self.path, |(_, path)| path)
    }

    /// What the file holds, to compare it with what another holds.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The number of rows: at least one.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// The columns in the schema's order.
    #[must_use]
    pub fn columns(&self) -> &[TableColumn] {
        &self.columns
    }

    /// The texts of a column that was asked for beside the schema's; `None` where the file has none of that name.
    pub(crate) fn texts(&self, name: &str) -> Option<Texts<'_>> {
        self.also.iter().find_map(|(known, column)| match column {
            TableColumn::Text { codes, dictionary } if known == name => Some(Texts::new(codes, dictionary)),
            TableColumn::Text { .. } | TableColumn::Numbers(_) | TableColumn::Vectors { .. } | TableColumn::Ignored => {
                None
            }
        })
    }

    /// The line of its [file](Self::file) on which a row starts, counted from 1; 0 for a row that is not there.
    #[must_use]
    pub fn line(&self, row: usize) -> u64 {
        self.lines.get(row).copied().unwrap_or(0)
    }
}

/// Columns that are read as text whatever the schema says of them, if it names them at all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Also<'a> {
    names: &'a [&'a str],
    is_required: bool,
}

impl<'a> Also<'a> {
    const NONE: Self = Self { names: &[], is_required: false };

    /// Columns that the file has to have.
    pub(crate) fn required(names: &'a [&'a str]) -> Self {
        Self { names, is_required: true }
    }

    /// Columns that the file may lack.
    pub(crate) fn welcome(names: &'a [&'a str]) -> Self {
        Self { names, is_required: false }
    }

    /// Where they stand in the file.
    fn places(self, path: &Path, names: &[String], text: &[u8], format: &CsvFormat) -> Result<Vec<(String, usize)>> {
        let mut places = Vec::with_capacity(self.names.len());
        for name in self.names {
            if self.is_required || names.iter().any(|known| known == name) {
                places.push(((*name).to_owned(), find(path, name, names, text, format)?));
            }
        }
        Ok(places)
    }
}

/// What a fault is told with.
#[derive(Clone, Copy)]
struct Told<'a> {
    path: &'a Path,
    /// The file's columns.
    names: &'a [String],
    schema: &'a Schema,
    format: &'a CsvFormat,
}

/// Some rows of a file, in pieces, in the file's own columns.
struct ReadRows {
    parts: Vec<Vec<Part>>,
    /// The line on which each row starts.
    lines: Vec<u64>,
    /// The line after the last one.
    next_line: u64,
    /// The lines of rows that were left out, where faults are passed over so.
    dropped: Vec<u64>,
}

impl ReadRows {
    /// Reads whole rows, the first of which stands on `first_line`, in pieces of about `size` bytes. `blank` is the first
    /// of the blank lines just before, and after them of those at the end.
    fn parse(
        told: &Told<'_>,
        body: &[u8],
        first_line: u64,
        layout: &Layout<'_>,
        size: usize,
        blank: &mut Option<u64>,
        faults: &mut Faults,
    ) -> Result<Self> {
        let pieces = chunk::chunks(body, size, layout.quotes);
        let read: Vec<_> = pieces.par_iter().map(|piece| parse::parse(&body[piece.clone()], layout)).collect();
        let parts = Vec::with_capacity(read.len());
        let mut rows = Self { parts, lines: Vec::new(), next_line: first_line, dropped: Vec::new() };
        let mut known: Vec<FaultKind> = Vec::new();
        for (piece, chunk) in pieces.iter().zip(read) {
            let is_row_after = chunk.as_ref().map_or(true, |chunk| !chunk.lines.is_empty());
            if let (Some(line), true) = (*blank, is_row_after) {
                return Err(told.fault(0, Fault { line, kind: FaultKind::Blank }, b""));
            }
            let text = &body[piece.clone()];
            let read = chunk.map_err(|fault| told.fault(rows.next_line, fault, text))?;
            let Chunk { parts, lines, n_lines, blank: at_end, faults: found, dropped } = read;
            for fault in found {
                if !known.iter().any(|kind| kind.is_like(&fault.kind)) {
                    known.push(fault.kind.clone());
                    faults.add(told.fault(rows.next_line, fault, text))?;
                }
            }
            *blank = blank.or(at_end.map(|line| rows.next_line + line));
            rows.lines.extend(lines.iter().map(|line| rows.next_line + line));
            rows.dropped.extend(dropped.iter().map(|line| rows.next_line + line));
            rows.next_line += n_lines;
            rows.parts.push(parts);
        }
        Ok(rows)
    }

    /// A column of the file; ignored without a place.
    fn column_at(&self, place: Option<usize>) -> TableColumn {
        let pieces = self.parts.iter().filter_map(|columns| columns.get(place?));
        join(&pieces.collect::<Vec<_>>())
    }

    /// A column of the schema, by its place there, and what is wrong in it. One that is several things is read as text: numbers, dates
    /// and vectors are made of it.
    fn column_of(&self, idx: usize, place: Option<usize>, told: &Told<'_>) -> (TableColumn, Option<Error>) {
        let read = self.column_at(place);
        let (Some(column), TableColumn::Text { codes, dictionary }) = (told.schema.columns.get(idx), &read) else {
            return (read, None);
        };
        let numbers = told.format.numbers();
        // The numbers of a text, appended: whether it has them.
        type Append<'a> = Box<dyn Fn(&[u8], &mut Vec<f64>) -> bool + 'a>;
        let one = |number: Option<f64>, values: &mut Vec<f64>| {
            values.extend(number);
            number.is_some()
        };
        let (width, gaps, expected, append): (usize, bool, &'static str, Append<'_>) = match plan(idx, column) {
            Plan::Skip | Plan::Text => return (read, None),
            Plan::Number { gaps } => {
                (1, gaps, parse::NUMBER, Box::new(move |text, values| one(numbers.parse(text), values)))
            }
            Plan::Date { gaps, .. } => {
                (1, gaps, parse::DATE, Box::new(move |text, values| one(parse::read_date(column, text), values)))
            }
            Plan::Vector { width, gaps, .. } => {
                let append =
                    move |text: &[u8], values: &mut Vec<f64>| parse::read_vector(column, text, numbers, values);
                (width, gaps, parse::VECTOR, Box::new(append))
            }
        };
        let (mut of_texts, mut unfit) = (Vec::with_capacity(dictionary.len() * width), vec![false; dictionary.len()]);
        for (text, unfit) in dictionary.iter().zip(&mut unfit) {
            let is_gap = gaps && parse::is_missing(text.as_bytes(), &told.schema.missing);
            if is_gap || !append(text.as_bytes(), &mut of_texts) {
                *unfit = !is_gap;
                of_texts.resize(of_texts.len() + width, f64::NAN);
            }
        }
        let is_unfit = |code: u32| unfit.get(code as usize).copied().unwrap_or(false);
        let fault = codes.iter().zip(&self.lines).find(|&(&code, _)| is_unfit(code)).map(|(&code, &line)| {
            let text = dictionary.get(code as usize).map_or("", String::as_str);
            told.field(line, column.name().to_owned(), expected, text.as_bytes())
        });
        let of_row = |&code: &u32| of_texts.get(code as usize * width..(code as usize + 1) * width).unwrap_or_default();
        let values: Vec<f64> = codes.iter().flat_map(of_row).copied().collect();
        let is_vector = matches!(column, Column::Vector { .. });
        (if is_vector { TableColumn::Vectors { values, width } } else { TableColumn::Numbers(values) }, fault)
    }
}

impl Told<'_> {
    /// A fault of a piece that begins on `first_line` and holds `text`, with its place and what to do.
    fn fault(&self, first_line: u64, fault: Fault, text: &[u8]) -> Error {
        let (path, line) = (self.path.to_owned(), first_line + fault.line);
        let expected = self.names.len();
        match fault.kind {
            FaultKind::Blank => Error::EmptyLine { path, line, expected },
            FaultKind::Columns { found } => {
                let row = text.split(|&b| b == b'\n').nth(usize::try_from(fault.line).unwrap_or(usize::MAX));
                let advice = match (found, row) {
                    (1, Some(row)) => advice::delimiter(row, self.format, |fields| fields.len() == expected),
                    _ => String::new(),
                };
                Error::ColumnCount { path, line, expected, found, advice }
            }
            FaultKind::Field { column, expected, found } => {
                // A row that is too long can hold a fault where no column has a name.
                let name = self.names.get(column).cloned().unwrap_or_else(|| (column + 1).to_string());
                self.field(line, name, expected, &found)
            }
        }
    }

    fn field(&self, line: u64, column: String, expected: &'static str, found: &[u8]) -> Error {
        let text = String::from_utf8_lossy(found);
        let is_it = |(idx, c): &(usize, &Column)| {
            let of_kind = match plan(*idx, c) {
                Plan::Number { .. } => parse::NUMBER,
                Plan::Date { .. } => parse::DATE,
                Plan::Vector { .. } => parse::VECTOR,
                Plan::Skip | Plan::Text => parse::TEXT,
            };
            c.name() == column && of_kind == expected
        };
        let of_schema = self.schema.columns.iter().enumerate().find(is_it).map(|(_, column)| column);
        let advice = match of_schema {
            _ if expected == parse::TEXT => {
                if std::str::from_utf8(found).is_err() {
                    advice::ENCODING.to_owned()
                } else {
                    String::new()
                }
            }
            Some(column) => advice::number(self.schema, column, self.format.numbers(), &text),
            None => String::new(),
        };
        let found = quoted(&text) + &advice;
        let expected = match of_schema {
            Some(Column::Date { format, .. }) => format.describe(),
            Some(Column::Vector { separator, length, .. }) => format!("{length} numbers between {separator:?}"),
            _ => expected.into(),
        };
        Error::Field { path: self.path.to_owned(), line, column, expected, found }
    }
}

/// Where in the file each column of the schema stands; one that is not read need not be there.
fn places(
    path: &Path,
    schema: &Schema,
    names: &[String],
    text: &[u8],
    format: &CsvFormat,
) -> Result<Vec<Option<usize>>> {
    let place = |column: &Column| match column {
        Column::Ignore { .. } | Column::Id { .. } if format.header => Ok(None),
        _ if format.header => find(path, column.name(), names, text, format).map(Some),
        _ => Ok(names.iter().position(|name| name == column.name())),
    };
    schema.columns.iter().map(place).collect()
}

/// Where the one column of that name stands.
fn find(path: &Path, column: &str, names: &[String], text: &[u8], format: &CsvFormat) -> Result<usize> {
    let mut found = names.iter().enumerate().filter(|(_, name)| *name == column).map(|(at, _)| at);
    let place = found.next().ok_or_else(|| {
        let header = text.split(|&b| b == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
        let mut advice = advice::delimiter(header, format, |fields| fields.iter().any(|f| f == column));
        if advice.is_empty() {
            advice = advice::near_name(column, names);
        }
        Error::MissingColumn { path: path.to_owned(), column: column.to_owned(), found: names.to_vec(), advice }
    })?;
    match found.next() {
        None => Ok(place),
        Some(_) => Err(Error::Field {
            path: path.to_owned(),
            line: 1,
            column: column.to_owned(),
            expected: "a name that the header holds once".into(),
            found: "it twice".into(),
        }),
    }
}

/// What is kept of each of the file's columns: text where the schema wants it as several things.
fn plans(schema: &Schema, places: &[Option<usize>], n_columns: usize) -> Vec<Plan> {
    let mut plans = vec![Plan::Skip; n_columns];
    for ((idx, column), place) in schema.columns.iter().enumerate().zip(places) {
        let Some(of_file) = place.and_then(|at| plans.get_mut(at)) else { continue };
        *of_file = match (*of_file, plan(idx, column)) {
            (known, Plan::Skip) => known,
            (Plan::Skip, wanted) => wanted,
            (known, wanted) if known == wanted => known,
            _ => Plan::Text,
        };
    }
    plans
}

/// What is kept of the column in that place of the schema.
fn plan(idx: usize, column: &Column) -> Plan {
    let has_gaps = |missing: &MissingNumber| *missing != MissingNumber::Refuse;
    match column {
        Column::Ignore { .. } | Column::Id { .. } => Plan::Skip,
        Column::Categorical { buckets: Some(_), .. } => Plan::Number { gaps: true },
        Column::Categorical { .. } | Column::Group { .. } | Column::Set { .. } => Plan::Text,
        Column::Date { missing, .. } => Plan::Date { column: idx, gaps: has_gaps(missing) },
        Column::Vector { length, missing, .. } => {
            let width = usize::try_from(*length).unwrap_or(usize::MAX);
            Plan::Vector { column: idx, width, gaps: has_gaps(missing) }
        }
        Column::Weight { .. } => Plan::Number { gaps: false },
        Column::Numeric { missing, .. } => Plan::Number { gaps: has_gaps(missing) },
        Column::Label { label: LabelSpec::Value, .. } => Plan::Number { gaps: true },
        Column::Label { .. } => Plan::Text,
    }
}

/// The pieces of one column to the whole of it.
fn join(pieces: &[&Part]) -> TableColumn {
    match pieces.first() {
        None | Some(Part::Skipped) => TableColumn::Ignored,
        Some(Part::Numbers(_)) => {
            let values = pieces.iter().map(|p| if let Part::Numbers(v) = p { v.as_slice() } else { &[] });
            TableColumn::Numbers(values.collect::<Vec<_>>().concat())
        }
        Some(Part::Dates(_)) => {
            let values = pieces.iter().map(|p| if let Part::Dates(v) = p { v.as_slice() } else { &[] });
            TableColumn::Numbers(values.collect::<Vec<_>>().concat())
        }
        Some(Part::Vectors { width, .. }) => {
            let values =
                pieces.iter().map(|p| if let Part::Vectors { values, .. } = p { values.as_slice() } else { &[] });
            TableColumn::Vectors { values: values.collect::<Vec<_>>().concat(), width: *width }
        }
        Some(Part::Text { .. }) => {
            let (mut all, mut joined) = (Dictionary::default(), Vec::new());
            for piece in pieces {
                let Part::Text { codes, dictionary } = piece else { continue };
                // Chunks come in file order, so codes still count first appearances, however the file was cut.
                let moved: Vec<u32> = (0..dictionary.len())
                    .map(|code| all.code(dictionary.get(code), |_| true).unwrap_or(u32::MAX))
                    .collect();
                joined.extend(codes.iter().map(|&code| moved[code as usize]));
            }
            let texts = (0..all.len()).map(|code| String::from_utf8_lossy(all.get(code)).into_owned());
            TableColumn::Text { codes: joined, dictionary: texts.collect() }
        }
    }
}

#[cfg(test)]
mod tests;
