//! From raw files to inputs where samples come from several sources: each has files of its own kind.

use mtl_core::{
    input::{InputSpec, Inputs},
    task::TaskName,
};
use serde::{Deserialize, Serialize};

use super::Preprocessing;
use crate::error::{Error, Result};

/// How samples of one of several sources become inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceReading {
    /// The source.
    pub name: String,
    /// The tasks that its samples have labels of, and are answered for.
    pub tasks: Vec<TaskName>,
    /// Its inputs, under the names that they have among those of all sources.
    pub inputs: InputSpec,
    /// What these are called where they are read, in the same order.
    pub read_as: Vec<String>,
    /// From its raw files to inputs; `None` for what cannot be read from a file.
    pub raw: Option<Box<Preprocessing>>,
}

impl SourceReading {
    /// The name that an input has among those of all sources.
    #[must_use]
    pub fn input<'s>(&'s self, read_as: &'s str) -> &'s str {
        let at = self.read_as.iter().position(|own| own == read_as);
        at.and_then(|at| self.inputs.iter().nth(at)).map_or(read_as, |(name, _)| name)
    }

    /// Inputs as they were read, under the names that they have among those of all sources.
    ///
    /// # Errors
    /// `Duplicate` for two of one name.
    pub fn named(&self, inputs: Inputs) -> Result<Inputs> {
        Ok(inputs.renamed(|name| self.input(name).to_owned())?)
    }

    /// The same the other way: inputs as they were read.
    ///
    /// # Errors
    /// `Duplicate` for two of one name.
    pub fn as_read(&self, inputs: Inputs) -> Result<Inputs> {
        let read_as = |name: &str| {
            let at = self.inputs.iter().position(|(own, _)| own == name);
            at.and_then(|at| self.read_as.get(at)).map_or_else(|| name.to_owned(), Clone::clone)
        };
        Ok(inputs.renamed(read_as)?)
    }

    /// The inputs under the names that they are read as.
    ///
    /// # Errors
    /// `Duplicate` for two of one name.
    pub fn read_inputs(&self) -> Result<InputSpec> {
        let named = self.inputs.iter().zip(&self.read_as);
        Ok(InputSpec::new(named.map(|((_, modality), name)| (name.clone(), modality.clone())))?)
    }

    /// # Errors
    /// `InvalidConfig` for names that do not fit the inputs, or inputs that its files do not give.
    fn validate(&self) -> Result<()> {
        let refuse = |expected: &str, found: &str| {
            Err(Error::config("preprocessing", "sources", format!("{expected} of {}", self.name), found))
        };
        if self.read_as.len() != self.inputs.len() {
            return refuse("a name for each input", "another number");
        }
        let Some(raw) = &self.raw else { return Ok(()) };
        let read = raw.inputs()?;
        let renamed = read.iter().map(|(name, modality)| (self.input(name), modality.clone()));
        match InputSpec::new(renamed)? == self.inputs {
            true => Ok(()),
            false => refuse("the inputs that the files give", "others"),
        }
    }
}

/// The inputs of all sources.
///
/// # Errors
/// As [`InputSpec::joined`]; `InvalidConfig` for a source whose files do not give its inputs.
pub(super) fn inputs(sources: &[SourceReading]) -> Result<InputSpec> {
    sources.iter().try_for_each(SourceReading::validate)?;
    Ok(InputSpec::joined(sources.iter().map(|source| (source.name.as_str(), &source.inputs)))?)
}

/// Whether two sources mean the same by an input of one name, which both describe alike: codes stand for the same texts. Numbers and
/// pixels need not be scaled alike, since each source's own scale makes them comparable.
pub(crate) fn mean_the_same(a: Option<&Preprocessing>, b: Option<&Preprocessing>, input: &str) -> bool {
    match (a, b) {
        (Some(Preprocessing::Text { fitted: a }), Some(Preprocessing::Text { fitted: b })) => {
            let words = |fitted: &crate::text::FittedTexts| {
                fitted.inputs.iter().find(|own| own.name == input).map(|own| own.vocabulary.clone())
            };
            a.lowercase == b.lowercase && words(a) == words(b)
        }
        (Some(Preprocessing::Table { fitted: a, .. }), Some(Preprocessing::Table { fitted: b, .. })) => {
            a.inputs().get(input).is_ok_and(|modality| modality.name() != "categorical")
                || a.vocabularies().eq(b.vocabularies())
        }
        (Some(Preprocessing::Custom(a)), Some(Preprocessing::Custom(b))) => a.get().settings() == b.get().settings(),
        (
            Some(Preprocessing::Pictures { .. } | Preprocessing::PictureFiles { .. }),
            Some(Preprocessing::Pictures { .. } | Preprocessing::PictureFiles { .. }),
        ) => true,
        // Nobody knows how they are read: then the description is all there is.
        (None, None) => true,
        (
            None
            | Some(
                Preprocessing::Text { .. }
                | Preprocessing::Table { .. }
                | Preprocessing::Custom(_)
                | Preprocessing::Pictures { .. }
                | Preprocessing::PictureFiles { .. }
                | Preprocessing::Sources { .. },
            ),
            _,
        ) => false,
    }
}
