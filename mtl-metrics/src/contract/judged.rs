//! How a family of metrics sees what a head answered and what is true.
//!
//! A head's answers meet their truth in a [`MetricBatch`]: prediction, reference, task, ids, weights, groups. Many metrics
//! read it as it is. The others have batches of their own (signals, rankings, partitions); such a batch says here how it is made
//! of an answer, once for all metrics that read it, and with that they can be named wherever a metric can be named. A kind of
//! answer that a family has no meaning for is refused by name.
//!
//! Batches borrow. What has to be computed first (the class of the highest score, numbers as `f64`) is put on a [`Shelf`],
//! which lives as long as the batch.

use std::{any::Any, cell::OnceCell};

use mtl_core::Result;

use crate::input::MetricBatch;

/// A batch that can be made of what a head answered.
pub trait FromJudged<'a>: Sized {
    /// The batch, for `metric`, whose name stands in errors. What it borrows and nobody else has is kept on `shelf`.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for answers of another kind, for weights or missing groups; what the batch itself
    /// refuses.
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self>;
}

impl<'a> FromJudged<'a> for MetricBatch<'a> {
    fn from_judged(judged: &MetricBatch<'a>, _metric: &str, _shelf: &'a Shelf) -> Result<Self> {
        Ok(*judged)
    }
}

/// Where lists are kept while a batch borrows them.
#[derive(Debug, Default)]
pub struct Shelf {
    kept: OnceCell<Box<dyn Any>>,
    next: OnceCell<Box<Self>>,
}

impl Shelf {
    /// Keeps a list as long as the shelf is there.
    pub fn keep<T: 'static>(&self, list: Vec<T>) -> &[T] {
        let mut shelf = self;
        let mut list: Box<dyn Any> = Box::new(list);
        while let Err(back) = shelf.kept.set(list) {
            list = back;
            shelf = shelf.next.get_or_init(Box::default);
        }
        shelf.kept.get().and_then(|kept| kept.downcast_ref::<Vec<T>>()).map_or(&[], Vec::as_slice)
    }
}

/// Batches for answers that no head gives yet: whoever asks is told which kind it takes.
macro_rules! answers_to_come {
    ($($batch:ty => $kind:literal;)*) => {$(
        impl<'a> crate::judged::FromJudged<'a> for $batch {
            fn from_judged(
                judged: &crate::MetricBatch<'a>,
                metric: &str,
                _shelf: &'a crate::judged::Shelf,
            ) -> mtl_core::Result<Self> {
                Err(judged.unfit(metric, concat!("answers of kind ", $kind)))
            }
        }
    )*};
}
pub(crate) use answers_to_come;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shelf_keeps_lists_of_any_kind_apart() {
        let shelf = Shelf::default();
        let numbers = shelf.keep(vec![1.5_f64, 2.5]);
        let flags = shelf.keep(vec![true]);
        let more = shelf.keep(Vec::<f64>::new());
        assert_eq!((numbers, flags, more.len()), ([1.5, 2.5].as_slice(), [true].as_slice(), 0));
    }
}
