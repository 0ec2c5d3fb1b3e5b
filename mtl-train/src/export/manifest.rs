//! `model.json`: a description that knows whether it is whole.
//!
//! ```json
//! { "format": "mtl-model", "version": 1, "made_by": "mtl 0.1.0", "sha256": "..", "model": { .. }, "files": [ .. ] }
//! ```
//! The checksum is of `files` and `model`, written without white space and with sorted keys, so that a file may be laid
//! out anew but not changed: preprocessing that differs from training gives wrong answers without a word. `files` holds
//! size and checksum of the files beside it. Absent options are left out, never `null`.

use std::{fmt::Write as _, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::description::Description;
use crate::error::{Error, Result};

const FORMAT: &str = "mtl-model";
/// Rises when a reader of the version before would misunderstand the file.
const VERSION: u64 = 1;

/// A description with what is needed to trust it.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// What the model is.
    pub model: Description,
    /// The files beside it.
    pub files: Vec<FileEntry>,
    /// The program that wrote it.
    pub made_by: String,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name in the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// A manifest for these files.
    ///
    /// # Errors
    /// [`Error::Package`] for a model that would not read back as it is.
    pub fn new(model: Description, files: &[(&str, Vec<u8>)]) -> Result<Self> {
        let entry = |(name, bytes): &(&str, Vec<u8>)| FileEntry {
            name: (*name).to_owned(),
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        };
        let made_by = format!("mtl {}", env!("CARGO_PKG_VERSION"));
        let manifest = Self { model, files: files.iter().map(entry).collect(), made_by };
        let again = Self::from_json(manifest.to_json()?.as_bytes(), "model.json".as_ref())?;
        if again != manifest {
            let reason = "this model has a setting that JSON cannot hold, such as an infinite number".into();
            return Err(Error::Package { path: "model.json".into(), reason });
        }
        Ok(manifest)
    }

    /// The text of the file.
    ///
    /// # Errors
    /// [`Error::Package`] for a value that JSON cannot hold.
    pub fn to_json(&self) -> Result<String> {
        let unfit = |e: serde_json::Error| Error::Package { path: "model.json".into(), reason: e.to_string() };
        let model = without_nulls(serde_json::to_value(&self.model).map_err(unfit)?);
        let files = serde_json::to_value(&self.files).map_err(unfit)?;
        let checksum = checksum(&model, &files);
        let whole = json!({
            "format": FORMAT, "version": VERSION, "made_by": self.made_by, "sha256": checksum,
            "model": model, "files": files,
        });
        Ok(format!("{whole:#}\n"))
    }

    /// Reads and verifies the file; `path` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Package`] when it is no such file, of a newer version, changed or damaged.
    pub fn from_json(bytes: &[u8], path: &Path) -> Result<Self> {
        let refuse = |reason: String| Error::Package { path: path.to_owned(), reason };
        let no_json = |e: serde_json::Error| refuse(format!("is no description of a model, it is no JSON: {e}"));
        let whole: Value = serde_json::from_slice(bytes).map_err(no_json)?;
        let text = |key: &str| whole.get(key).and_then(Value::as_str).unwrap_or_default();
        if text("format") != FORMAT {
            let found = quoted(text("format"));
            return Err(refuse(format!("is no description of a model: format must be {FORMAT:?}, found {found}")));
        }
        match whole.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => {
                return Err(refuse(format!(
                    "has format version {newer}, this program reads up to {VERSION}; use the mtl that made it ({}) or a \
                     newer one, or export the run again with this one",
                    quoted(text("made_by"))
                )));
            }
            _ => return Err(refuse(format!("is damaged: version must be in 1..={VERSION}"))),
        }
        let (Some(model), Some(files)) = (whole.get("model"), whole.get("files")) else {
            return Err(refuse("is damaged: model or files is missing".into()));
        };
        if text("sha256") != checksum(model, files) {
            return Err(refuse("is damaged or was edited: its checksum does not match; export the run again".into()));
        }
        let unfit = |e: serde_json::Error| refuse(format!("cannot be used: {e}"));
        let manifest = Self {
            model: Description::deserialize(model).map_err(unfit)?,
            files: Vec::deserialize(files).map_err(unfit)?,
            made_by: text("made_by").to_owned(),
        };
        manifest.model.validate().map_err(|e| refuse(format!("cannot be used: {e}")))?;
        Ok(manifest)
    }

    /// The entry of a file, if it is part of the package.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&FileEntry> {
        self.files.iter().find(|file| file.name == name)
    }
}

impl FileEntry {
    /// Refuses other bytes than those that were exported.
    pub(super) fn verify(&self, bytes: &[u8], path: &Path) -> Result<()> {
        let refuse = |reason| Err(Error::Package { path: path.to_owned(), reason });
        if bytes.len() as u64 != self.bytes {
            return refuse(format!("is damaged: expected {} bytes, found {}", self.bytes, bytes.len()));
        }
        if sha256(bytes) != self.sha256 {
            return refuse("is damaged, or of another model: its checksum is not the one in model.json".into());
        }
        Ok(())
    }
}

fn checksum(model: &Value, files: &Value) -> String {
    sha256(json!({ "files": files, "model": model }).to_string().as_bytes())
}

/// SHA-256 in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The value without fields that are null: readers take an absent option for none, and TOML, in which the parts of a
/// model are configured, has no null.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, v)| !v.is_null());
            Value::Object(kept.map(|(key, v)| (key, without_nulls(v))).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// A text from a file, fit for a one-line message.
fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(60).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let e = Manifest::from_json(text.as_bytes(), "m.json".as_ref()).unwrap_err().to_string();
        assert_eq!(e.lines().count(), 1, "{e}");
        e
    }

    #[test]
    fn foreign_and_newer_files_are_refused_with_advice() {
        assert!(refusal("junk").starts_with("m.json: is no description of a model, it is no JSON"));
        assert!(refusal("[1]").contains("format must be \"mtl-model\", found \"\""));
        assert!(refusal(r#"{"format":"a\nb"}"#).contains(r#"found "a\nb""#));
        let newer = refusal(r#"{"format":"mtl-model","version":2,"made_by":"mtl 9.0"}"#);
        assert!(
            newer.contains("has format version 2, this program reads up to 1; use the mtl that made it (\"mtl 9.0\")")
        );
        assert!(refusal(r#"{"format":"mtl-model","version":0}"#).contains("version must be in 1..=1"));
        assert!(refusal(r#"{"format":"mtl-model","version":1}"#).contains("model or files is missing"));
        let edited = r#"{"format":"mtl-model","version":1,"model":{},"files":[],"sha256":""}"#;
        assert!(refusal(edited).contains("damaged or was edited"));
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(refusal(&deep).contains("no JSON"));
    }

    #[test]
    fn nulls_are_left_out_at_any_depth() {
        let value = json!({ "a": null, "b": [{ "c": null, "d": 1 }], "e": { "f": null } });
        assert_eq!(without_nulls(value), json!({ "b": [{ "d": 1 }], "e": {} }));
    }

    #[test]
    fn a_file_is_compared_byte_by_byte() {
        let entry = FileEntry { name: "w".into(), bytes: 3, sha256: sha256(b"abc") };
        assert_eq!(entry.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        entry.verify(b"abc", "w".as_ref()).unwrap();
        let refusal = |bytes: &[u8]| entry.verify(bytes, "w".as_ref()).unwrap_err().to_string();
        assert_eq!(refusal(b"ab"), "w: is damaged: expected 3 bytes, found 2");
        assert!(refusal(b"abd").contains("checksum"));
    }
}
