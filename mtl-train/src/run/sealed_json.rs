//! A JSON file that knows what it is and whether it is whole.
//!
//! ```json
//! { "format": "mtl-model", "version": 2, "made_by": "mtl 0.1.0", "sha256": "..", "model": { .. }, "files": [ .. ] }
//! ```
//! The checksum is of everything beside the four header fields, written without white space and with sorted keys, so that a
//! file may be laid out anew but not changed: facts that differ from training give wrong answers without a word.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// A kind of file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sealed {
    /// Its name in the file.
    pub(crate) format: &'static str,
    /// The version that is written; rises when a reader of the version before would misunderstand or refuse the file.
    pub(crate) version: u64,
    /// What it is, for messages: `description of a model`.
    pub(crate) what: &'static str,
    /// How to get a new one: `export the run again`.
    pub(crate) again: &'static str,
    /// The fields that it must have.
    pub(crate) fields: &'static [&'static str],
}

/// What was in a file that is whole.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The fields beside the header.
    pub(crate) fields: Map<String, Value>,
    /// The program that wrote it.
    pub(crate) made_by: String,
    /// The version it was written in: what is older has to be made what it is now.
    pub(crate) version: u64,
}

impl Sealed {
    /// The text of a file with these fields.
    pub(crate) fn write(self, fields: Map<String, Value>, made_by: &str) -> String {
        let checksum = checksum(&fields);
        let mut whole = Map::new();
        whole.insert("format".into(), json!(self.format));
        whole.insert("version".into(), json!(self.version));
        whole.insert("made_by".into(), json!(made_by));
        whole.insert("sha256".into(), json!(checksum));
        whole.extend(fields);
        format!("{:#}\n", Value::Object(whole))
    }

    /// Verifies a file; the error says what is wrong and what to do.
    pub(crate) fn read(self, bytes: &[u8]) -> std::result::Result<Opened, String> {
        let Self { format, version, what, again, .. } = self;
        let whole: Value = serde_json::from_slice(bytes).map_err(|e| format!("is no {what}, it is no JSON: {e}"))?;
        let text = |key: &str| whole.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        if text("format") != format {
            return Err(format!("is no {what}: format must be {format:?}, found {}", quoted(&text("format"))));
        }
        let written = match whole.get("version").and_then(Value::as_u64) {
            Some(found) if (1..=version).contains(&found) => found,
            Some(newer) if newer > version => {
                return Err(format!(
                    "has format version {newer}, this program reads up to {version}; use the mtl that made it ({}) or a \
                     newer one, or {again} with this one",
                    quoted(&text("made_by"))
                ));
            }
            _ => return Err(format!("is damaged: version must be in 1..={version}")),
        };
        let (made_by, expected) = (text("made_by"), text("sha256"));
        let Value::Object(mut fields) = whole else { return Err(format!("is no {what}")) };
        ["format", "version", "made_by", "sha256"].iter().for_each(|key| drop(fields.remove(*key)));
        if !self.fields.iter().all(|key| fields.contains_key(*key)) {
            return Err(format!("is damaged: {} is missing", self.fields.join(" or ")));
        }
        if checksum(&fields) != expected {
            return Err(format!("is damaged or was edited: its checksum does not match; {again}"));
        }
        Ok(Opened { fields, made_by, version: written })
    }
}

/// The program that writes files now.
pub(crate) fn this_program() -> String {
    format!("mtl {}", env!("CARGO_PKG_VERSION"))
}

fn checksum(fields: &Map<String, Value>) -> String {
    sha256(json!(fields).to_string().as_bytes())
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A text from a file, fit for a one-line message.
fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(60).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Sealed =
        Sealed { format: "mtl-test", version: 2, what: "test file", again: "make it again", fields: &["a"] };

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let mut fields = Map::new();
        fields.insert("a".into(), json!({ "z": 0.1, "b": [1] }));
        let text = KIND.write(fields.clone(), "mtl 9");
        let opened = KIND.read(text.as_bytes()).unwrap();
        assert_eq!((opened.fields, opened.made_by.as_str()), (fields, "mtl 9"));
        // The layout does not matter, a digit does.
        let dense: Value = serde_json::from_str(&text).unwrap();
        KIND.read(dense.to_string().as_bytes()).unwrap();
        let refusal = |text: &str| KIND.read(text.as_bytes()).unwrap_err();
        assert!(
            refusal(&text.replace("0.1", "0.2")).contains("damaged or was edited: its checksum does not match; make")
        );
        assert!(refusal(&text.replace("\"version\": 2", "\"version\": 3")).contains("reads up to 2; use the mtl that"));
        assert!(refusal(&text.replace("\"version\": 2", "\"version\": 0")).ends_with("version must be in 1..=2"));
        assert!(refusal(&text.replace("\"a\"", "\"b\"")).ends_with("a is missing"));
        assert!(refusal("[]").starts_with("is no test file: format must be"));
    }
}
