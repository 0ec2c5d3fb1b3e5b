//! Typed tables: a parallel CSV reader, schemas, and vocabularies fitted on the training split only.
//!
//! ```text
//! file --read--> Table --fit on training rows--> FittedSchema --encode--> TableSource
//!                (columns: codes, numbers)       (saved with the model)   (rows, ready to gather)
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `schema.rs` | [`Schema`], [`Column`], [`CsvFormat`]: what the user writes |
//! | `chunk.rs`, `cursor.rs`, `parse.rs`, `dictionary.rs` | the reader: rows, fields, columns, codes |
//! | `fit.rs` | [`FittedSchema`]: what was learned from the training split |
//! | `encode.rs` | a [`Table`] and a [`FittedSchema`] to a [`TableSource`](crate::source::TableSource) |
//! | `inputs.rs` | [`InputRows`]: a file without labels, block by block, for prediction |

mod chunk;
mod cursor;
mod dictionary;
mod encode;
mod fit;
mod inputs;
mod parse;
mod schema;

pub use fit::{FittedColumn, FittedSchema};
pub use inputs::InputRows;
pub use schema::{Column, CsvFormat, LabelSpec, MissingNumber, Schema, Transform};

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::{
    error::{Error, Result, quoted},
    kept::Content,
};
use cursor::Cursor;
use dictionary::Dictionary;
use parse::{Chunk, Fault, FaultKind, Layout, Part, Plan};

/// The columns of a file, as read: texts as codes, numbers as numbers, nothing fitted yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    path: PathBuf,
    columns: Vec<TableColumn>,
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
    /// Numbers, one per row; NaN where the file says that it is not known.
    Numbers(Vec<f32>),
    /// Not read.
    Ignored,
}

impl Table {
    /// Reads a file, in parallel on rayon's threads; the result does not depend on how many there are.
    ///
    /// # Errors
    /// Naming the file, and line and column where there is one: [`Error::Io`], [`Error::NoRows`],
    /// [`Error::MissingColumn`], [`Error::ColumnCount`], [`Error::Field`]; the first one in file order is reported.
    /// [`Schema::validate`]'s, for the schema.
    pub fn read(path: &Path, format: &CsvFormat, schema: &Schema) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        Self::parse(path, &bytes, format, schema)
    }

    /// Reads a table from memory; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`Table::read`].
    pub fn parse(path: &Path, bytes: &[u8], format: &CsvFormat, schema: &Schema) -> Result<Self> {
        // A few pieces per thread even out rows of different cost; tiny pieces would repeat dictionaries.
        let size = bytes.len().div_ceil(rayon::current_num_threads() * 4).clamp(1 << 18, 1 << 24);
        // The digest costs a small part of what reading costs, and is taken beside it.
        let (digest, table) =
            rayon::join(|| Content::of_bytes(bytes), || Self::parse_pieces(path, bytes, format, schema, size));
        let mut table = table?;
        table.content = Content { bytes: digest.bytes, sha256: digest.sha256, ..table.content };
        Ok(table)
    }

    fn parse_pieces(path: &Path, bytes: &[u8], format: &CsvFormat, schema: &Schema, size: usize) -> Result<Self> {
        schema.validate()?;
        let delimiter = format.delimiter_byte()?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut cursor = Cursor::new(bytes, delimiter, format.quotes);
        let names: Vec<String> = if format.header {
            header(path, &mut cursor)?
        } else {
            schema.columns.iter().map(|c| c.name().to_owned()).collect()
        };
        let places = places(path, schema, &names, format.header)?;
        let mut plans = vec![Plan::Skip; names.len()];
        for (column, &place) in schema.columns.iter().zip(&places) {
            plans[place] = plan(column);
        }
        let layout = Layout { plans, delimiter, quotes: format.quotes, missing: &schema.missing };

        let read = ReadRows::parse(path, cursor.rest(), cursor.line + 1, &names, &layout, size)?;
        if read.lines.is_empty() {
            return Err(Error::NoRows { path: path.to_owned() });
        }
        let columns = places.par_iter().map(|&place| read.column(place)).collect();
        let columns_named = if format.header { names } else { Vec::new() };
        let content = Content { rows: read.lines.len() as u64, columns: columns_named, ..Content::default() };
        Ok(Self { path: path.to_owned(), columns, lines: read.lines, content })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
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

    /// The line on which a row starts, counted from 1; 0 for a row that is not there.
    #[must_use]
    pub fn line(&self, row: usize) -> u64 {
        self.lines.get(row).copied().unwrap_or(0)
    }
}

