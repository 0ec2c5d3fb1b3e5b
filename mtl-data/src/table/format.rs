//! How the text of a table is written: what separates fields, what a number looks like, which bytes are which letters.
//!
//! What a file says of itself needs no setting: a byte order mark, compression by gzip or zstd, the way its lines end.
//! Anything else is a setting, and a file that looks as if it needed another one is refused with the line to write.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number::Numbers;
use crate::error::{Error, Result};

/// How the text of a CSV file is cut into fields, and how its numbers and letters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CsvFormat {
    /// Whether the first line holds names. With names, columns are found by name, in any order, and columns that the
    /// schema does not list are skipped; without, the schema lists every column in order. Default true.
    pub header: bool,
    /// What separates fields: one ASCII character, not a quote or a line end, or `whitespace` for a run of blanks and
    /// tabs. Default `,`.
    pub delimiter: Delimiter,
    /// Whether a field may stand in double quotes (`"a, b"`, a quote inside is doubled). Default true.
    pub quotes: bool,
    /// The character encoding, by its name on the web: `utf-8`, `windows-1252` (which also reads Latin-1), `utf-16le`,
    /// `shift_jis` and so on. A byte order mark overrules it. Default `utf-8`.
    pub encoding: Encoding,
    /// What stands before the fraction of a number: `.` or `,`. Default `.`.
    pub decimal: char,
    /// What groups the digits of a number by three, such as `,`, `.`, `'` or a blank; default none.
    pub thousands: Option<char>,
}

impl Default for CsvFormat {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl CsvFormat {
    /// A comma between fields, names on the first line, quotes, UTF-8, numbers with a point.
    pub const DEFAULT: Self = Self {
        header: true,
        delimiter: Delimiter::Char(','),
        quotes: true,
        encoding: Encoding(encoding_rs::UTF_8),
        decimal: '.',
        thousands: None,
    };

    /// Checks what cannot be told from one setting alone.
    ///
    /// # Errors
    /// `InvalidConfig` for a delimiter that cannot separate fields, or marks in numbers that cannot be told apart.
    pub(crate) fn validate(&self) -> Result<()> {
        self.delimiter_byte()?;
        if !matches!(self.decimal, '.' | ',') {
            return Err(Error::config("csv", "decimal", "'.' or ','", format!("{:?}", self.decimal)));
        }
        let Some(mark) = self.thousands else { return Ok(()) };
        let cuts_fields = mark == ' ' && self.delimiter == Delimiter::Whitespace;
        if mark == self.decimal
            || mark.is_alphanumeric()
            || matches!(mark, '+' | '-' | '"' | '\n' | '\r')
            || cuts_fields
        {
            let expected = "a character that is no letter, digit, sign or decimal mark and cuts no fields";
            return Err(Error::config("csv", "thousands", expected, format!("{mark:?}")));
        }
        Ok(())
    }

    /// The delimiter as a byte; for runs of blanks the tab that they are made into.
    ///
    /// # Errors
    /// `InvalidConfig` for a delimiter that cannot separate fields.
    pub(crate) fn delimiter_byte(&self) -> Result<u8> {
        let Delimiter::Char(delimiter) = self.delimiter else { return Ok(b'\t') };
        match u8::try_from(delimiter) {
            Ok(byte) if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(byte),
            _ => Err(Error::config(
                "csv",
                "delimiter",
                "one ASCII character, not a quote or a line end",
                format!("{delimiter:?}"),
            )),
        }
    }

    /// How numbers are written.
    pub(crate) fn numbers(&self) -> Numbers {
        Numbers { decimal: self.decimal, thousands: self.thousands }
    }
}

/// What separates fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Delimiter {
    /// One character.
    Char(char),
    /// Any number of blanks and tabs.
    Whitespace,
}

impl From<char> for Delimiter {
    fn from(delimiter: char) -> Self {
        Self::Char(delimiter)
    }
}

impl TryFrom<String> for Delimiter {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        let mut chars = text.chars();
        match (text.as_str(), chars.next(), chars.next()) {
            ("whitespace", ..) => Ok(Self::Whitespace),
            (_, Some(one), None) => Ok(Self::Char(one)),
            _ => Err(format!("delimiter must be one character or \"whitespace\", found {text:?}")),
        }
    }
}

impl From<Delimiter> for String {
    fn from(delimiter: Delimiter) -> Self {
        match delimiter {
            Delimiter::Char(one) => one.into(),
            Delimiter::Whitespace => "whitespace".into(),
        }
    }
}

/// A character encoding, by its name in the WHATWG standard.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Encoding(pub(crate) &'static encoding_rs::Encoding);

impl TryFrom<String> for Encoding {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        let known = encoding_rs::Encoding::for_label(text.trim().as_bytes());
        // The web's "replacement" stands for encodings that nobody should read.
        known.filter(|&e| e != encoding_rs::REPLACEMENT).map(Self).ok_or_else(|| {
            format!(
                "encoding must be a name such as utf-8, windows-1252, iso-8859-2, utf-16le or shift_jis, found {text:?}"
            )
        })
    }
}

impl Default for Encoding {
    /// UTF-8.
    fn default() -> Self {
        CsvFormat::DEFAULT.encoding
    }
}

impl From<Encoding> for String {
    fn from(encoding: Encoding) -> Self {
        encoding.0.name().to_ascii_lowercase()
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written() {
        let read = |text: &str| toml::from_str::<CsvFormat>(text);
        assert_eq!(read("").unwrap(), CsvFormat::DEFAULT);
        let format =
            read("delimiter = \"whitespace\"\nencoding = \"latin1\"\ndecimal = \",\"\nthousands = \".\"").unwrap();
        assert_eq!((format.delimiter, format.decimal, format.thousands), (Delimiter::Whitespace, ',', Some('.')));
        let text = toml::to_string(&format).unwrap();
        assert!(text.contains("encoding = \"windows-1252\""), "{text}");
        assert_eq!(read(&text).unwrap(), format);
        assert_eq!(read("delimiter = \";\"").unwrap().delimiter, ';'.into());
        for bad in [
            "headers = true",
            "delimiter = \"::\"",
            "encoding = \"utf-9\"",
            "encoding = \"iso-2022-kr\"",
            "decimal = \"..\"",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn settings_must_fit_together() {
        let byte = |delimiter: char| CsvFormat { delimiter: delimiter.into(), ..CsvFormat::DEFAULT }.delimiter_byte();
        assert_eq!(byte('\t').unwrap(), b'\t');
        for bad in ['"', '\n', 'é', '→'] {
            assert!(byte(bad).unwrap_err().to_string().starts_with("csv: delimiter must be one ASCII character"));
        }
        let refusal = |format: CsvFormat| format.validate().unwrap_err().to_string();
        assert!(refusal(CsvFormat { decimal: ';', ..CsvFormat::DEFAULT }).contains("decimal must be '.' or ','"));
        for thousands in ['.', '5', '-', 'x'] {
            let e = refusal(CsvFormat { thousands: Some(thousands), ..CsvFormat::DEFAULT });
            assert!(e.starts_with("csv: thousands must be a character"), "{e}");
        }
        let blanks = CsvFormat { thousands: Some(' '), ..CsvFormat::DEFAULT };
        assert!(blanks.validate().is_ok());
        assert!(refusal(CsvFormat { delimiter: Delimiter::Whitespace, ..blanks }).contains("thousands"));
    }
}
