//! Several sources with the same inputs and tasks, one after the other.

use std::{ops::Range, sync::Arc};

use mtl_core::batch::{Batch, Inputs, Target};
use mtl_core::{TorchContext, batch::TargetData};
use tch::Tensor;

use super::{Source, indices};
use crate::{
    error::{Error, Result},
    info::DataInfo,
};

/// All samples of the first source, then all of the second, and so on; sample ids are positions in the whole.
#[derive(Clone)]
pub struct Concat {
    sources: Vec<Arc<dyn Source>>,
    /// Where each source ends.
    ends: Vec<u64>,
    info: DataInfo,
}

impl Concat {
    /// Joins sources.
    ///
    /// # Errors
    /// `InvalidConfig` without a source, or when inputs or tasks differ.
    pub fn new(sources: Vec<Arc<dyn Source>>) -> Result<Self> {
        let refuse = |expected: &str, found: String| Err(Error::config("concat", "sources", expected, found));
        let Some(info) = sources.first().map(|source| source.info().clone()) else {
            return refuse("at least one", "none".into());
        };
        if let Some(odd) = sources.iter().position(|source| *source.info() != info) {
            return refuse("alike in inputs and tasks", format!("a difference between number 1 and {}", odd + 1));
        }
        let mut end = 0;
        let ends = sources.iter().map(|source| {
            end += source.len();
            end
        });
        Ok(Self { ends: ends.collect(), info, sources })
    }

    /// The source that holds a position, and the position in it.
    fn place(&self, position: u64) -> (usize, u64) {
        let at = self.ends.partition_point(|&end| end <= position);
        (at, position - at.checked_sub(1).map_or(0, |before| self.ends[before]))
    }
}

impl Source for Concat {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        indices("concat", self.len(), positions)?;
        // One batch per source that occurs, laid end to end, then put into the order asked for.
        let places: Vec<_> = positions.iter().map(|&position| self.place(position)).collect();
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|&at| places[at].0);
        let mut batches = Vec::new();
        for run in order.chunk_by(|&a, &b| places[a].0 == places[b].0) {
            let inner: Vec<u64> = run.iter().map(|&at| places[at].1).collect();
            batches.push(self.sources[places[run[0]].0].batch(&inner)?);
        }
        let Some(first) = batches.first() else {
            return self.sources[0].batch(&[]);
        };
        let mut back = vec![0; order.len()];
        for (at, &wanted) in order.iter().enumerate() {
            back[wanted] = at as i64;
        }
        let back = Tensor::f_from_slice(&back).op("concat")?;
        let join = |parts: &[&Tensor]| {
            Tensor::f_cat(parts, 0).and_then(|whole| whole.f_index_select(0, &back)).op("concat")
        };
        let mut inputs = Vec::new();
        for (name, _) in first.inputs.iter() {
            let parts = batches.iter().map(|batch| batch.inputs.get(name)).collect::<mtl_core::Result<Vec<_>>>()?;
            inputs.push((name.to_owned(), join(&parts)?));
        }
        let mut targets = Vec::new();
        for (task_idx, task) in self.info.tasks.iter().enumerate() {
            let parts: Option<Vec<&Target>> = batches.iter().map(|batch| batch.targets[task_idx].as_ref()).collect();
            let target = parts.map(|parts| {
                let tensors: Vec<&Tensor> = parts.iter().map(|part| tensor(part)).collect();
                remake(task.name.as_str(), parts[0], &join(&tensors)?)
            });
            targets.push(target.transpose()?);
        }
        Ok(Batch::new(Inputs::new(inputs)?, targets, positions.to_vec())?)
    }
}
