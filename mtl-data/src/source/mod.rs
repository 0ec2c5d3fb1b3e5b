//! Sources: where samples come from, by position.
//!
//! A [`Source`] turns positions into a [`Batch`]; it keeps no cursor and no order, so one source serves any number of
//! loaders and threads at once. Adapters ([`Subset`], [`Concat`], [`Joined`], [`ForTasks`], [`Restored`]) are sources too.

mod concat;
mod folds;
mod for_tasks;
mod joined;
mod pairs;
mod part_of;
mod pictures;
mod restored;
mod rows;
mod subset;
mod texts;

pub use concat::Concat;
pub use folds::Folds;
pub use for_tasks::ForTasks;
pub use joined::{Joined, Member};
pub use mtl_core::answer::{Cells, Labels};
pub(crate) use pairs::Garments;
pub use pairs::{FashionPairs, PAIR_SIDE, Scaling};
pub use part_of::PartOf;
pub use pictures::Pictures;
pub use restored::Restored;
pub use rows::{Codes, TableSource};
pub use subset::{Subset, split};
pub use texts::{TextSource, Texts};

use std::sync::Arc;

use mtl_core::batch::{Batch, Target};

use crate::{
    error::{Error, Result},
    info::DataInfo,
};

/// Random access to the samples of a data set.
///
/// # Examples
/// An own source is one `impl`; loaders, splits and mixers then work with it:
/// ```
/// use mtl_core::{answer::Answer, batch::{Batch, Target}, input::{InputSpec, Inputs}, task::TaskName};
/// use mtl_data::{DataInfo, Loader, LoaderConfig, Result, Source, TaskInfo};
/// use tch::Tensor;
///
/// /// Is the number even?
/// struct Parity(DataInfo);
///
/// impl Source for Parity {
///     fn info(&self) -> &DataInfo {
///         &self.0
///     }
///     fn len(&self) -> u64 {
///         100
///     }
///     fn batch(&self, positions: &[u64]) -> Result<Batch> {
///         let xs: Vec<f32> = positions.iter().map(|&p| p as f32).collect();
///         let ys: Vec<i64> = positions.iter().map(|&p| i64::from(p % 2 == 0)).collect();
///         let inputs = Inputs::new(vec![("numeric".to_owned(), Tensor::from_slice(&xs).view([-1, 1]))])?;
///         Ok(Batch::new(inputs, vec![Some(Target::class("parity", &ys)?)], positions.to_vec())?)
///     }
/// }
///
/// let tasks = vec![TaskInfo { name: TaskName::new("parity")?, answer: Answer::class(["odd", "even"]) }];
/// let inputs = InputSpec::table(Vec::new(), vec!["number".into()]);
/// let source = Parity(DataInfo { inputs, tasks });
/// let loader = Loader::new(std::sync::Arc::new(source), LoaderConfig { batch_size: 32, ..LoaderConfig::default() })?;
/// let sizes: Vec<_> = loader.epoch(0)?.map(|batch| batch.map(|b| b.len())).collect::<Result<_>>()?;
/// assert_eq!(sizes, [32, 32, 32, 4]);
/// # Ok::<(), mtl_data::Error>(())
/// ```
pub trait Source: Send + Sync {
    /// The inputs and tasks of its batches.
    fn info(&self) -> &DataInfo;

    /// The number of samples.
    fn len(&self) -> u64;

    /// The samples at `positions`, in that order; a position may occur twice.
    ///
    /// # Shapes
    /// Inputs as [`DataInfo::inputs`] says (which the loader checks), targets one per task as its
    /// [`Answer`](mtl_core::answer::Answer) says, on the CPU.
    ///
    /// # Errors
    /// [`Error::Position`] for a position that is not below [`Source::len`].
    fn batch(&self, positions: &[u64]) -> Result<Batch>;

    /// The targets that a batch of these positions would have, without its inputs: what statistics of labels are taken
    /// from. The default builds the batch; a source whose inputs cost something overrides it.
    ///
    /// # Errors
    /// As [`Source::batch`].
    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        Ok(self.batch(positions)?.targets)
    }

    /// The parts that it is made of, one after the other, where a batch cannot be of several: samples of different data sets, which have
    /// other inputs and labels of other tasks. None, unless overridden: any samples make a batch.
    fn parts(&self) -> Vec<SourcePart> {
        Vec::new()
    }

    /// Whether there is no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of tasks, which is the number of targets of its batches.
    fn n_tasks(&self) -> usize {
        self.info().tasks.len()
    }
}

impl<S: Source + ?Sized> Source for Arc<S> {
    fn info(&self) -> &DataInfo {
        (**self).info()
    }
    fn len(&self) -> u64 {
        (**self).len()
    }
    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        (**self).batch(positions)
    }
    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        (**self).targets(positions)
    }
    fn parts(&self) -> Vec<SourcePart> {
        (**self).parts()
    }
}

/// Consecutive samples of a source that are of one data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePart {
    /// What it is called.
    pub name: String,
    /// The position of its first sample.
    pub start: u64,
    /// How many samples it has.
    pub len: u64,
    /// The tasks that it has labels of, as indices into those of the source.
    pub tasks: Vec<usize>,
}

/// A batch of a source, its inputs as the source describes them.
pub(crate) fn checked(source: &dyn Source, positions: &[u64]) -> Result<Batch> {
    let batch = source.batch(positions)?;
    source.info().inputs.check(&batch.inputs)?;
    Ok(batch)
}

/// Positions as indices, all below `len`.
fn indices(what: &'static str, len: u64, positions: &[u64]) -> Result<Vec<usize>> {
    let index = |&position: &u64| match usize::try_from(position) {
        Ok(index) if position < len => Ok(index),
        _ => Err(Error::Position { what, len, found: position }),
    };
    positions.iter().map(index).collect()
}
