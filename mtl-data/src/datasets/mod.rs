//! Data sets by name: what a config file's `[data]` table can say.
//!
//! ```
//! use mtl_data::datasets::DatasetConfig;
//!
//! let config: DatasetConfig = toml::from_str("kind = \"synthetic-mmoe\"\ncorrelation = 0.5")?;
//! let data = config.load()?;
//! assert_eq!((data.info.inputs.describe().as_str(), data.info.tasks.len()), ("numeric (100 numeric fields)", 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A new data set is a file here with a config struct that is a [`DatasetPart`], and a line in the registry below; one from
//! outside is the same, and registered. It says itself how raw files become its inputs ([`Splits::preprocessing`]), for
//! prediction: nobody guesses that from what they look like. It hands every file to its [`Loading`], which compares it with
//! what a run kept, see [`crate::kept`].

mod census_income;
mod csv;
mod fashion_pairs;
mod idx_files;
mod parallel_text;
mod part;
mod sources;
mod synthetic_mmoe;

pub use census_income::CensusIncome;
pub use csv::CsvFiles;
pub use fashion_pairs::FashionPairsConfig;
pub use idx_files::{IdxFiles, IdxImages, IdxPart, IdxTask};
pub use parallel_text::{NewLabels, ParallelText, TextInput, TextTaskFile};
pub use part::DatasetPart;
pub use sources::{LoadedSource, SourceTasks, Sources};
pub(crate) use synthetic_mmoe::preprocessing as synthetic_preprocessing;
pub use synthetic_mmoe::{SyntheticMmoe, SyntheticTargets};

use std::{
    env,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use mtl_core::{answer::AnswerTag, task::TaskName};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    finding::Finding,
    info::DataInfo,
    kept::{Loading, Provenance},
    preprocess::Preprocessing,
    source::{Source, Subset},
    split::Dealt,
    table::FittedSchema,
};

mtl_core::registry! {
    /// A data set and its settings.
    pub enum DatasetConfig, what = "data set", outside = DatasetPart {
        CensusIncome(CensusIncome) = "census-income", "income and never-married from 39 columns of the 1994-95 US census (UCI KDD)";
        FashionPairs(FashionPairsConfig) = "fashion-pairs", "two garments composed into one picture, ten classes each";
        Csv(CsvFiles) = "csv", "your own CSV files, described by a schema";
        Idx(IdxFiles) = "idx", "your own pictures in idx files, one file of labels per task";
        ParallelText(ParallelText) = "parallel-text", "your own texts in parallel files, a line a sample: classes, tags, sequences";
        SyntheticMmoe(SyntheticMmoe) = "synthetic-mmoe", "two generated tasks of adjustable relatedness, from the MMoE paper";
        Sources(Sources) = "sources", "several data sets with tasks of their own, a table [data.<name>] each";
    }
}

impl DatasetConfig {
    /// Reads or generates the data set, and learns from its training samples what there is to learn.
    ///
    /// # Errors
    /// [`Error::NoFile`] or [`Error::Absent`] for a file that is not there, [`Error::Io`] for one that cannot be read;
    /// whatever is wrong in a file, with its place; `InvalidConfig` for a setting outside its range, and for a data set
    /// from outside whose splits were not [finished](Loading::finish).
    pub fn load(&self) -> Result<Splits> {
        self.load_with(&mut Loading::default())
    }

    pub(crate) fn load_with(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        let splits = self.part().load(loading)?;
        loading.expect_finished(self.name())?;
        Ok(splits)
    }

