//! The laws of a metric, to be run on your own.
//!
//! ```text
//! batches   batches in any order, one after the other, say what one pass says
//! merged    parts that were counted apart and merged say so too, from the left, from the right, in another order
//! nothing   merging what has seen nothing changes nothing
//! saved     what was saved and loaded, or merged from bytes, is what it was, to the bit
//! damaged   damaged bytes are refused, and change nothing
//! reset     means fresh
//! range     a value lies in the range that is promised; where there is none, there is a reason
//! ```
//! A metric that keeps them can be used with any batch size, any number of threads, and any number of machines. Give
//! [`check`] a metric that has seen nothing and a data set; it splits the data, merges the parts in several orders and
//! groupings, saves and loads; [`check_with`] does the same for metrics that read something else than what heads say. The
//! crate's own members run through them in `tests/`, on random data. Verdicts are those of all laws, [`BrokenLaws`].
//!
//! ```
//! use mtl_core::prediction::{Prediction, Reference, Scores};
//! use mtl_metrics::{Auroc, Streaming, laws};
//! let scores = ndarray::array![[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]];
//! let prediction = Prediction::Class { scores, kind: Scores::Probs };
//! let reference = Reference::Class(vec![0, 1, 1, -100]);
//! laws::check(&Streaming::new(Auroc), &prediction, &reference, &[3, 1, 0, 2], &[1, 3], laws::Tolerance::Bits).unwrap();
//! ```

mod parts;

pub use mtl_core::laws::{Broken, BrokenLaws};
use mtl_core::{
    Result,
    prediction::{Prediction, Reference},
};

use crate::{
    any::AnyMetric,
    metric::{Metric, Streaming},
    value::MetricValue,
};
use parts::Parts;

/// How equal two values must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// To the bit, states included: what counts and exact sums give.
    Bits,
    /// Within this relative difference: what floating-point sums give.
    Relative(f64),
}

/// What the laws are about: a metric with its state, whatever it reads.
pub trait Lawful: Clone {
    /// See [`Metric::name`].
    fn name(&self) -> &str;

    /// See [`Metric::range`].
    fn range(&self) -> (f64, f64);

    /// As [`Streaming::merge`].
    ///
    /// # Errors
    /// As there.
    fn merge(&mut self, other: &Self) -> Result<()>;

    /// As [`Streaming::compute`].
    fn compute(&self) -> MetricValue;

    /// As [`Streaming::state`].
    ///
    /// # Errors
    /// As there.
    fn state(&self) -> Result<Vec<u8>>;

    /// As [`Streaming::load_state`].
    ///
    /// # Errors
    /// As there.
    fn load_state(&mut self, bytes: &[u8]) -> Result<()>;

    /// As [`Streaming::merge_state`].
    ///
    /// # Errors
    /// As there.
    fn merge_state(&mut self, bytes: &[u8]) -> Result<()>;

    /// As [`Streaming::reset`].
    fn reset(&mut self);
}

impl<M: Metric> Lawful for Streaming<M> {
    fn name(&self) -> &str {
        self.name()
    }

    fn range(&self) -> (f64, f64) {
        self.metric().range()
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.merge(other)
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
}

impl Lawful for Box<dyn AnyMetric> {
    fn name(&self) -> &str {
        self.as_ref().name()
    }

    fn range(&self) -> (f64, f64) {
        self.as_ref().range()
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.as_mut().merge(other.as_ref())
    }

    fn compute(&self) -> MetricValue {
        self.as_ref().compute()
    }

    fn state(&self) -> Result<Vec<u8>> {
        self.as_ref().state()
    }

    fn load_state(&mut self, bytes: &[u8]) -> Result<()> {
        self.as_mut().load_state(bytes)
    }

    fn merge_state(&mut self, bytes: &[u8]) -> Result<()> {
        self.as_mut().merge_state(bytes)
    }

    fn reset(&mut self) {
        self.as_mut().reset();
    }
}

/// Checks every law of a metric of heads on one data set.
///
/// `order` rearranges the samples (positions, each once); `cuts` are the rising positions at which the rearranged data
/// are split into batches.
///
/// # Errors
/// [`BrokenLaws`], one entry per broken law, with both values.
pub fn check(
    fresh: &dyn AnyMetric,
    prediction: &Prediction,
    reference: &Reference,
    order: &[usize],
    cuts: &[usize],
    tolerance: Tolerance,
) -> std::result::Result<(), BrokenLaws> {
    let feed = |metric: &mut Box<dyn AnyMetric>, rows: &[usize]| {
        metric.update(&prediction.gather(rows), &reference.gather(rows))
    };
    check_with(&fresh.boxed_clone(), order.len(), feed, order, cuts, tolerance)
}

/// Checks every law of a metric of any kind: `feed` gives it the samples at these positions as one batch.
///
/// There are `n` samples; `order` and `cuts` are those of [`check`].
///
/// ```
/// use mtl_core::{Result, metric::Direction};
/// use mtl_metrics::{Metric, MetricValue, Streaming, laws, mean::ExactMean};
///
/// /// Mean length of texts, in characters.
/// #[derive(Debug, Clone)]
/// struct MeanLength;
///
/// impl Metric for MeanLength {
///     type Batch<'a> = &'a [&'a str];
///     type State = ExactMean;
///     fn name(&self) -> &str { "mean-length" }
///     fn direction(&self) -> Direction { Direction::Maximize }
///     fn range(&self) -> (f64, f64) { (0.0, f64::INFINITY) }
///     fn update(&self, state: &mut ExactMean, texts: &&[&str]) -> Result<()> {
///         texts.iter().for_each(|text| state.add(text.chars().count() as f64));
///         Ok(())
///     }
///     fn compute(&self, state: &ExactMean) -> MetricValue { state.value() }
/// }
///
/// let texts = ["one", "three", "eleven"];
/// let feed = |metric: &mut Streaming<MeanLength>, rows: &[usize]| {
///     metric.update_batch(&rows.iter().map(|&row| texts[row]).collect::<Vec<_>>().as_slice())
/// };
/// laws::check_with(&Streaming::new(MeanLength), 3, feed, &[2, 0, 1], &[1], laws::Tolerance::Bits).unwrap();
/// ```
///
/// # Errors
/// [`BrokenLaws`], one entry per broken law, with both values.
pub fn check_with<L: Lawful>(
    fresh: &L,
    n: usize,
    feed: impl Fn(&mut L, &[usize]) -> Result<()>,
    order: &[usize],
    cuts: &[usize],
    tolerance: Tolerance,
) -> std::result::Result<(), BrokenLaws> {
    let mut broken = BrokenLaws(Vec::new());
    match Parts::new(fresh, n, &feed, order, cuts, tolerance) {
        Ok(parts) => {
            for (name, law) in Parts::laws() {
                broken.note(name, law(&parts));
            }
        }
        Err(e) => broken.note::<mtl_core::Error>("batches", Err(e)),
    }
    broken.verdict()
}
