//! What a cache folder should contain, written into the folder itself.
//!
//! A manifest records where a folder came from and the size and SHA-256 of each file worth checking.
//! Sizes are compared on every use (a few `stat` calls), digests by `cargo xtask doctor`: a truncated
//! copy is noticed at once, a flipped bit on request. The file is named `mtl-manifest.json`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::digest;

const FILE_NAME: &str = "mtl-manifest.json";

/// Contents of one cache folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// What the folder is, with its version: `libtorch 2.11.0 cpu`, `census-income`.
    pub(crate) content: String,
    /// Archives or folders it was made from, with the digest of each archive.
    pub(crate) sources: Vec<Source>,
    /// Files that must be there.
    pub(crate) files: Vec<FileEntry>,
}

/// Where the files came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// File name of an archive, or the words `local folder`.
    pub(crate) name: String,
    /// Digest of the archive; none for a folder.
    pub(crate) sha256: Option<String>,
}

/// One file of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    /// Path below the folder, with forward slashes.
    pub(crate) path: String,
    /// Size in bytes.
    pub(crate) size: u64,
    /// SHA-256 in hex.
    pub(crate) sha256: String,
}

impl FileEntry {
    /// Measures `dir/path`.
    pub(crate) fn of(dir: &Path, path: &str) -> Result<Self> {
        let full = dir.join(path);
        let size = fs::metadata(&full).with_context(|| format!("cannot read {}", full.display()))?.len();
        Ok(Self { path: path.to_owned(), size, sha256: digest::sha256(&full)? })
    }
}

impl Manifest {
    /// Reads the manifest of `dir`; none if the folder has none.
    pub(crate) fn load(dir: &Path) -> Result<Option<Self>> {
        let path = dir.join(FILE_NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        serde_json::from_str(&text).map(Some).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Writes the manifest into `dir`.
    pub(crate) fn save(&self, dir: &Path) -> Result<()> {
        let path = dir.join(FILE_NAME);
        let mut text = serde_json::to_string_pretty(self).context("cannot encode the manifest")?;
        text.push('\n');
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The first file that is missing or has another size, in words.
    pub(crate) fn size_fault(&self, dir: &Path) -> Option<String> {
        self.files.iter().find_map(|file| file.size_fault(dir))
    }

    /// The first file whose content differs, in words. Reads every byte.
    pub(crate) fn content_fault(&self, dir: &Path) -> Result<Option<String>> {
        for file in &self.files {
            if let Some(fault) = file.size_fault(dir) {
                return Ok(Some(fault));
            }
            let found = digest::sha256(&dir.join(&file.path))?;
            if found != file.sha256 {
                return Ok(Some(format!("{}: sha256 {found}, expected {}", file.path, file.sha256)));
            }
        }
        Ok(None)
    }
}

impl FileEntry {
    fn size_fault(&self, dir: &Path) -> Option<String> {
        match fs::metadata(dir.join(&self.path)) {
            Err(_) => Some(format!("{} is missing", self.path)),
            Ok(meta) if meta.len() != self.size => {
                Some(format!("{} has {} bytes, expected {}", self.path, meta.len(), self.size))
            }
            Ok(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Manifest) {
        let tmp = tempfile::tempdir().unwrap();
        fs::write(tmp.path().join("a.csv"), "1,2\n").unwrap();
        let manifest = Manifest {
            content: "made-up".into(),
            sources: vec![],
            files: vec![FileEntry::of(tmp.path(), "a.csv").unwrap()],
        };
        (tmp, manifest)
    }

    #[test]
    fn manifest_survives_the_disk() {
        let (tmp, manifest) = folder();
        assert_eq!(Manifest::load(tmp.path()).unwrap(), None);
        manifest.save(tmp.path()).unwrap();
        assert_eq!(Manifest::load(tmp.path()).unwrap(), Some(manifest));
    }

    #[test]
    fn sizes_notice_truncation_and_digests_notice_a_changed_byte() {
        let (tmp, manifest) = folder();
        assert_eq!(manifest.content_fault(tmp.path()).unwrap(), None);
        fs::write(tmp.path().join("a.csv"), "1,3\n").unwrap();
        assert_eq!(manifest.size_fault(tmp.path()), None);
        assert!(manifest.content_fault(tmp.path()).unwrap().unwrap().contains("sha256"));
        fs::write(tmp.path().join("a.csv"), "1").unwrap();
        assert_eq!(manifest.size_fault(tmp.path()).unwrap(), "a.csv has 1 bytes, expected 4");
        fs::remove_file(tmp.path().join("a.csv")).unwrap();
        assert_eq!(manifest.size_fault(tmp.path()).unwrap(), "a.csv is missing");
    }

    #[test]
    fn a_damaged_manifest_is_an_error_that_names_the_file() {
        let (tmp, _) = folder();
        fs::write(tmp.path().join(FILE_NAME), "{").unwrap();
        let error = Manifest::load(tmp.path()).unwrap_err();
        assert!(format!("{error:#}").contains(FILE_NAME));
    }
}
