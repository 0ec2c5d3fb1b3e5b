//! How the text of a file is written, from its first bytes.
//!
//! | question | answer |
//! |---|---|
//! | encoding | a byte order mark's; UTF-8 where the bytes are; UTF-16 where every other byte is 0; else Windows-1252 |
//! | delimiter | of comma, semicolon, tab and bar the one that gives all rows alike the most fields; runs of blanks where none does |
//! | quotes | those that let the rows be cut at all |
//! | header | not there if a column of numbers begins with one, unless the first row counts 0, 1, 2, ..; of columns of texts, if first texts come again |
//! | numbers | the spelling by which the most columns are numbers, plain ones first |

use std::{collections::HashSet, fs::File, io::Read, path::Path};

use crate::{
    error::{Error, Result},
    split::Time,
    table::{
        advice::usually_missing,
        cursor::Cursor,
        format::{CsvFormat, Delimiter, Encoding},
        json_lines,
        number::Numbers,
        text,
        unpack::Unpacked,
    },
};

/// Bytes that are looked at.
const HEAD: u64 = 1 << 18;
/// Rows that are looked at.
const ROWS: usize = 500;

/// A format, and why.
#[derive(Debug)]
pub(super) struct Sniffed {
    pub(super) format: CsvFormat,
    pub(super) notes: Vec<String>,
}

impl Sniffed {
    /// Takes the bytes for those of western Windows systems.
    pub(super) fn western(&mut self, why: &str) {
        self.format.encoding = Encoding(encoding_rs::WINDOWS_1252);
        self.notes.push(format!("encoding windows-1252, a guess: {why}; if letters look wrong, name another"));
    }
}

/// # Errors
/// [`Error::Io`]; [`Error::NotText`], [`Error::NoRows`] for what is no table in text.
pub(super) fn format(path: &Path, has_header: Option<bool>) -> Result<Sniffed> {
    let (bytes, is_whole) = head(path)?;
    if is_arff(&bytes) {
        let (found, advice) =
            ("an ARFF file".to_owned(), "write its rows as CSV, names of attributes first".to_owned());
        return Err(Error::NotText { path: path.to_owned(), found, advice });
    }
    let mut sniffed = Sniffed { format: CsvFormat::DEFAULT, notes: Vec::new() };
    if has_header != Some(false) && json_lines::is_it(&bytes, &CsvFormat::DEFAULT) {
        sniffed.notes.push("JSON lines: an object a row, whose keys are the columns".to_owned());
        return Ok(sniffed);
    }
    encoding(&bytes, &mut sniffed);
    let Some((format, rows)) = cut(path, &bytes, is_whole, sniffed.format)? else {
        return Err(Error::NoRows { path: path.to_owned() });
    };
    sniffed.format = format;
    if format.delimiter != CsvFormat::DEFAULT.delimiter {
        sniffed.notes.push(format!(
            "delimiter {}: all rows have {} fields with it",
            delimiter_words(format),
            width(&rows)
        ));
    }
    if !format.quotes {
        sniffed.notes.push("quotes = false: quotes stand inside fields, where they are letters".to_owned());
    }
    sniffed.format.header = match has_header {
        Some(given) => given,
        None => header(&rows, &mut sniffed.notes),
    };
    numbers(&rows, &mut sniffed);
    Ok(sniffed)
}

/// The first bytes, unpacked, and whether they are all.
fn head(path: &Path) -> Result<(Vec<u8>, bool)> {
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    let mut bytes = Vec::new();
    Unpacked::open(path, file)?.take(HEAD).read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
    let is_whole = (bytes.len() as u64) < HEAD;
    Ok((bytes, is_whole))
}

/// Whether the first line that is no comment declares a relation, as Weka's files do.
fn is_arff(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty() && line[0] != b'%');
    first.and_then(|line| line.get(..9)).is_some_and(|start| start.eq_ignore_ascii_case(b"@relation"))
}

