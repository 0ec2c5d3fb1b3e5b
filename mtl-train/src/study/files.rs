//! What the folder of a study holds beside its runs, and how a run of it is named and read back.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::{
    config::RunConfig,
    error::{Error, Result},
    run::{cost::Cost, dir::RunDir, json, outcome::Outcome},
};

/// The files of a study, below its folder.
///
/// | file | holds |
/// |---|---|
/// | `cells/`, `folds/`, `refit-*/` | a folder per run |
/// | `data.json` | what was fitted on the data, see [`crate::run::data`] |
/// | `NAME.json` | what was found |
/// | `NAME.html` | the same for people |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    root: PathBuf,
    name: &'static str,
}

impl Files {
    /// The files of a study of that name.
    #[must_use]
    pub(super) fn new(root: &Path, name: &'static str) -> Self {
        Self { root: root.to_owned(), name }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `NAME.json`.
    #[must_use]
    pub fn json(&self) -> PathBuf {
        self.root.join(self.name).with_extension("json")
    }

    /// `NAME.html`.
    #[must_use]
    pub fn html(&self) -> PathBuf {
        self.root.join(self.name).with_extension("html")
    }
}

/// Twelve hexadecimal digits that stand for a whole configuration, defaults included, and for what else `context` says.
/// Where the files of data lie does not matter: what they hold is compared, see
/// [`RunDir::check_data`](crate::run::dir::RunDir::check_data).
///
/// # Errors
/// As [`RunConfig::to_toml`].
pub fn fingerprint(config: &RunConfig, context: &str) -> Result<String> {
    let mut hash = Sha256::new();
    for part in ["mtl-cell-2", &config.without_places().to_toml()?, context] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    Ok(hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

/// What the run in a folder found out; `None` when it has not finished.
///
/// # Errors
/// [`Error::Checkpoint`] for a run of an older version, which did not write down what a study needs; as [`Outcome::at`].
pub(super) fn finished(root: &Path) -> Result<Option<(Outcome, Cost)>> {
    let Some(outcome) = Outcome::at(root)? else { return Ok(None) };
    match Cost::read(&RunDir::open(root)?)? {
        Some(cost) => Ok(Some((outcome, cost))),
        None => Err(Error::Checkpoint {
            path: root.to_owned(),
            reason: "this run was finished by an older version, which did not write down what it took; remove its folder to \
                     train it again"
                .into(),
        }),
    }
}

/// What a file of a run holds, `None` when there is none.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    json::read(path, |e| format!("is damaged ({e}); remove its folder to train that run again"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_fingerprint_tells_settings_and_context_apart() {
        let config = |seed: u64| {
            let text = format!("data = {{ kind = \"synthetic-mmoe\" }}\ntrain = {{ seed = {seed} }}");
            RunConfig::parse(&text, "test".as_ref()).unwrap()
        };
        let of = |seed, context| fingerprint(&config(seed), context).unwrap();
        assert_eq!(of(1, ""), of(1, ""));
        assert_ne!(of(1, ""), of(2, ""));
        assert_ne!(of(1, ""), of(1, "fold 1"));
    }

    #[test]
    fn runs_of_older_versions_are_not_taken_for_what_they_do_not_say() {
        let folder = tempfile::tempdir().unwrap();
        assert!(finished(folder.path()).unwrap().is_none());
        fs::write(folder.path().join("config.toml"), "").unwrap();
        assert!(finished(folder.path()).unwrap().is_none());
        fs::write(folder.path().join("metrics.json"), "{}").unwrap();
        assert!(finished(folder.path()).unwrap_err().to_string().contains("older version"));
        fs::write(folder.path().join("metrics.json"), "{").unwrap();
        assert!(finished(folder.path()).unwrap_err().to_string().contains("damaged"));
    }
}
