//! The first row of a file, for whoever has to know its columns before reading the rest.

use std::{fs::File, io::Read, path::Path};

use super::{advice, cursor::Cursor, format::CsvFormat, text::TextReader};
use crate::error::{Error, Result, quoted};

/// Bytes read at a time.
const BLOCK: usize = 1 << 16;
/// No row is longer; a quote that is never closed would make one of the rest of the file.
pub(crate) const LONGEST_ROW: usize = 1 << 24;

/// The first row of a text that is not blank.
pub(super) struct FirstRow {
    /// Its fields, or what is wrong with it.
    pub(super) fields: Result<Vec<String>>,
    /// Where it ends in the bytes that were read.
    pub(super) end: usize,
    /// The line ends up to there.
    pub(super) lines: u64,
}

impl FirstRow {
    /// Reads on, at least `block` bytes at a time, until `text` holds the whole row.
    ///
    /// # Errors
    /// Those of [`TextReader::fill`].
    pub(super) fn read<R: Read>(
        path: &Path,
        reader: &mut TextReader<R>,
        text: &mut Vec<u8>,
        format: &CsvFormat,
        block: usize,
    ) -> Result<Self> {
        let delimiter = format.delimiter_byte()?;
        // The row may be longer than a block: more is read until it has an end.
        let mut size = block;
        loop {
            reader.fill(text, size)?;
            let mut cursor = Cursor::new(text, delimiter, format.quotes);
            let fields = names(path, &mut cursor);
            let whole = fields.is_ok() && cursor.at() <= text.len();
            if whole || reader.is_ended() || size > LONGEST_ROW {
                return Ok(Self { fields, end: cursor.at().min(text.len()), lines: cursor.line });
            }
            size *= 2;
        }
    }
}

/// The names on the first line that is not blank.
pub(crate) fn names(path: &Path, cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    loop {
        let (line, at_end) = (cursor.line, cursor.is_done());
        let refuse = |names: &[String], expected: &str, found: &[u8], advice: &str| Error::Field {
            path: path.to_owned(),
            line: line + 1,
            column: format!("header {}", names.len() + 1),
            expected: expected.into(),
            found: quoted(&String::from_utf8_lossy(found)) + advice,
        };
        let field = cursor.field().map_err(|(expected, found)| refuse(&names, expected, found, ""))?;
        let blank = names.is_empty() && field.last && field.text.is_empty();
        if !blank {
            let Ok(name) = std::str::from_utf8(&field.text) else {
                return Err(refuse(&names, "text in UTF-8", &field.text, advice::ENCODING));
            };
            names.push(name.to_owned());
        }
        if (field.last && !blank) || at_end {
            return Ok(names);
        }
    }
}

/// The columns of a file with a header.
///
/// # Errors
/// Naming the file: [`Error::Io`], [`Error::NotText`], [`Error::Encoding`], [`Error::Field`] for a header that cannot be cut.
pub(crate) fn column_names(path: &Path, format: &CsvFormat) -> Result<Vec<String>> {
    format.validate()?;
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    let mut reader = TextReader::open(path, file, *format)?;
    FirstRow::read(path, &mut reader, &mut Vec::new(), format, BLOCK)?.fields
}
