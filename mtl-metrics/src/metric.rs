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

use mtl_core::{Error, Result, answer::Answer, metric::Direction};

pub use crate::state::MetricState;
pub(crate) use crate::state::add_counts;
use crate::value::MetricValue;

/// First bytes of every saved metric state.
const MAGIC: [u8; 4] = *b"mtlm";

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
    /// [`Error::State`] for other settings, or when it saw another kind of data. Nothing has changed then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if other.name() != self.name() {
            return Err(self.refuse(format!("it belongs to metric {}", other.name())));
        }
        self.state.merge(&other.state).map_err(|reason| self.refuse(reason))
    }

    /// The value for everything seen so far.
    #[must_use]
    pub fn compute(&self) -> MetricValue {
        self.metric.compute(&self.state)
    }

    /// What was seen, as bytes: equal for equal data, however they were split, ordered and merged.
    ///
    /// # Errors
    /// [`Error::State`] when a foreign state cannot be written; those of this crate always can.
    pub fn state(&self) -> Result<Vec<u8>> {
        postcard::to_stdvec(&(MAGIC, M::STATE_VERSION, self.metric.name(), &self.state))
            .map_err(|e| self.refuse(e.to_string()))
    }

    /// Replaces what was seen by saved bytes.
    ///
    /// # Errors
    /// [`Error::State`] for damaged bytes, another metric or another version. Nothing has changed then.
    pub fn load_state(&mut self, bytes: &[u8]) -> Result<()> {
        self.state = self.read(bytes)?;
        Ok(())
    }

    /// Takes over what saved bytes have seen: how states of other machines come in.
    ///
    /// # Errors
    /// As [`load_state`](Self::load_state) and [`merge`](Self::merge).
    pub fn merge_state(&mut self, bytes: &[u8]) -> Result<()> {
        let other = self.read(bytes)?;
        self.state.merge(&other).map_err(|reason| self.refuse(reason))
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.state = M::State::default();
    }

    pub(crate) fn refuse(&self, reason: impl Into<String>) -> Error {
        refused(self.metric.name(), reason)
    }

    fn read(&self, bytes: &[u8]) -> Result<M::State> {
        type Header = ([u8; 4], u16, String);
        let damaged = |_| self.refuse("the bytes are damaged");
        let ((magic, version, name), rest) = postcard::take_from_bytes::<Header>(bytes).map_err(damaged)?;
        if magic != MAGIC {
            return Err(self.refuse("the bytes are no metric state"));
        }
        if name != self.metric.name() {
            return Err(self.refuse(format!("it belongs to metric {name}")));
        }
        if version != M::STATE_VERSION {
            return Err(self.refuse(format!("it has version {version}, expected {}", M::STATE_VERSION)));
        }
        let (state, rest) = postcard::take_from_bytes::<M::State>(rest).map_err(damaged)?;
        if !rest.is_empty() {
            return Err(self.refuse(format!("{} bytes too many", rest.len())));
        }
        state.check().map_err(|reason| self.refuse(reason))?;
        Ok(state)
    }
}

/// The error for a state that does not fit the metric it meets.
pub(crate) fn refused(metric: &str, reason: impl Into<String>) -> Error {
    Error::State { what: format!("metric {metric}"), reason: reason.into() }
}