fn encoding(bytes: &[u8], sniffed: &mut Sniffed) {
    if encoding_rs::Encoding::for_bom(bytes).is_some() {
        return;
    }
    let zeros = |from: usize| bytes.iter().skip(from).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if bytes.len() >= 8 && even.max(odd) > bytes.len() / 5 && even.min(odd) <= bytes.len() / 20 {
        let wide = if odd > even { encoding_rs::UTF_16LE } else { encoding_rs::UTF_16BE };
        sniffed.format.encoding = Encoding(wide);
        sniffed.notes.push(format!("encoding {}: every other byte is 0", wide.name().to_lowercase()));
    } else if let Err(e) = std::str::from_utf8(bytes)
        // A letter that the piece cuts is none of these.
        && e.error_len().is_some()
    {
        sniffed.western("bytes that are no UTF-8");
    }
}

/// The first rows, cut in the way that suits them best; `None` where there are none.
fn cut(path: &Path, bytes: &[u8], is_whole: bool, format: CsvFormat) -> Result<Option<(CsvFormat, Vec<Vec<String>>)>> {
    let with = |delimiter: Delimiter, quotes: bool| CsvFormat { delimiter, quotes, ..format };
    let marks = [',', ';', '\t', '|'].map(Delimiter::Char);
    let mut best: Option<(CsvFormat, Vec<Vec<String>>)> = None;
    for quotes in [true, false] {
        for delimiter in marks.into_iter().chain([Delimiter::Whitespace]) {
            // Blanks stand in texts as well: they are taken where nothing else cuts.
            let is_last_resort = delimiter == Delimiter::Whitespace;
            if is_last_resort && best.is_some() {
                continue;
            }
            let format = with(delimiter, quotes);
            let (text, _) = text::whole(path, bytes, &format)?;
            let Some(rows) = rows(&text, &format, is_whole) else { continue };
            let is_even = rows.iter().all(|row| row.len() == width(&rows));
            if is_even && width(&rows) > 1 && best.as_ref().is_none_or(|(_, best)| width(best) < width(&rows)) {
                best = Some((format, rows));
            }
        }
        if best.is_some() {
            return Ok(best);
        }
    }
    // One column, or rows that are not alike, whose first will be named when they are read.
    for quotes in [true, false] {
        let mut found = Vec::new();
        for delimiter in marks {
            let format = with(delimiter, quotes);
            if let Some(rows) = rows(&text::whole(path, bytes, &format)?.0, &format, is_whole) {
                let common = rows.iter().filter(|row| row.len() > 1 && row.len() == width(&rows)).count();
                found.push((common * 2 > rows.len(), format, rows));
            }
        }
        // The first that cuts most rows, else the first.
        if let Some(at) = found.iter().position(|(cuts, ..)| *cuts).or((!found.is_empty()).then_some(0)) {
            let (_, format, rows) = found.swap_remove(at);
            return Ok((!rows.is_empty()).then_some((format, rows)));
        }
    }
    Ok(None)
}

/// The rows of a text whose last one may be cut short; `None` where a quote stands in a wrong place.
fn rows(text: &[u8], format: &CsvFormat, is_whole: bool) -> Option<Vec<Vec<String>>> {
    let delimiter = format.delimiter_byte().ok()?;
    let mut cursor = Cursor::new(text, delimiter, format.quotes);
    let mut rows: Vec<Vec<String>> = Vec::new();
    while !cursor.is_done() && rows.len() < ROWS {
        let mut row = Vec::new();
        loop {
            match cursor.field() {
                Ok(field) => {
                    let last = field.last;
                    row.push(String::from_utf8_lossy(&field.text).into_owned());
                    if last {
                        break;
                    }
                }
                // The text ends within the field, which the file need not.
                Err(_) if cursor.rest().len() < (1 << 12) && !is_whole => return Some(rows),
                Err(_) => return None,
            }
        }
        if !(row.len() == 1 && row[0].is_empty()) {
            rows.push(row);
        }
    }
    if !is_whole && cursor.is_done() && rows.len() > 1 {
        rows.pop();
    }
    Some(rows)
}

