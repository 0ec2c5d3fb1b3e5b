//! `model.json`: a description that knows whether it is whole.
//!
//! It is a [`crate::run::sealed_json`]: a checksum over `model` and `files`. `files` holds size and checksum of the files beside it.
//! Absent options are left out, never `null`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{description::Description, former};
use crate::{
    error::{Error, Result},
    run::sealed_json::{Opened, Sealed, sha256, this_program},
};

/// Version 2 names the data that a model was trained on; version 3 its inputs, see `former`.
const SEALED: Sealed = Sealed {
    format: "mtl-model",
    version: 3,
    what: "description of a model",
    again: "export the run again",
    fields: &["model", "files"],
};

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
        let manifest = Self { model, files: files.iter().map(entry).collect(), made_by: this_program() };
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
        let mut fields = Map::new();
        fields.insert("model".into(), without_nulls(serde_json::to_value(&self.model).map_err(unfit)?));
        fields.insert("files".into(), serde_json::to_value(&self.files).map_err(unfit)?);
        Ok(SEALED.write(fields, &self.made_by))
    }

    /// Reads and verifies the file; `path` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Package`] when it is no such file, of a newer version, changed or damaged.
    pub fn from_json(bytes: &[u8], path: &Path) -> Result<Self> {
        let refuse = |reason: String| Error::Package { path: path.to_owned(), reason };
        let Opened { mut fields, made_by, version } = SEALED.read(bytes).map_err(refuse)?;
        let unfit = |e: serde_json::Error| refuse(format!("cannot be used: {e}"));
        let mut take = |key: &str| fields.remove(key).unwrap_or_default();
        let (mut model, files) = (take("model"), take("files"));
        if version < 3 {
            former::name_inputs(&mut model).map_err(unfit)?;
        }
        let manifest = Self {
            model: serde_json::from_value(model).map_err(unfit)?,
            files: serde_json::from_value(files).map_err(unfit)?,
            made_by,
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
        let newer = refusal(r#"{"format":"mtl-model","version":4,"made_by":"mtl 9.0"}"#);
        assert!(
            newer.contains("has format version 4, this program reads up to 3; use the mtl that made it (\"mtl 9.0\")")
        );
        assert!(refusal(r#"{"format":"mtl-model","version":0}"#).contains("version must be in 1..=3"));
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
