//! What a metric is: a pure pair of functions over a state that merges, and its object-safe shell.
//!
//! A metric is written as a [`Metric`]: `update` folds a batch into a [`MetricState`], `compute` reads it. States are
//! plain values that merge, so batches, threads and machines are all the same thing to a metric. The members of this crate
//! keep the laws of merging to the bit. [`Streaming`] puts metric and state together;
//! [`AnyMetric`](crate::any::AnyMetric) is the same without the type, for lists of metrics that read what heads answer.
//!
//! What a batch is, the metric says: [`MetricBatch`](crate::MetricBatch) for answers of heads, and borrowed slices of texts,
//! boxes, maps or signals for the others, checked once when they are put together. How such a batch is made of what a head
//! answered, its [`FromJudged`](crate::judged::FromJudged) says. States, bytes, merging and the laws are the same.

use std::fmt::Debug;

use mtl_core::{Result, answer::Answer, metric::Direction};

pub(crate) use crate::saved::refused;
pub use crate::state::MetricState;
pub(crate) use crate::state::add_counts;
use crate::{saved, value::MetricValue};

/// A metric: how to fold a batch into a state, how to read the state.
pub trait Metric: Debug + Clone + Send + Sync + 'static {
    /// What `update` reads: [`MetricBatch`](crate::MetricBatch) for answers of heads, or borrowed slices of another kind.
    type Batch<'a>;
    /// What it remembers.
    type State: MetricState;
    /// Raised when [`State`](Self::State) changes its meaning; older bytes are then refused.
    const STATE_VERSION: u16 = 1;

    /// The name in configs, reports and expressions, a [`MetricName`](mtl_core::metric::MetricName): settings are part of it
    /// (`ndcg@k=10`).
    fn name(&self) -> &str;

    /// Which way is better.
    fn direction(&self) -> Direction;

    /// The values it can take, `(lowest, highest)`.
    fn range(&self) -> (f64, f64);

    /// The same metric for answers of that description, asked once before the first batch: a metric that goes by names (tags
    /// that spell spans) reads them here, and refuses those that it has no meaning for.
    ///
    /// # Errors
    /// What it cannot read in the names.
    fn for_answer(&self, answer: &Answer) -> Result<Self> {
        let _ = answer;
        Ok(self.clone())
    }

    /// Folds a batch in; missing labels are skipped. On an error the state is unchanged.
    ///
    /// # Errors
    /// A wrong kind of prediction, disagreeing shapes, labels out of range, scores that are not numbers.
    fn update(&self, state: &mut Self::State, batch: &Self::Batch<'_>) -> Result<()>;

    /// Reads the state.
    fn compute(&self, state: &Self::State) -> MetricValue;
}

/// A metric with its state.
#[derive(Debug, Clone)]
pub struct Streaming<M: Metric> {
    metric: M,
    state: M::State,
}

impl<M: Metric> Streaming<M> {
    /// A metric that has seen nothing.
    #[must_use]
    pub fn new(metric: M) -> Self {
        Self { metric, state: M::State::default() }
    }

    /// What it remembers.
    #[must_use]
    pub fn remembered(&self) -> &M::State {
        &self.state
    }

    /// The metric itself: its settings.
    #[must_use]
    pub fn metric(&self) -> &M {
        &self.metric
    }

    /// See [`Metric::name`].
    #[must_use]
    pub fn name(&self) -> &str {
        self.metric.name()
    }

    /// See [`Metric::direction`].
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.metric.direction()
    }

    /// See [`Metric::range`].
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        self.metric.range()
    }

    /// See [`Metric::for_answer`]; what was seen stays.
    ///
    /// # Errors
    /// See [`Metric::for_answer`].
    pub fn set_answer(&mut self, answer: &Answer) -> Result<()> {
        self.metric = self.metric.for_answer(answer)?;
        Ok(())
    }

    /// Folds a batch in. On an error nothing has changed.
    ///
    /// # Errors
    /// See [`Metric::update`].
    pub fn update_batch(&mut self, batch: &M::Batch<'_>) -> Result<()> {
        self.metric.update(&mut self.state, batch)
    }

    /// Takes over what another metric of the same name has seen.
    ///
    /// # Errors
    /// [`State`](mtl_core::Error::State) for other settings, or when it saw another kind of data. Nothing has changed then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        saved::same_metric(self.name(), other.name())?;
        saved::merge(self.metric.name(), &mut self.state, &other.state)
    }

    /// The value for everything seen so far.
    #[must_use]
    pub fn compute(&self) -> MetricValue {
        self.metric.compute(&self.state)
    }

    /// What was seen, as bytes: equal for equal data, however they were split, ordered and merged.
    ///
    /// # Errors
    /// [`State`](mtl_core::Error::State) when a foreign state cannot be written; those of this crate always can.
    pub fn state(&self) -> Result<Vec<u8>> {
        saved::write(self.name(), M::STATE_VERSION, &self.state)
    }

    /// Replaces what was seen by saved bytes.
    ///
    /// # Errors
    /// [`State`](mtl_core::Error::State) for damaged bytes, another metric or another version. Nothing has changed then.
    pub fn load_state(&mut self, bytes: &[u8]) -> Result<()> {
        self.state = saved::read(self.name(), M::STATE_VERSION, bytes)?;
        Ok(())
    }

    /// Takes over what saved bytes have seen: how states of other machines come in.
    ///
    /// # Errors
    /// As [`load_state`](Self::load_state) and [`merge`](Self::merge).
    pub fn merge_state(&mut self, bytes: &[u8]) -> Result<()> {
        saved::merge_bytes(self.metric.name(), M::STATE_VERSION, &mut self.state, bytes)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.state = M::State::default();
    }
}
