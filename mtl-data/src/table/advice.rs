//! What to write in the configuration so that a file is read as it was meant.

use super::{
    cursor::Cursor,
    date::DateFormat,
    format::CsvFormat,
    number::Numbers,
    schema::{Column, MissingNumber, Schema},
};
use crate::error::quoted;

/// Texts that tools write for "not known", in lower case.
const MISSING: [&str; 11] = ["", "na", "n/a", "null", "none", "nan", "?", "-", "#n/a", "<na>", "nat"];

/// Whether tools write this text for "not known".
pub(crate) fn usually_missing(text: &str) -> bool {
    MISSING.iter().any(|missing| text.trim().eq_ignore_ascii_case(missing))
}

/// The setting under which `text` means "not known" as well.
pub(crate) fn missing_line(schema: &Schema, text: &str) -> String {
    let texts: Vec<String> = schema.missing.iter().chain([&text.to_owned()]).map(|t| format!("{t:?}")).collect();
    format!("write missing = [{}] under [data.schema]", texts.join(", "))
}

/// How to go on where a column of numbers, dates or vectors holds `text`; empty if nothing is to be said.
pub(crate) fn number(schema: &Schema, column: &Column, numbers: Numbers, text: &str) -> String {
    let refuses_gaps = matches!(
        column,
        Column::Numeric { missing: MissingNumber::Refuse, .. }
            | Column::Date { missing: MissingNumber::Refuse, .. }
            | Column::Vector { missing: MissingNumber::Refuse, .. }
    );
    let fill = "missing = \"mean\" in the column";
    let is_weight = matches!(column, Column::Weight { .. });
    let advice = if is_weight && (schema.is_missing(text) || usually_missing(text)) {
        Some("a row that is not to count has weight 0".to_owned())
    } else if schema.is_missing(text) {
        refuses_gaps.then(|| format!("if that means not known, write {fill}"))
    } else if usually_missing(text) {
        let and_fill = if refuses_gaps { format!(" and {fill}") } else { String::new() };
        Some(format!("if that means not known, {}{and_fill}", missing_line(schema, text)))
    } else {
        match column {
            Column::Date { .. } => DateFormat::usual(&[text]).next().map(|format| {
                let format = String::from(format);
                format!("format = {format:?} in the column would read it")
            }),
            Column::Vector { .. } => None,
            _ => numbers.advice(text),
        }
    };
    advice.map_or_else(String::new, |advice| format!("; {advice}"))
}

/// Another delimiter with which `line` has the fields that are wanted, as the setting to write; empty if none has.
pub(crate) fn delimiter(line: &[u8], format: &CsvFormat, is_wanted: impl Fn(&[String]) -> bool) -> String {
    let settings = [(b',', "\",\""), (b';', "\";\""), (b'\t', r#""\t""#), (b'|', "\"|\""), (b' ', "\"whitespace\"")];
    let end = memchr::memchr(b'\n', line).unwrap_or(line.len());
    let line = String::from_utf8_lossy(&line[..end]);
    let blanks = line.split_whitespace().collect::<Vec<_>>().join("\t");
    let fields = |delimiter: u8| {
        let (text, delimiter) =
            if delimiter == b' ' { (blanks.as_bytes(), b'\t') } else { (line.as_bytes(), delimiter) };
        let (mut cursor, mut fields) = (Cursor::new(text, delimiter, format.quotes), Vec::new());
        while let Ok(field) = cursor.field() {
            fields.push(String::from_utf8_lossy(&field.text).into_owned());
            if field.last {
                return fields;
            }
        }
        Vec::new()
    };
    let current = format.delimiter_byte().ok();
    let fits = |delimiter: u8| Some(delimiter) != current && is_wanted(&fields(delimiter));
    match settings.into_iter().find(|&(delimiter, _)| fits(delimiter)) {
        Some((_, setting)) => format!("; with delimiter = {setting} under [data.format] they are there"),
        None => String::new(),
    }
}

/// How to go on where a field is no UTF-8.
pub(crate) const ENCODING: &str =
    "; if the file is in Latin-1 or Windows-1252, write encoding = \"windows-1252\" under [data.format]";

/// A name in the header that is the wanted one but for case and blanks.
pub(crate) fn near_name(wanted: &str, names: &[String]) -> String {
    let same = |name: &&String| name.trim().to_lowercase() == wanted.trim().to_lowercase();
    names.iter().find(same).map_or_else(String::new, |name| format!("; is it {}?", quoted(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_delimiter_is_proposed_where_it_helps() {
        let wanted = |fields: &[String]| fields.iter().any(|f| f == "x") && fields.iter().any(|f| f == "y z");
        let of = |line: &str| delimiter(line.as_bytes(), &CsvFormat::DEFAULT, wanted);
        assert!(of("x;y z\n1;2").contains(r#"delimiter = ";""#));
        assert!(of("x\ty z").contains(r#"delimiter = "\t""#));
        assert!(of("\"x\"|\"y z\"|").contains(r#"delimiter = "|""#));
        assert_eq!(of("x,y z"), "");
        let by_blanks = delimiter(b"  x   y\n", &CsvFormat::DEFAULT, |fields| fields.len() == 2);
        assert!(by_blanks.contains("\"whitespace\""), "{by_blanks}");
    }

    #[test]
    fn a_gap_is_told_from_a_typo() {
        let schema = Schema { missing: vec![String::new()], ..Schema::default() };
        let column: Column = toml::from_str("name = \"x\"\nkind = \"numeric\"").unwrap();
        let label: Column = toml::from_str("name = \"x\"\nkind = \"label\"\nlabel = \"value\"").unwrap();
        let of = |column: &Column, text| number(&schema, column, Numbers::PLAIN, text);
        assert_eq!(of(&column, ""), "; if that means not known, write missing = \"mean\" in the column");
        let both = "; if that means not known, write missing = [\"\", \"N/A\"] under [data.schema] and missing = \"mean\" in the column";
        assert_eq!(of(&column, "N/A"), both);
        assert_eq!(of(&label, "?"), "; if that means not known, write missing = [\"\", \"?\"] under [data.schema]");
        assert!(of(&column, "1,5").contains("decimal = \",\""));
        assert_eq!(of(&column, "five"), "");
    }
}