    /// The tasks in order, with the kind of their answers; how many classes there are is known when labels have been read.
    ///
    /// # Errors
    /// `InvalidConfig` for a schema whose columns do not name tasks.
    pub fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        self.part().tasks()
    }

    /// The sources, where there are several.
    #[must_use]
    pub fn sources(&self) -> Option<&Sources> {
        match self {
            Self::Sources(sources) => Some(sources),
            Self::CensusIncome(_)
            | Self::FashionPairs(_)
            | Self::Csv(_)
            | Self::Idx(_)
            | Self::ParallelText(_)
            | Self::SyntheticMmoe(_)
            | Self::Outside(_) => None,
        }
    }

    /// Whether the inputs are pictures; what are neither pictures nor [texts](Self::has_texts) are fields of a table.
    #[must_use]
    pub fn has_pictures(&self) -> bool {
        self.part().has_pictures()
    }

    /// Whether the inputs are texts.
    #[must_use]
    pub fn has_texts(&self) -> bool {
        self.part().has_texts()
    }

    /// The same settings without the places of files: all that they say about the samples.
    #[must_use]
    pub fn without_places(&self) -> Self {
        // Settings of which one has its default again were read before, but for what a type refuses together.
        let mut same = self.without(self.part().places()).unwrap_or_else(|_| self.clone());
        match same.edit(|part| part.forget_places()) {
            Ok(()) => same,
            Err(_) => self.clone(),
        }
    }

    /// Says that its files are in `dir`, whatever the settings said.
    ///
    /// # Errors
    /// `InvalidConfig` for a data set without files, and for several sources, each of which has its own folder.
    pub fn set_dir(&mut self, dir: &Path) -> Result<()> {
        if let Self::Sources(_) = self {
            return Err(Error::config("data", "dir", "one data set: set data.<name>.dir for each source", "several"));
        }
        let Some(key) = self.part().places().first() else {
            return Err(Error::config("data", "dir", "a data set of files", "one that is generated"));
        };
        let moved = self.with(key, dir.to_string_lossy().into());
        *self = moved.map_err(|e| Error::config("data", "dir", "a folder", format!("{}: {e}", dir.display())))?;
        Ok(())
    }

    /// Reads what can be read, and says all that is wrong, for a check. `None` where nothing can be read.
    #[must_use]
    pub fn examine(&self) -> (Option<Splits>, Vec<Error>) {
        self.examine_with(&mut Loading::default())
    }

    pub(crate) fn examine_with(&self, loading: &mut Loading<'_>) -> (Option<Splits>, Vec<Error>) {
        let (splits, mut faults) = self.part().examine(loading);
        match splits.map(|splits| loading.expect_finished(self.name()).map(|()| splits)).transpose() {
            Ok(splits) => (splits, faults),
            Err(e) => {
                faults.push(e);
                (None, faults)
            }
        }
    }
}

/// Where samples come from, for reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// From files.
    Real,
    /// From a generator.
    Synthetic,
}

/// A data set, cut in three; all parts have the same inputs, tasks and codes.
#[derive(Clone)]
pub struct Splits {
    /// What is learned from, vocabularies and scales included.
    pub train: Arc<dyn Source>,
    /// What models are chosen by.
    pub validation: Arc<dyn Source>,
    /// What is reported.
    pub test: Arc<dyn Source>,
    /// What encoders and heads need to know.
    pub info: DataInfo,
    /// From raw files to these inputs, what was learned included, to be saved with the model; `None` for inputs that
    /// cannot be read from a file.
    pub preprocessing: Option<Preprocessing>,
    /// Where the samples come from.
    pub origin: Origin,
    /// Which files the samples are from, and how they were cut.
    pub provenance: Provenance,
    /// What looked wrong while the data was loaded, for a person to judge.
    pub findings: Vec<Finding>,
    /// How its samples were dealt to the parts, for whoever cuts the training part again.
    pub dealt: Dealt,
    /// The data sets that these are made of, where there are several sources.
    pub sources: Vec<LoadedSource>,
}

impl std::fmt::Debug for Splits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Splits")
            .field("train", &self.train.len())
            .field("validation", &self.validation.len())
            .field("test", &self.test.len())
            .field("tasks", &self.info.tasks)
            .finish_non_exhaustive()
    }
}

impl Splits {
    /// What was learned of a table's columns; `None` for data that are no table.
    #[must_use]
    pub fn fitted(&self) -> Option<&FittedSchema> {
        self.preprocessing.as_ref().and_then(Preprocessing::table)
    }

    /// Two parts of one source of real samples, and another for testing.
    pub(crate) fn new(
        whole: &Arc<dyn Source>,
        train: Vec<u64>,
        validation: Vec<u64>,
        test: Arc<dyn Source>,
        preprocessing: Option<Preprocessing>,
    ) -> Result<Self> {
        let subset = |positions| -> Result<Arc<dyn Source>> { Ok(Arc::new(Subset::new(whole.clone(), positions)?)) };
        Ok(Self {
            train: subset(train)?,
            validation: subset(validation)?,
            test,
            info: whole.info().clone(),
            preprocessing,
            origin: Origin::Real,
            provenance: Provenance::default(),
            findings: Vec::new(),
            dealt: Dealt::default(),
            sources: Vec::new(),
        })
    }
}

