//! A metric whatever its type: what lists of metrics hold, and what reads what heads answered.

use std::{any::Any, fmt::Debug};

use mtl_core::{
    Result,
    answer::Answer,
    metric::Direction,
    prediction::{Prediction, Reference},
};

use crate::{
    input::MetricBatch,
    judged::{FromJudged, Shelf},
    metric::{Metric, Streaming},
    saved,
    value::MetricValue,
};

/// A metric of heads with its state, whatever its type: what lists of metrics hold.
pub trait AnyMetric: Debug + Send + Sync {
    /// See [`Metric::name`].
    fn name(&self) -> &str;

    /// See [`Metric::direction`].
    fn direction(&self) -> Direction;

    /// See [`Metric::range`].
    fn range(&self) -> (f64, f64);

    /// Fits the metric to what it judges, see [`Metric::for_answer`].
    ///
    /// # Errors
    /// See [`Metric::for_answer`].
    fn set_answer(&mut self, answer: &Answer) -> Result<()>;

    /// Folds a batch in. On an error nothing has changed.
    ///
    /// # Errors
    /// See [`Metric::update`].
    fn update_batch(&mut self, batch: &MetricBatch<'_>) -> Result<()>;

    /// Folds a batch of an unnamed task in.
    ///
    /// # Errors
    /// See [`Metric::update`].
    fn update(&mut self, prediction: &Prediction, reference: &Reference) -> Result<()> {
        self.update_batch(&MetricBatch::new(prediction, reference))
    }

    /// Takes over what another metric of the same name has seen.
    ///
    /// # Errors
    /// [`State`](mtl_core::Error::State) for another metric, or one that saw another kind of data. Nothing has changed then.
    fn merge(&mut self, other: &dyn AnyMetric) -> Result<()>;

    /// The value for everything seen so far.
    fn compute(&self) -> MetricValue;

    /// What was seen, as bytes: equal for equal data, however they were split, ordered and merged.
    ///
    /// # Errors
    /// [`State`](mtl_core::Error::State) when a foreign state cannot be written; those of this crate always can.
    fn state(&self) -> Result<Vec<u8>>;

    /// Replaces what was seen by saved bytes.
    ///
    /// # Errors
    /// [`State`](mtl_core::Error::State) for damaged bytes, another metric or another version. Nothing has changed then.
    fn load_state(&mut self, bytes: &[u8]) -> Result<()>;

    /// Takes over what saved bytes have seen: how states of other machines come in.
    ///
    /// # Errors
    /// As [`load_state`](Self::load_state) and [`merge`](Self::merge).
    fn merge_state(&mut self, bytes: &[u8]) -> Result<()>;

    /// Forgets everything.
    fn reset(&mut self);

    /// A copy, state included.
    fn boxed_clone(&self) -> Box<dyn AnyMetric>;

    /// For looking behind the trait at a [`Streaming`] of a known metric.
    fn as_any(&self) -> &dyn Any;
}

impl<M: Metric> AnyMetric for Streaming<M>
where
    for<'a> M::Batch<'a>: FromJudged<'a>,
{
    fn name(&self) -> &str {
        self.name()
    }

    fn direction(&self) -> Direction {
        self.direction()
    }

    fn range(&self) -> (f64, f64) {
        self.range()
    }

    fn set_answer(&mut self, answer: &Answer) -> Result<()> {
        self.set_answer(answer)
    }

    fn update_batch(&mut self, batch: &MetricBatch<'_>) -> Result<()> {
        let shelf = Shelf::default();
        let batch = M::Batch::from_judged(batch, self.name(), &shelf)?;
        self.update_batch(&batch)
    }

    fn merge(&mut self, other: &dyn AnyMetric) -> Result<()> {
        match other.as_any().downcast_ref::<Self>() {
            Some(same) => self.merge(same),
            None => Err(saved::belongs_to(self.name(), other.name())),
        }
    }

    fn compute(&self) -> MetricValue {
        self.compute()
    }

    fn state(&self) -> Result<Vec<u8>> {
        self.state()
    }

    fn load_state(&mut self, bytes: &[u8]) -> Result<()> {
        self.load_state(bytes)
    }

    fn merge_state(&mut self, bytes: &[u8]) -> Result<()> {
        self.merge_state(bytes)
    }

    fn reset(&mut self) {
        self.reset();
    }

    fn boxed_clone(&self) -> Box<dyn AnyMetric> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Clone for Box<dyn AnyMetric> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}