/// Fields of the first row.
fn width(rows: &[Vec<String>]) -> usize {
    rows.first().map_or(0, Vec::len)
}

fn delimiter_words(format: CsvFormat) -> String {
    match format.delimiter {
        Delimiter::Char(mark) => format!("{:?}", mark.to_string()),
        Delimiter::Whitespace => "\"whitespace\"".to_owned(),
    }
}

/// Spellings of numbers; where commas separate fields, one inside a field rather groups digits.
fn spellings(format: &CsvFormat) -> Vec<Numbers> {
    let comma = if format.delimiter == Delimiter::Char(',') {
        [('.', Some(',')), (',', None)]
    } else {
        [(',', None), ('.', Some(','))]
    };
    let all = [('.', None)].into_iter().chain(comma);
    let all = all.chain([(',', Some('.')), ('.', Some('\'')), ('.', Some(' ')), (',', Some(' '))]);
    all.map(|(decimal, thousands)| Numbers { decimal, thousands }).collect()
}

fn header(rows: &[Vec<String>], notes: &mut Vec<String>) -> bool {
    let Some((first, rest)) = rows.split_first() else { return true };
    let is_number = |text: &str| {
        let spelled = [Numbers::PLAIN, Numbers { decimal: ',', thousands: None }];
        spelled.iter().any(|numbers| numbers.parse(text.as_bytes()).is_some()) || Time::parse(text).is_some()
    };
    let (mut names, mut values) = (0, 0);
    for (at, text) in first.iter().enumerate() {
        let known: Vec<&str> = rest
            .iter()
            .filter_map(|row| row.get(at))
            .map(String::as_str)
            .filter(|text| !usually_missing(text))
            .collect();
        let numbers = known.iter().filter(|text| is_number(text)).count();
        if known.is_empty() || numbers * 5 < known.len() * 4 || usually_missing(text) {
            continue;
        }
        match is_number(text) {
            true => values += 1,
            false => names += 1,
        }
    }
    if rest.is_empty() || names > 0 {
        return true;
    }
    let counts = |from: usize| first.iter().enumerate().all(|(at, text)| *text == (at + from).to_string());
    if values > 0 && first.len() > 1 && (counts(0) || counts(1)) {
        return true;
    }
    let comes_again = |at: usize| rest.iter().any(|row| row.get(at) == first.get(at));
    let again = (0..first.len()).filter(|at| comes_again(*at)).count();
    let distinct = first.iter().collect::<HashSet<_>>().len();
    let is_row = values > 0 || rest.len() >= 5 && (again * 2 > first.len() || distinct < first.len() && again > 0);
    if is_row {
        let why = if values > 0 {
            "its first row holds numbers where the others do"
        } else {
            "the texts of its first row come again"
        };
        notes.push(format!("header = false: {why}; columns are called c1, c2, .. here"));
    }
    !is_row
}

