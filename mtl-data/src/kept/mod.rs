//! What a run keeps of its data, so that what was fitted belongs to the run and not to whatever the files say later.
//!
//! ```text
//! first load   files -> contents, learned facts, cut     Kept::of         written into the run's folder
//! any later    files -> same contents? -> kept facts     Kept::load       nothing is learned anew
//! no files     kept facts                                Kept::info, ..   answers for new rows
//! ```
//! Codes, classes and scales mean something only together with the weights that were trained on them. A vocabulary that is
//! learned again from a file that changed swaps categories without a word; so it is learned once. Files are compared by what
//! they hold, never by time or place: a copy elsewhere, or one that is compressed, is the same file.
//!
//! | file | what it holds |
//! |---|---|
//! | `content.rs` | [`Content`], [`FilePrint`]: what a file held, and how another differs from it |
//! | `cut.rs` | [`Cut`], [`Part`]: which samples were learned from, validated and tested on |
//! | `difference.rs` | the first fact that two fits disagree about, in words |
//! | `former.rs` | what earlier versions kept, as it is kept now |
//! | `loading.rs` | [`Loading`]: one pass over a data set's files, with or without kept facts |
//! | `own.rs` | the same for data sets from outside |
//!
//! # Examples
//! ```
//! use mtl_data::{DatasetConfig, Kept, OnChange};
//!
//! let config: DatasetConfig = toml::from_str("kind = \"synthetic-mmoe\"\ntrain = 50")?;
//! let kept = Kept::of(&config, &config.load()?);
//! let again = kept.load(&config, OnChange::Refuse)?; // the same samples, bit for bit
//! assert_eq!(Kept::of(&config, &again.splits), kept);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod content;
mod cut;
mod difference;
mod former;
mod loading;
mod own;

use std::{collections::BTreeMap, sync::Arc};

pub use content::{Content, FilePrint};
pub use cut::{Cut, Part};
pub use loading::Loading;
use serde::{Deserialize, Serialize};

use crate::{
    datasets::{DatasetConfig, LoadedSource, Origin, Splits},
    error::{Error, Result},
    info::DataInfo,
    preprocess::Preprocessing,
    source::{Source, Subset},
    table::FittedSchema,
};

/// Which files samples came from, and how they were cut.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Every file that was read, in the order of the data set's settings; none for generated samples.
    pub files: Vec<FilePrint>,
    /// Which samples are in which split.
    pub cut: Cut,
    /// The same of each source, where there are several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, Cut>,
}

/// Everything that a run has to remember of its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The data set's settings, without the places of its files.
    pub settings: DatasetConfig,
    /// Where its samples come from.
    pub origin: Origin,
    /// Inputs and tasks: fields, cardinalities, classes.
    pub info: DataInfo,
    /// From raw files to inputs, with what was learned: vocabularies, means, scales; `None` for inputs that cannot be
    /// read from a file.
    pub preprocessing: Option<Preprocessing>,
    /// The files, and how they were cut.
    pub provenance: Provenance,
}

/// What to do about a file that is not the one that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    /// Refuse it.
    Refuse,
    /// Refuse it, and say what would allow it.
    Offer(&'static str),
    /// Use it with the kept facts, and tell of it in [`Reloaded::changes`].
    Allow,
}

/// A data set that was loaded with kept facts.
#[derive(Debug)]
pub struct Reloaded {
    /// The samples.
    pub splits: Splits,
    /// What is not as it was, file by file: a line each. Empty unless changes are allowed.
    pub changes: Vec<String>,
}

impl Kept {
    /// What is to be kept of `splits`, loaded from `config`.
    #[must_use]
    pub fn of(config: &DatasetConfig, splits: &Splits) -> Self {
        Self {
            settings: config.without_places(),
            origin: splits.origin,
            info: splits.info.clone(),
            preprocessing: splits.preprocessing.clone(),
            provenance: splits.provenance.clone(),
        }
    }

    /// Loads the data set again, with what was learned the first time. `config` says where its files are now.
    ///
    /// # Errors
    /// [`Error::Changed`] or [`Error::Gone`] naming a file that is not what it was, unless changes are allowed;
    /// [`Error::Cut`] when its splits are cut otherwise; `InvalidConfig` when `config` is another data set, or has
    /// other settings; those of [`DatasetConfig::load`].
    pub fn load(&self, config: &DatasetConfig, on_change: OnChange) -> Result<Reloaded> {
        if config.without_places() != self.settings {
            let expected = "the data set and the settings that the run was trained on";
            return Err(Error::config("data", "kind", expected, format!("others, of {}", config.name())));
        }
        let mut loading = Loading::with(self, on_change);
        let splits = config.load_with(&mut loading)?;
        Ok(Reloaded { splits, changes: loading.into_changes() })
    }

