//! What a run remembers of its data: one file in its folder, written when it starts.
//!
//! ```text
//! mtl train, a cell of a study          --> data.json        what was fitted, how it was cut, which files it came from
//! predict, export                       <-- data.json        nothing else: the data may be gone
//! eval, explain, report, affinity,
//! --resume, a study that goes on        <-- data.json + data files, compared with what they held; nothing is fitted anew
//! ```
//! What the file says of the data is [`mtl_data::Kept`]; here it is stored with a checksum and read back.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use mtl_core::label_stats::LabelStats;
use mtl_data::{DatasetConfig, Kept, OnChange, Splits, kept::Reloaded};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    run::sealed_json::{Opened, Sealed, sha256, this_program},
    train::checkpoint::write_atomic,
};

/// The name of the file.
pub const FILE: &str = "data.json";

/// Version 2 names inputs and says how files become them.
const SEALED: Sealed = Sealed {
    format: "mtl-run-data",
    version: 2,
    what: "record of a run's data",
    again: "train the run again",
    fields: &["data"],
};

/// Everything that a run remembers of its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunData {
    /// Settings, files, what was learned of them, how they were cut.
    pub data: Kept,
    /// Statistics of the training labels, in the order of the run's tasks: constant answers are made of them. Empty for what
    /// the runs of a study share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelStats>,
}

/// How to load the data of a run that was trained before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopen {
    /// The folder of its files; `None` for where the configuration says.
    pub data_dir: Option<PathBuf>,
    /// What to do about a file that changed.
    pub on_change: OnChange,
}

impl Default for Reopen {
    fn default() -> Self {
        Self { data_dir: None, on_change: OnChange::Refuse }
    }
}

impl RunData {
    /// What there is to remember of `splits`, loaded from `config`.
    #[must_use]
    pub fn of(config: &DatasetConfig, splits: &Splits) -> Self {
        Self { data: Kept::of(config, splits), labels: Vec::new() }
    }

    /// With the statistics of the training labels.
    #[must_use]
    pub fn with_labels(self, labels: Vec<LabelStats>) -> Self {
        Self { labels, ..self }
    }

    /// Writes it into a folder, all or nothing.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Checkpoint`] for a value that would not read back as it is.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let refuse = |reason: String| Error::Checkpoint { path: path.clone(), reason };
        let fields = match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => Map::new(),
            Err(e) => return Err(refuse(e.to_string())),
        };
        let text = SEALED.write(fields, &this_program());
        if Self::parse(text.as_bytes()).map_err(refuse)? != *self {
            return Err(refuse(
                "what was learned of the data holds something that JSON cannot: an infinite number?".into(),
            ));
        }
        write_atomic(&path, text.as_bytes())
    }

    /// Reads it from a run's folder.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when the folder is of an older version, which kept nothing, or the file is damaged;
    /// [`Error::Io`] when it cannot be read.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let reason = "is not there: this folder is of an older version of mtl, which did not keep what it fitted; \
                              train again, or use the mtl that made it";
                return Err(Error::Checkpoint { path, reason: reason.into() });
            }
            Err(e) => return Err(Error::io(path, "cannot read", e)),
        };
        Self::parse(&bytes).map_err(|reason| Error::Checkpoint { path, reason })
    }

    fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let Opened { mut fields, version, .. } = SEALED.read(bytes)?;
        if version < 2 {
            let former = Kept::of_version_1(fields.remove("data").unwrap_or_default());
            let data = former.map_err(|e| format!("cannot be used: {e}"))?;
            fields.insert("data".into(), serde_json::to_value(data).map_err(|e| format!("cannot be used: {e}"))?);
        }
        let found: Self = serde_json::from_value(Value::Object(fields)).map_err(|e| format!("cannot be used: {e}"))?;
        found.data.validate().map_err(|e| format!("cannot be used: {e}"))?;
        Ok(found)
    }

    /// The start of a digest of settings and contents, which names the data in a model card: the same data have the same,
    /// wherever they lie.
    #[must_use]
    pub fn short_print(&self) -> String {
        // Settings are plain numbers and texts: they always have a JSON form.
        let mut all = serde_json::to_string(&self.data.settings).unwrap_or_default();
        self.data.provenance.files.iter().for_each(|file| all += &file.content.sha256);
        sha256(all.as_bytes()).chars().take(12).collect()
    }

    /// Loads the data with what was learned of them when the run started.
    ///
    /// # Errors
    /// As [`Kept::load`].
    pub fn reload(&self, config: &DatasetConfig, how: &Reopen) -> Result<Reloaded> {
        let mut config = config.clone();
        if let Some(dir) = &how.data_dir {
            config.set_dir(dir)?;
        }
        Ok(self.data.load(&config, how.on_change)?)
    }
}

/// The data of a study below `root`: loaded as they were when it started, if it has started with these settings.
///
/// # Errors
/// As [`RunData::load`] and [`Kept::load`]: [`mtl_data::Error::Changed`] for a file that changed since.
pub fn of_study(root: &Path, config: &DatasetConfig) -> Result<Splits> {
    if root.join(FILE).exists() {
        let known = RunData::load(root)?;
        if known.data.settings == config.without_places() {
            return Ok(known.reload(config, &Reopen::default())?.splits);
        }
    }
    Ok(config.load()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> (DatasetConfig, RunData) {
        let config: DatasetConfig = toml::from_str("kind = \"synthetic-mmoe\"\ntrain = 20").unwrap();
        let data = RunData::of(&config, &config.load().unwrap());
        (config, data)
    }

    #[test]
    fn it_reads_back_as_it_was_or_not_at_all() {
        let (config, data) = data();
        let folder = tempfile::tempdir().unwrap();
        let e = RunData::load(folder.path()).unwrap_err().to_string();
        assert!(
            e.contains("data.json: is not there: this folder is of an older version") && e.lines().count() == 1,
            "{e}"
        );
        data.save(folder.path()).unwrap();
        assert_eq!(RunData::load(folder.path()).unwrap(), data);
        assert_eq!(data.reload(&config, &Reopen::default()).unwrap().changes, Vec::<String>::new());
        let path = folder.path().join(FILE);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("20", "21", 1)).unwrap();
        let e = RunData::load(folder.path()).unwrap_err().to_string();
        assert!(e.contains("is damaged or was edited") && e.ends_with("train the run again"), "{e}");
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert!(RunData::load(folder.path()).unwrap_err().to_string().contains("it is no JSON"));
    }

    #[test]
    fn other_settings_are_another_data_set() {
        let (_, data) = data();
        let other: DatasetConfig = toml::from_str("kind = \"synthetic-mmoe\"\ntrain = 21").unwrap();
        let e = data.reload(&other, &Reopen::default()).unwrap_err().to_string();
        assert!(e.contains("the settings that the run was trained on"), "{e}");
        let moved = Reopen { data_dir: Some("elsewhere".into()), ..Reopen::default() };
        let e = data.reload(&data.data.settings.clone(), &moved).unwrap_err().to_string();
        assert!(e.contains("a data set of files"), "{e}");
    }
}
