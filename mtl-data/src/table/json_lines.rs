//! JSON lines: an object a line, which becomes a row of the text that the parser knows.
//!
//! ```text
//! {"age": 31, "job": "clerk"}          age,job,tags
//! {"age": null, "tags": ["a", "b"]}    31,clerk,
//!                                      ,,"[""a"",""b""]"
//! ```
//! A file with names is taken for that if it begins with `{"`, which begins no header of CSV. Columns are the keys of its first 4 MiB, in the order in which they come; a key
//! that comes later for the first time is refused, as rows before it went without. A key that an object lacks and `null` are the empty
//! text. Lists and objects are cells in the spelling of JSON: a `set` or a `vector` reads a list with `separator = ","`. A line feed
//! inside a text becomes a blank, so that every row stays on the line on which its object stands.

use std::{borrow::Cow, collections::HashMap, fmt, path::PathBuf};

use rayon::prelude::*;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::format::{CsvFormat, Delimiter};
use crate::error::{Error, Result, quoted};

/// Bytes in which keys are looked for.
const LOOK: usize = 4 << 20;
/// Lines that a thread converts together.
const LINES: usize = 512;

/// Whether a text whose columns have names begins with an object.
pub(super) fn is_it(text: &[u8], format: &CsvFormat) -> bool {
    let inside = text.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    format.header && inside.is_some_and(|inside| matches!(inside.first(), Some(b'"' | b'}')))
}

/// Objects on their way to rows.
#[derive(Debug)]
pub(super) struct JsonLines {
    path: PathBuf,
    delimiter: u8,
    quotes: bool,
    decimal: char,
    /// The columns with their places, once they are known.
    names: Option<HashMap<String, usize>>,
    /// Text that is not converted yet.
    held: Vec<u8>,
    /// The line on which it begins, counted from 1.
    line: u64,
}

impl JsonLines {
    /// # Errors
    /// `InvalidConfig` for a delimiter that can separate nothing.
    pub(super) fn new(path: PathBuf, format: &CsvFormat) -> Result<Self> {
        let delimiter = format.delimiter_byte()?;
        // Runs of blanks were made tabs for the parser.
        let quotes = format.quotes || format.delimiter == Delimiter::Whitespace;
        Ok(Self { path, delimiter, quotes, decimal: format.decimal, names: None, held: Vec::new(), line: 1 })
    }

    /// Converts the whole lines that there are, once the columns are known.
    ///
    /// # Errors
    /// [`Error::Line`] for a line that is no object, or has a key twice or one that is new.
    pub(super) fn push(&mut self, piece: &[u8], is_last: bool, rows: &mut Vec<u8>) -> Result<()> {
        self.held.extend_from_slice(piece);
        if self.names.is_none() && self.held.len() < LOOK && !is_last {
            return Ok(());
        }
        let end = if is_last { self.held.len() } else { memchr::memrchr(b'\n', &self.held).map_or(0, |at| at + 1) };
        let mut text = std::mem::take(&mut self.held);
        self.held = text.split_off(end);
        let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        // What stands behind the last line end is no line.
        if lines.last().is_some_and(|line| line.trim_ascii().is_empty()) {
            lines.pop();
        }
        let names = match self.names.take() {
            Some(names) => names,
            None => self.names_of(&lines, rows)?,
        };
        let converted: Vec<std::result::Result<Vec<u8>, (usize, String)>> =
            lines.par_chunks(LINES).enumerate().map(|(chunk, lines)| self.rows(&names, chunk * LINES, lines)).collect();
        for of_chunk in converted {
            rows.extend(of_chunk.map_err(|(at, found)| self.fault(at, found))?);
        }
        self.line += lines.len() as u64;
        self.names = Some(names);
        Ok(())
    }