    /// What is kept of one of several sources, as if it were all.
    pub(crate) fn of_source(&self, source: &str) -> Self {
        let reading = self.preprocessing.as_ref().and_then(|p| p.source(source).ok());
        let own = |file: &FilePrint| {
            let role = file.role.strip_prefix(source)?.strip_prefix(": ")?.to_owned();
            Some(FilePrint { role, ..file.clone() })
        };
        let files = self.provenance.files.iter().filter_map(own).collect();
        let cut = self.provenance.sources.get(source).cloned().unwrap_or_default();
        Self {
            preprocessing: reading.and_then(|reading| reading.raw.as_deref().cloned()),
            provenance: Provenance { files, cut, ..Provenance::default() },
            ..self.clone()
        }
    }

    /// What was learned of a table's columns; `None` for data that are no table.
    #[must_use]
    pub fn fitted(&self) -> Option<&FittedSchema> {
        self.preprocessing.as_ref().and_then(Preprocessing::table)
    }

    /// Checks one that was read from a file.
    ///
    /// # Errors
    /// `InvalidConfig` naming what cannot be; those of [`FittedSchema::validate`], of [`Preprocessing::inputs`]
    /// and of [`InputSpec::validate`](mtl_core::input::InputSpec::validate).
    pub fn validate(&self) -> Result<()> {
        let refuse = |field, expected: &str, found: String| Err(Error::config("kept data", field, expected, found));
        self.info.inputs.validate()?;
        if let Some(preprocessing) = &self.preprocessing
            && preprocessing.inputs()? != self.info.inputs
        {
            return refuse("info", "the inputs that preprocessing gives", "others".into());
        }
        if let Some(fitted) = self.fitted()
            && fitted.info()?.tasks.iter().map(|task| &task.name).ne(self.info.tasks.iter().map(|task| &task.name))
        {
            return refuse("info", "the tasks that the fitted schema has", "others".into());
        }
        if let Some(texts) = self.preprocessing.as_ref().and_then(Preprocessing::texts)
            && texts.info()?.tasks != self.info.tasks
        {
            return refuse("info", "the tasks that the fitted texts have", "others".into());
        }
        if self.provenance.cut.train.samples == 0 {
            return refuse("cut", "at least one sample to learn from", "none".into());
        }
        self.provenance.files.iter().try_for_each(FilePrint::validate)
    }

    /// The first thing in which `now` differs, in words; `None` when both are the same.
    #[must_use]
    pub fn difference(&self, now: &Self) -> Option<String> {
        if self.settings != now.settings {
            return Some("the settings of [data] are others".into());
        }
        let learned = || difference::of_learned(self.preprocessing.as_ref(), now.preprocessing.as_ref());
        for file in &self.provenance.files {
            match now.provenance.files.iter().find(|other| other.role == file.role) {
                None => return Some(format!("{} is not read any more", file.name)),
                Some(other) => {
                    if let Some(what) = file.content.difference(&other.content) {
                        let fact = learned();
                        return Some(format!("content of {} changed ({})", file.name, fact.unwrap_or(what)));
                    }
                }
            }
        }
        if let Some(fact) = learned() {
            return Some(fact);
        }
        if self.provenance.cut != now.provenance.cut {
            return Some(format!("splits were cut {}, are cut {}", self.provenance.cut, now.provenance.cut));
        }
        (self != now).then(|| "what was learned of the data differs".into())
    }
}

impl Splits {
    /// Training samples of which some are learned from and others validated and tested on: a fold of a cross-validation.
    ///
    /// # Errors
    /// [`Error::Position`] for a sample that the training part does not have; as [`Subset::new`].
    pub fn recut(&self, learn: &[u64], held_out: &[u64]) -> Result<Self> {
        let part = |positions: &[u64]| -> Result<Arc<dyn Source>> {
            Ok(Arc::new(Subset::new(self.train.clone(), positions.to_vec())?))
        };
        let cut = Cut { train: Part::at(learn), validation: Part::at(held_out), test: Part::at(held_out) };
        let judging = part(held_out)?;
        let mut sources = Vec::with_capacity(self.sources.len());
        for (source, place) in self.sources.iter().zip(self.train.parts()) {
            let own = |positions: &[u64]| -> Vec<u64> {
                let here = positions.iter().filter(|at| (place.start..place.start + place.len).contains(at));
                here.map(|at| at - place.start).collect()
            };
            let splits = source.splits.recut(&own(learn), &own(held_out))?;
            sources.push(LoadedSource { name: source.name.clone(), splits });
        }
        let cuts = sources.iter().map(|source| (source.name.clone(), source.splits.provenance.cut.clone())).collect();
        Ok(Self {
            train: part(learn)?,
            validation: judging.clone(),
            test: judging,
            provenance: Provenance { cut, sources: cuts, ..self.provenance.clone() },
            dealt: self.dealt.of(learn),
            sources,
            ..self.clone()
        })
    }
}
