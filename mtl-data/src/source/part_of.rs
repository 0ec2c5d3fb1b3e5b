//! One part of a source alone: the samples of one of several data sets, with its inputs.

use std::sync::Arc;

use mtl_core::batch::{Batch, Target};

use super::{Source, SourcePart};
use crate::{
    error::{Error, Result},
    info::DataInfo,
};

/// The samples of one part of a source; the tasks are those of the whole, of which the part has labels of some.
#[derive(Clone)]
pub struct PartOf {
    source: Arc<dyn Source>,
    part: SourcePart,
    info: DataInfo,
}

impl PartOf {
    /// The part of that name.
    ///
    /// # Errors
    /// `UnknownName`, listing the parts there are.
    pub fn new(source: Arc<dyn Source>, name: &str) -> Result<Self> {
        let parts = source.parts();
        let Some(part) = parts.iter().find(|part| part.name == name).cloned() else {
            let known = parts.into_iter().map(|part| part.name).collect();
            return Err(mtl_core::Error::UnknownName { what: "source", name: name.to_owned(), known }.into());
        };
        let DataInfo { inputs, tasks } = source.info();
        let set = inputs.sets().iter().find(|set| set.is_of(name));
        let inputs = set.map_or_else(|| Ok(inputs.clone()), |set| inputs.of_set(set))?;
        Ok(Self { info: DataInfo { inputs, tasks: tasks.clone() }, part, source })
    }

    fn inner(&self, positions: &[u64]) -> Result<Vec<u64>> {
        let SourcePart { start, len, .. } = self.part;
        let inner = |&found: &u64| match found < len {
            true => Ok(start + found),
            false => Err(Error::Position { what: "part", len, found }),
        };
        positions.iter().map(inner).collect()
    }
}

impl Source for PartOf {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.part.len
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        match positions {
            // No sample is of whichever part the source takes first.
            [] => self.source.batch(&[self.part.start]).and_then(|one| Ok(one.select(&[])?)),
            positions => self.source.batch(&self.inner(positions)?),
        }
    }

    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        self.source.targets(&self.inner(positions)?)
    }

    fn parts(&self) -> Vec<SourcePart> {
        vec![SourcePart { start: 0, ..self.part.clone() }]
    }
}

impl std::fmt::Debug for PartOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PartOf({}, {} samples)", self.part.name, self.part.len)
    }
}