/// The folder in which data sets and libtorch are kept: `$MTL_CACHE`, else `$XDG_CACHE_HOME/mtl`, else `~/.cache/mtl`.
///
/// # Errors
/// [`Error::NoCache`] when none of `MTL_CACHE`, `XDG_CACHE_HOME` and `HOME` is set.
pub fn cache_dir() -> Result<PathBuf> {
    choose_cache(|name| env::var_os(name).map(PathBuf::from)).ok_or(Error::NoCache)
}

fn choose_cache(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // An empty variable means unset, as in the XDG rules.
    let set = |name| variable(name).filter(|value| !value.as_os_str().is_empty());
    set("MTL_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("mtl")))
        .or_else(|| set("HOME").map(|dir| dir.join(".cache").join("mtl")))
}

/// The folder of one's own files: `dir` as it is, or, where it is relative and not here, below `MTL_DATA_DIR` if it is there; the current
/// one without `dir`.
#[must_use]
pub fn located(dir: Option<&Path>) -> PathBuf {
    dir.map_or_else(PathBuf::new, |dir| below(dir, env::var_os("MTL_DATA_DIR").map(PathBuf::from)))
}

fn below(dir: &Path, all: Option<PathBuf>) -> PathBuf {
    // The empty path is the current folder, which is here, though no file of that name exists.
    let is_here = dir.as_os_str().is_empty() || dir.exists();
    match all {
        Some(all) if dir.is_relative() && !is_here && all.join(dir).is_dir() => all.join(dir),
        _ => dir.to_owned(),
    }
}

/// What is said of a file of one's own that is not there: where else it is looked for, too.
pub(crate) fn absent(e: Error) -> Error {
    match e {
        Error::Io { path, source } if source.kind() == ErrorKind::NotFound => Error::Absent { path },
        e => e,
    }
}

/// The folder of a data set: `dir` if it is given, else `data/<name>` in the cache.
///
/// # Errors
/// As [`cache_dir`], unless `dir` is given.
pub fn dataset_dir(dir: Option<&Path>, name: &str) -> Result<PathBuf> {
    match dir {
        Some(dir) => Ok(dir.to_owned()),
        None => Ok(cache_dir()?.join("data").join(name)),
    }
}

/// Tasks of those names, all with such answers.
fn named(names: &[&str], answers: AnswerTag) -> Result<Vec<(TaskName, AnswerTag)>> {
    names.iter().map(|name| Ok((TaskName::new(name)?, answers))).collect()
}

/// A file of a known data set, if it is there.
fn file(dir: &Path, name: &str, dataset: &'static str) -> Result<PathBuf> {
    let path = dir.join(name);
    if path.is_file() { Ok(path) } else { Err(Error::NoFile { path, dataset }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_here_is_looked_for_among_all_data() {
        let all = tempfile::tempdir().unwrap();
        std::fs::create_dir(all.path().join("atis-of-a-test")).unwrap();
        let found = |dir: &str| below(dir.as_ref(), Some(all.path().to_owned()));
        assert_eq!(found("atis-of-a-test"), all.path().join("atis-of-a-test"));
        assert_eq!(found("src"), Path::new("src"), "what is here comes first");
        assert_eq!(found("nowhere"), Path::new("nowhere"));
        assert_eq!(below("atis-of-a-test".as_ref(), None), Path::new("atis-of-a-test"));
        assert_eq!(found(""), Path::new(""), "the current folder is here");
        assert_eq!(located(None), Path::new(""), "whatever the environment says");
    }

    #[test]
    fn the_cache_is_found_as_xtask_finds_it() {
        let with = |set: &[(&str, &str)]| {
            choose_cache(|name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into()))
        };
        assert_eq!(with(&[("MTL_CACHE", "/a"), ("HOME", "/h")]), Some("/a".into()));
        assert_eq!(with(&[("MTL_CACHE", ""), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")]), Some("/x/mtl".into()));
        assert_eq!(with(&[("HOME", "/h")]), Some("/h/.cache/mtl".into()));
        assert_eq!(with(&[]), None);
        assert_eq!(dataset_dir(Some("/d".as_ref()), "x").unwrap(), Path::new("/d"));
    }
}