    /// The keys in the order in which they come, and the header of them.
    fn names_of(&self, lines: &[&[u8]], rows: &mut Vec<u8>) -> Result<HashMap<String, usize>> {
        let mut names: Vec<String> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim_ascii().is_empty()) {
            let found = object(line, |key, _| {
                if !places.contains_key(&*key) {
                    places.insert(key.clone().into_owned(), names.len());
                    names.push(key.into_owned());
                }
                Ok(())
            });
            found.map_err(|found| self.fault(at, found))?;
        }
        let cells: Vec<Cow<'_, str>> = names.iter().map(|name| one_line(name)).collect();
        self.write(&cells, rows).map_err(|found| self.fault(0, found))?;
        Ok(places)
    }

    fn rows(
        &self,
        names: &HashMap<String, usize>,
        first: usize,
        lines: &[&[u8]],
    ) -> std::result::Result<Vec<u8>, (usize, String)> {
        let mut rows = Vec::with_capacity(lines.iter().map(|line| line.len()).sum());
        let mut cells = vec![Cow::Borrowed(""); names.len()];
        let mut seen = vec![usize::MAX; names.len()];
        for (at, line) in (first..).zip(lines) {
            if line.trim_ascii().is_empty() {
                rows.push(b'\n');
                continue;
            }
            cells.fill(Cow::Borrowed(""));
            let of_line = object(line, |key, value| {
                let place = *names.get(&*key).ok_or_else(|| {
                    format!("the key {}, which no object of the first {} MiB has", quoted(&key), LOOK >> 20)
                })?;
                if seen[place] == at {
                    return Err(format!("the key {} twice", quoted(&key)));
                }
                seen[place] = at;
                cells[place] = Cow::Owned(self.cell(value));
                Ok(())
            });
            of_line.and_then(|()| self.write(&cells, &mut rows)).map_err(|found| (at, found))?;
        }
        Ok(rows)
    }

    fn cell(&self, value: Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::Bool(is) => is.to_string(),
            Value::Number(number) if self.decimal == '.' => number.to_string(),
            Value::Number(number) => number.to_string().replace('.', &self.decimal.to_string()),
            Value::String(text) => one_line(&text).into_owned(),
            Value::Array(_) | Value::Object(_) => value.to_string(),
        }
    }

    /// A row; fields are quoted where they must be.
    fn write(&self, cells: &[Cow<'_, str>], rows: &mut Vec<u8>) -> std::result::Result<(), String> {
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                rows.push(self.delimiter);
            }
            let bytes = cell.as_bytes();
            let is_plain = !bytes.contains(&self.delimiter)
                && (!self.quotes || !bytes.contains(&b'"') && bytes.trim_ascii().len() == bytes.len());
            match (is_plain, self.quotes) {
                (true, _) => rows.extend_from_slice(bytes),
                (false, true) => {
                    rows.push(b'"');
                    rows.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
                    rows.push(b'"');
                }
                (false, false) => {
                    return Err(format!("a text with the delimiter in it, where quotes = false: {}", quoted(cell)));
                }
            }
        }
        rows.push(b'\n');
        Ok(())
    }

    fn fault(&self, at: usize, found: String) -> Error {
        let expected = "an object in JSON, with the keys of the first ones".to_owned();
        Error::Line { path: self.path.clone(), line: self.line + at as u64, expected, found }
    }
}

fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\r']) { Cow::Owned(text.replace(['\n', '\r'], " ")) } else { Cow::Borrowed(text) }
}