/// Some rows of a file, in pieces, in the file's own columns.
struct ReadRows {
    parts: Vec<Vec<Part>>,
    /// The line on which each row starts.
    lines: Vec<u64>,
    /// The line after the last one.
    next_line: u64,
}

impl ReadRows {
    /// Reads whole rows, the first of which stands on `first_line`, in pieces of about `size` bytes.
    fn parse(
        path: &Path,
        body: &[u8],
        first_line: u64,
        names: &[String],
        layout: &Layout<'_>,
        size: usize,
    ) -> Result<Self> {
        let pieces = chunk::chunks(body, size, layout.quotes);
        let read: Vec<_> = pieces.par_iter().map(|piece| parse::parse(&body[piece.clone()], layout)).collect();
        let mut rows = Self { parts: Vec::with_capacity(read.len()), lines: Vec::new(), next_line: first_line };
        for chunk in read {
            let Chunk { parts, lines, n_lines } =
                chunk.map_err(|fault| place_fault(path, rows.next_line, names, fault))?;
            rows.lines.extend(lines.iter().map(|line| rows.next_line + line));
            rows.next_line += n_lines;
            rows.parts.push(parts);
        }
        Ok(rows)
    }

    fn column(&self, place: usize) -> TableColumn {
        join(&self.parts.iter().filter_map(|columns| columns.get(place)).collect::<Vec<_>>())
    }
}

/// The names on the first line that is not blank.
fn header(path: &Path, cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    loop {
        let (line, at_end) = (cursor.line, cursor.is_done());
        let field = cursor.field().map_err(|(expected, found)| Error::Field {
            path: path.to_owned(),
            line: line + 1,
            column: format!("header {}", names.len() + 1),
            expected: expected.into(),
            found: quoted(&String::from_utf8_lossy(found)),
        })?;
        let blank = names.is_empty() && field.last && field.text.is_empty();
        if !blank {
            names.push(String::from_utf8_lossy(&field.text).into_owned());
        }
        if (field.last && !blank) || at_end {
            return Ok(names);
        }
    }
}

/// Where in the file each column of the schema stands.
fn places(path: &Path, schema: &Schema, names: &[String], header: bool) -> Result<Vec<usize>> {
    if !header {
        return Ok((0..schema.columns.len()).collect());
    }
    schema.columns.iter().map(|column| find(path, column, names)).collect()
}

/// Where the one column of that name stands.
fn find(path: &Path, column: &Column, names: &[String]) -> Result<usize> {
    let mut found = names.iter().enumerate().filter(|(_, name)| *name == column.name()).map(|(at, _)| at);
    let place = found.next().ok_or_else(|| Error::MissingColumn {
        path: path.to_owned(),
        column: column.name().to_owned(),
        found: names.to_vec(),
    })?;
    match found.next() {
        None => Ok(place),
        Some(_) => Err(Error::Field {
            path: path.to_owned(),
            line: 1,
            column: column.name().to_owned(),
            expected: "a name that the header holds once".into(),
            found: "it twice".into(),
        }),
    }
}

fn plan(column: &Column) -> Plan {
    match column {
        Column::Ignore { .. } => Plan::Skip,
        Column::Categorical { .. } => Plan::Text,
        Column::Numeric { missing, .. } => Plan::Number { gaps: *missing == MissingNumber::Mean },
        Column::Label { label: LabelSpec::Value, .. } => Plan::Number { gaps: true },
        Column::Label { .. } => Plan::Text,
    }
}

fn place_fault(path: &Path, first_line: u64, names: &[String], fault: Fault) -> Error {
    let (path, line) = (path.to_owned(), first_line + fault.line);
    match fault.kind {
        FaultKind::Columns { found } => Error::ColumnCount { path, line, expected: names.len(), found },
        FaultKind::Field { column, expected, found } => Error::Field {
            path,
            line,
            // A row that is too long can hold a fault where no column has a name.
            column: names.get(column).cloned().unwrap_or_else(|| (column + 1).to_string()),
            expected: expected.to_owned(),
            found: quoted(&String::from_utf8_lossy(&found)),
        },
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
