//! What a trainer walks: batches in an order that a position can be found in again.
//!
//! ```text
//! epoch      0: b_0 b_1 .. b_k    1: b_0 b_1 .. b_k    ..        what a batch holds follows from (epoch, number) alone
//! position   (epoch, next batch), which is saved; whoever goes on from there gets the batches that would have come
//! ```
//! [`Loader`](super::Loader) and [`MultiLoader`](super::MultiLoader) are two of them; a stream, a simulator or a queue of one's own is a
//! third. [`laws::batches::check`](crate::laws::batches::check) says whether it keeps its word.

use mtl_core::batch::{Batch, Target};

use super::{LoaderPosition, Part, Shard};
use crate::error::Result;

/// Batches of an epoch, in order. After an error there are none.
pub type BatchIter<'a> = Box<dyn Iterator<Item = Result<Batch>> + Send + 'a>;

/// The targets of batches, one entry a task, in the order of the batches.
pub type TargetIter<'a> = Box<dyn Iterator<Item = Result<Vec<Option<Target>>>> + Send + 'a>;

/// A rank's parts of the batches of an epoch, in order. After an error there are none.
pub type PartIter<'a> = Box<dyn Iterator<Item = Result<Part>> + Send + 'a>;

/// A sequence of epochs of batches.
///
/// Several walks may be open at once, and none disturbs another: the position belongs to the walk.
///
/// # Examples
/// Ten batches of four samples, of which the trainer does not know that there are ten:
/// ```
/// use mtl_core::{batch::{Batch, Target}, input::Inputs};
/// use mtl_data::{BatchIter, Batches, LoaderPosition, Result, laws};
/// use tch::Tensor;
///
/// struct Counting;
///
/// impl Batches for Counting {
///     fn n_batches(&self) -> Option<u64> {
///         None
///     }
///     fn batches_from(&self, position: LoaderPosition) -> Result<BatchIter<'_>> {
///         Ok(Box::new((position.next_batch..10).map(|number| {
///             let ids: Vec<u64> = (4 * number..4 * number + 4).collect();
///             let xs: Vec<f32> = ids.iter().map(|&id| id as f32).collect();
///             let inputs = Inputs::new(vec![("numeric".to_owned(), Tensor::from_slice(&xs).view([-1, 1]))])?;
///             let even: Vec<i64> = ids.iter().map(|id| i64::from(id % 2 == 0)).collect();
///             Ok(Batch::new(inputs, vec![Some(Target::class("even", &even)?)], ids)?)
///         })))
///     }
/// }
/// laws::batches::check(&Counting, laws::batches::Coverage::Once)?;
/// # Ok::<(), mtl_data::laws::BrokenLaws>(())
/// ```
pub trait Batches: Send + Sync {
    /// Batches an epoch, at least one; `None` where only its end shows how many there were, or where there is no end.
    fn n_batches(&self) -> Option<u64>;

    /// The rest of an epoch from a position on: the batches that an uninterrupted epoch would give from there.
    ///
    /// # Errors
    /// [`Error::Position`](crate::Error::Position) for a position behind the end, where that is known before; those of opening
    /// files or starting threads.
    fn batches_from(&self, position: LoaderPosition) -> Result<BatchIter<'_>>;

    /// The targets of those batches: what constant answers and scores are measured on. The default builds the batches; whoever
    /// can do without their inputs overrides it.
    ///
    /// # Errors
    /// As [`Batches::batches_from`].
    fn targets_from(&self, position: LoaderPosition) -> Result<TargetIter<'_>> {
        Ok(Box::new(self.batches_from(position)?.map(|batch| batch.map(|batch| batch.targets))))
    }

    /// Of every batch that [`Batches::batches_from`] gives the part that falls to a rank. The default builds batches whole and cuts
    /// them; whoever can build a part alone overrides it, and whoever can be read only once refuses several ranks here.
    ///
    /// # Errors
    /// As [`Batches::batches_from`].
    fn parts_from(&self, position: LoaderPosition, shard: Shard) -> Result<PartIter<'_>> {
        Ok(Box::new(self.batches_from(position)?.map(move |batch| shard.cut(batch?))))
    }

    /// Of the first epoch every `shard.size`-th batch from that of number `shard.rank` on, whole: what a rank evaluates. A sample is in
    /// the same batch whatever the number of ranks, so its answer is the same to the bit. The default builds the batches between
    /// them too.
    ///
    /// # Errors
    /// As [`Batches::batches_from`].
    fn dealt(&self, shard: Shard) -> Result<BatchIter<'_>> {
        let all = self.batches_from(LoaderPosition::default())?;
        Ok(Box::new(all.skip(shard.rank).step_by(shard.size.max(1))))
    }
}

impl<B: Batches + ?Sized> Batches for &B {
    fn n_batches(&self) -> Option<u64> {
        (**self).n_batches()
    }
    fn batches_from(&self, position: LoaderPosition) -> Result<BatchIter<'_>> {
        (**self).batches_from(position)
    }
    fn targets_from(&self, position: LoaderPosition) -> Result<TargetIter<'_>> {
        (**self).targets_from(position)
    }
    fn parts_from(&self, position: LoaderPosition, shard: Shard) -> Result<PartIter<'_>> {
        (**self).parts_from(position, shard)
    }
    fn dealt(&self, shard: Shard) -> Result<BatchIter<'_>> {
        (**self).dealt(shard)
    }
}

impl std::fmt::Debug for dyn Batches + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.n_batches() {
            Some(n) => write!(f, "Batches({n} an epoch)"),
            None => write!(f, "Batches(nobody knows how many)"),
        }
    }
}