/// Gives every key of an object with its value to `take`.
fn object<'l>(
    line: &'l [u8],
    take: impl FnMut(Cow<'l, str>, Value) -> std::result::Result<(), String>,
) -> std::result::Result<(), String> {
    struct Pairs<F>(F);

    impl<'de, F: FnMut(Cow<'de, str>, Value) -> std::result::Result<(), String>> Visitor<'de> for Pairs<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> std::result::Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                let value = map.next_value()?;
                (self.0)(Cow::Owned(key), value).map_err(A::Error::custom)?;
            }
            Ok(())
        }
    }

    impl<'de, F: FnMut(Cow<'de, str>, Value) -> std::result::Result<(), String>> DeserializeSeed<'de> for Pairs<F> {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
            deserializer.deserialize_map(self)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let read = Pairs(take).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    read.map_err(|e| {
        // The line that JSON knows is the only one.
        let said = e.to_string();
        said.split(" at line ").next().unwrap_or(&said).to_owned()
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::{
        source::Source,
        table::{FittedSchema, Schema, Table},
    };

    const SCHEMA: &str = r#"columns = [
        { name = "age", kind = "numeric", missing = "mean" },
        { name = "job", kind = "categorical" },
        { name = "tags", kind = "set", separator = "," },
        { name = "at", kind = "vector", separator = ",", length = 2 },
        { name = "y", kind = "label", label = "class" },
    ]"#;
    const OBJECTS: &str = concat!(
        r#"{"age": 31, "job": "a \"b\", c", "y": true, "at": [1, 2.5], "other": {"deep": [1]}}"#,
        "\n",
        r#"{"age": null, "job": "x\ny", "tags": ["u", "v"], "y": false, "at": [3, -1e3]}"#,
        "\r\n",
        "\n",
        r#"{"tags": ["v"], "job": "", "y": true, "at": [0, 0], "age": 1.5}"#,
    );
    const ROWS: &str =
        "age,job,y,at,tags\n31,\"a \"\"b\"\", c\",true,1;2.5,\n,x y,false,3;-1000,u;v\n\n1.5,,true,0;0,v\n";

    fn read(bytes: &[u8], separator: &str) -> Result<Table> {
        let schema: Schema =
            toml::from_str(&SCHEMA.replace("separator = \",\"", &format!("separator = \"{separator}\""))).unwrap();
        Table::parse("t.jsonl".as_ref(), bytes, &CsvFormat::DEFAULT, &schema)
    }

    #[test]
    fn objects_are_the_rows_that_a_csv_file_has() {
        let (csv, json) = (read(ROWS.as_bytes(), ";").unwrap(), read(OBJECTS.as_bytes(), ",").unwrap());
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(OBJECTS.as_bytes()).unwrap();
        // Gaps are no numbers, and equal to nothing.
        let shown = |table: &Table| format!("{:?}", table.columns());
        assert_eq!(shown(&read(&packer.finish().unwrap(), ",").unwrap()), shown(&json));
        assert_eq!((0..3).map(|row| json.line(row)).collect::<Vec<_>>(), [1, 2, 4], "lines of the file");
        assert_eq!(json.content().columns, ["age", "job", "y", "at", "other", "tags"]);
        let encoded = |table: &Table, separator: &str| {
            let schema =
                toml::from_str(&SCHEMA.replace("separator = \",\"", &format!("separator = \"{separator}\""))).unwrap();
            let fitted = FittedSchema::fit(&schema, table, &[0, 1, 2]).unwrap();
            let batch = fitted.encode(table).unwrap().batch(&[0, 1, 2]).unwrap();
            let codes = Vec::<i64>::try_from(batch.inputs.get("categorical").unwrap().view(-1)).unwrap();
            let numbers = Vec::<f32>::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap();
            (codes, numbers, fitted)
        };
        let ((codes, numbers, fitted), (same_codes, same_numbers, _)) = (encoded(&json, ","), encoded(&csv, ";"));
        assert_eq!((&codes, &numbers), (&same_codes, &same_numbers));
        // In prediction, from a reader, in blocks.
        let text = OBJECTS.replace("\r\n\n", "\n");
        let rows = fitted.parse_inputs("p".as_ref(), text.as_bytes(), &CsvFormat::DEFAULT).unwrap();
        let blocks: Vec<_> = rows.map(|block| block.unwrap().len()).collect();
        assert_eq!(blocks, [3]);
    }

    #[test]
    fn faults_have_their_line_and_key() {
        let refusal = |text: &str| read(text.as_bytes(), ",").unwrap_err().to_string();
        let good = r#"{"age": 1, "job": "a", "tags": [], "at": [1, 2], "y": 1}"#;
        assert_eq!(
            refusal(&format!("{good}\n{}", good.replace("\"age\": 1", "\"age\": \"old\""))),
            r#"t.jsonl:2: column "age": expected a finite number, found "old""#
        );
        let e = refusal(&format!("{good}\n{}", good.replace("[1, 2]", "[1]")));
        assert_eq!(e, r#"t.jsonl:2: column "at": expected 2 numbers between ',', found "[1]""#);
        for (line, part) in [
            ("[1]", "found invalid type: sequence, expected an object"),
            ("{\"age\": 1", "found EOF while parsing an object"),
            (r#"{"age": 1, "age": 2}"#, r#"found the key "age" twice"#),
            (r#"{"age": 1} x"#, "found trailing characters"),
        ] {
            let e = refusal(&format!("{good}\n{line}\n"));
            assert!(e.starts_with("t.jsonl:2: expected an object in JSON") && e.contains(part), "{e}");
        }
        assert!(refusal(&good.replace("\"job\"", "\"Job\"")).contains(r#"t.jsonl:1: expected a column named "job""#));
        let late =
            format!("{}{}", format!("{good}\n").repeat(LOOK / good.len() + 1), good.replace("\"job\"", "\"new\""));
        let e = refusal(&late);
        assert!(e.contains(r#"the key "new", which no object of the first 4 MiB has"#), "{e}");
        // A file without names may begin as it likes.
        let format = CsvFormat { header: false, ..CsvFormat::DEFAULT };
        assert!(
            is_it(b" { \"a\"", &CsvFormat::DEFAULT)
                && !is_it(b"{a,b}", &CsvFormat::DEFAULT)
                && !is_it(b"{\"a", &format)
        );
    }
}
