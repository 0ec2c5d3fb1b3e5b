//! What the settings of a data set are asked, before a file is read and for its samples.
//!
//! They are a serde type that implements [`DatasetPart`], ours and those from outside; what each has to keep to:
//!
//! * Every file goes through the [`Loading`]: [`text`](Loading::text), [`bytes`](Loading::bytes), under a role of its
//!   own. So a run knows what its files held, and says so when they hold something else.
//! * What is learned of training samples (vocabularies, scales) goes through [`learn`](Loading::learn), and lies in a
//!   [`CustomPreprocessing`](crate::preprocess::CustomPreprocessing). So a run keeps it, uses it again and predicts by it.
//! * Splits depend on settings and files alone, and go through [`cut`](Loading::cut) or [`finish`](Loading::finish);
//!   others are refused.

use std::fmt::Debug;

use mtl_core::{answer::AnswerTag, task::TaskName};

use super::Splits;
use crate::{
    error::{Error, Result},
    kept::Loading,
};

/// The settings of a data set, ours or from outside: what [`DatasetConfig::register`](super::DatasetConfig::register) takes.
///
/// A configuration can be completed (a default encoder, `--set task.income.weight=2` for a task that the file does not list) and
/// checked although its data is far away, because settings alone say of which tasks and inputs it will be.
pub trait DatasetPart: Debug + Send + Sync {
    /// The tasks in order, with the kind of their answers, before a file is read: those that [`load`](Self::load) gives.
    ///
    /// # Errors
    /// `InvalidConfig` for settings that name none.
    fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>>;

    /// Reads or generates the samples, and learns from those of training what there is to learn, unless a run has learned it.
    ///
    /// # Errors
    /// Those of the `loading`; whatever is wrong in a file, with its place ([`Error::Field`](crate::Error::Field),
    /// [`Error::Line`](crate::Error::Line)); `InvalidConfig` for a setting out of range.
    fn load(&self, loading: &mut Loading<'_>) -> Result<Splits>;

    /// As [`load`](Self::load), for a check: reads what can be read, and says all that is wrong; `None` where nothing can be read.
    /// Stops at the first fault, unless overridden.
    fn examine(&self, loading: &mut Loading<'_>) -> (Option<Splits>, Vec<Error>) {
        match self.load(loading) {
            Ok(splits) => (Some(splits), Vec::new()),
            Err(e) => (None, vec![e]),
        }
    }

    /// The settings that say where files are and nothing about what they hold, first that of the folder, which `--data-dir` sets.
    /// Empty, as it is unless overridden, for samples that are generated.
    fn places(&self) -> &'static [&'static str] {
        &[]
    }

    /// Forgets where files are that [`places`](Self::places) does not name: paths in a list, and those that say something by being
    /// there. Nothing, unless overridden.
    fn forget_places(&mut self) {}

    /// Whether the inputs are pictures: which encoder a run has that names none. Neither pictures nor texts are fields of a table.
    fn has_pictures(&self) -> bool {
        false
    }

    /// Whether the inputs are texts.
    fn has_texts(&self) -> bool {
        false
    }
}