fn numbers(rows: &[Vec<String>], sniffed: &mut Sniffed) {
    let rest = &rows[usize::from(sniffed.format.header).min(rows.len())..];
    let columns: Vec<Vec<&str>> = (0..width(rows))
        .map(|at| {
            rest.iter().filter_map(|row| row.get(at)).map(String::as_str).filter(|t| !usually_missing(t)).collect()
        })
        .collect();
    let of = |numbers: Numbers| {
        let is_number = |texts: &&Vec<&str>| {
            let found = texts.iter().filter(|text| numbers.parse(text.as_bytes()).is_some()).count();
            !texts.is_empty() && found * 10 >= texts.len() * 9
        };
        columns.iter().filter(is_number).count()
    };
    let plain = of(Numbers::PLAIN);
    let mut best = (plain, Numbers::PLAIN);
    for numbers in spellings(&sniffed.format) {
        let found = of(numbers);
        if found > best.0 {
            best = (found, numbers);
        }
    }
    let (found, numbers) = best;
    if numbers != Numbers::PLAIN {
        (sniffed.format.decimal, sniffed.format.thousands) = (numbers.decimal, numbers.thousands);
        let groups =
            numbers.thousands.map_or_else(String::new, |mark| format!(", {:?} between thousands", mark.to_string()));
        sniffed.notes.push(format!(
            "numbers with {:?} before the fraction{groups}: {found} columns are numbers so, {plain} otherwise",
            numbers.decimal.to_string()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Result<Sniffed> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        std::fs::write(&path, bytes).unwrap();
        format(&path, None)
    }

    fn format_of(text: &str) -> CsvFormat {
        of(text.as_bytes()).unwrap().format
    }

    #[test]
    fn delimiters_are_those_that_give_all_rows_alike_the_most_fields() {
        for (text, delimiter) in [
            ("a,b\n1,2\n", ','.into()),
            ("a;b\n1,5;2,5\n", ';'.into()),
            ("a\tb c\n1\t2,3\n", '\t'.into()),
            ("a|b\n1|2\n", '|'.into()),
            ("a   b c\n 1 2\t3\n", Delimiter::Whitespace),
            ("name,text\n1,\"a;b;c\"\n2,\"x;y;z\"\n", ','.into()),
            ("only\n1\n2\n", ','.into()),
            ("one text\nanother text\n", Delimiter::Whitespace),
        ] {
            assert_eq!(format_of(text).delimiter, delimiter, "{text:?}");
        }
        assert!(!format_of("a,b\n5\" pipe,1\n6\" pipe,2\n").quotes);
        assert!(format_of("a,b\n\"x, y\",1\n").quotes);
    }

    #[test]
    fn headers_are_told_from_rows() {
        for (text, header) in [
            ("a,b\n1,2\n3,4\n", true),
            ("1,x\n3,y\n", false),
            ("0,1\n5,2\n3,4\n", true),
            ("5,1\n5,2\n3,4\n", false),
            ("2024-01-01,a\n2024-01-02,b\n", false),
            ("color,size\nred,big\nblue,small\nred,big\nblue,big\nred,small\n", true),
            ("red,big\nblue,small\nred,big\nblue,big\nred,small\nred,big\n", false),
            (",a\n0,x\n1,y\n", true),
            ("a,b\n", true),
        ] {
            assert_eq!(format_of(text).header, header, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_read_as_most_columns_want_them() {
        let marks = |text: &str| {
            let format = format_of(text);
            (format.decimal, format.thousands)
        };
        assert_eq!(marks("a;b\n1,5;x\n2,25;y\n"), (',', None));
        assert_eq!(marks("a;b\n1.5;x\n2.25;y\n"), ('.', None));
        assert_eq!(marks("a,b\n\"1,500\",x\n\"2,250\",y\n"), ('.', Some(',')));
        assert_eq!(marks("a;b\n1.234,5;1.000\n2.345,5;2.000\n"), (',', Some('.')));
        assert_eq!(marks("a;b\n1'500;x\n12'250;y\n"), ('.', Some('\'')));
    }

    #[test]
    fn encodings_are_found() {
        let western: Vec<u8> = b"stra\xdfe,x\nK\xf6ln,1\n".to_vec();
        let sniffed = of(&western).unwrap();
        assert_eq!(String::from(sniffed.format.encoding), "windows-1252");
        assert!(sniffed.notes[0].contains("a guess"), "{:?}", sniffed.notes);
        let wide: Vec<u8> = "größe,x\n5,1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(String::from(of(&wide).unwrap().format.encoding), "utf-16le");
        assert_eq!(String::from(format_of("größe,x\n5,1\n").encoding), "utf-8");
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let refusal = |bytes: &[u8]| of(bytes).unwrap_err().to_string();
        assert!(refusal(b"").contains("at least one row"), "{}", refusal(b""));
        assert!(refusal(b"\n\n").contains("at least one row"));
        assert!(refusal(b"PK\x03\x04\x14\0\x06\0workbook").contains("zip"));
        assert!(refusal(b"% about\n\n@RELATION x\n@attribute a numeric\n@data\n1\n").contains("found an ARFF file"));
        assert!(refusal(b"<!DOCTYPE html><html>").contains("expected a table in text"));
    }
}
