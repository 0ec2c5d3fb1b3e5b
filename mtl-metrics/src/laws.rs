//! The laws of a metric, to be run on your own.
//!
//! A metric that keeps them can be used with any batch size, any number of threads, and any number of machines. Give
//! [`check`] a metric that has seen nothing and a data set; it splits the data, merges the parts in several orders and
//! groupings, saves and loads; [`check_with`] does the same for metrics that read something else than what heads say. The
//! crate's own members run through them in `tests/`, on random data.
//!
//! ```
//! use mtl_core::prediction::{Prediction, Reference, Scores};
//! use mtl_metrics::{Auroc, Streaming, laws};
//! let scores = ndarray::array![[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]];
//! let prediction = Prediction::Class { scores, kind: Scores::Probs };
//! let reference = Reference::Class(vec![0, 1, 1, -100]);
//! laws::check(&Streaming::new(Auroc), &prediction, &reference, &[3, 1, 0, 2], &[1, 3], laws::Tolerance::Bits).unwrap();
//! ```

use mtl_core::{
    Result,
    prediction::{Prediction, Reference},
};
use ndarray::{Array2, Axis};

use crate::{
    any::AnyMetric,
    metric::{Metric, Streaming},
    value::{MetricValue, OrReason},
};

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
/// The first law broken, with both values.
pub fn check(
    fresh: &dyn AnyMetric,
    prediction: &Prediction,
    reference: &Reference,
    order: &[usize],
    cuts: &[usize],
    tolerance: Tolerance,
) -> OrReason<()> {
    let mut whole = fresh.boxed_clone();
    whole.update(prediction, reference).map_err(|e| e.to_string())?;
    let feed = |metric: &mut Box<dyn AnyMetric>, rows: &[usize]| {
        metric.update(&select(prediction, rows), &select_reference(reference, rows))
    };
    check_parts(&fresh.boxed_clone(), &whole, feed, order, cuts, tolerance)
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
/// The first law broken, with both values.
pub fn check_with<L: Lawful>(
    fresh: &L,
    n: usize,
    feed: impl Fn(&mut L, &[usize]) -> Result<()>,
    order: &[usize],
    cuts: &[usize],
    tolerance: Tolerance,
) -> OrReason<()> {
    let mut whole = fresh.clone();
    feed(&mut whole, &(0..n).collect::<Vec<_>>()).map_err(|e| e.to_string())?;
    check_parts(fresh, &whole, feed, order, cuts, tolerance)
}

/// Splits, rearranges, merges, saves and loads; everything must agree with `whole`.
fn check_parts<L: Lawful>(
    fresh: &L,
    whole: &L,
    feed: impl Fn(&mut L, &[usize]) -> Result<()>,
    order: &[usize],
    cuts: &[usize],
    tolerance: Tolerance,
) -> OrReason<()> {
    let show = |e: mtl_core::Error| e.to_string();
    let same = |law: &str, found: &L, want: &L| equal(law, found, want, tolerance);
    let mut bounds = vec![0];
    bounds.extend(cuts.iter().map(|&cut| cut.min(order.len())));
    bounds.push(order.len());
    let batches: Vec<&[usize]> = bounds.windows(2).map(|w| order.get(w[0]..w[1]).unwrap_or_default()).collect();
    let seen = |rows: &&[usize]| -> OrReason<L> {
        let mut metric = fresh.clone();
        feed(&mut metric, rows).map_err(show)?;
        Ok(metric)
    };
    let parts: Vec<L> = batches.iter().map(seen).collect::<OrReason<_>>()?;

    let mut streamed = fresh.clone();
    for rows in &batches {
        feed(&mut streamed, rows).map_err(show)?;
    }
    same("batches in any order = one pass", &streamed, whole)?;

    let (mut left, mut right) = (fresh.clone(), fresh.clone());
    for part in &parts {
        left.merge(part).map_err(show)?;
    }
    for part in parts.iter().rev() {
        let mut next = part.clone();
        next.merge(&right).map_err(show)?;
        right = next;
    }
    same("merged from the left = one pass", &left, whole)?;
    same("merged from the right = one pass", &right, whole)?;
    let mut swapped = right.clone();
    swapped.reset();
    for part in parts.iter().rev() {
        swapped.merge(part).map_err(show)?;
    }
    same("merge is commutative", &swapped, &left)?;
    left.merge(fresh).map_err(show)?;
    same("merging nothing changes nothing", &left, whole)?;

    let bytes = whole.state().map_err(show)?;
    let mut loaded = swapped;
    loaded.load_state(&bytes).map_err(show)?;
    equal("saved and loaded = kept", &loaded, whole, Tolerance::Bits)?;
    loaded.reset();
    loaded.merge_state(&bytes).map_err(show)?;
    equal("merged from bytes = kept", &loaded, whole, Tolerance::Bits)?;
    for damaged in [&bytes[..bytes.len() / 2], &[], b"mtlm", &[bytes.as_slice(), b"more"].concat()] {
        if loaded.load_state(damaged).is_ok() {
            return Err(format!("{}: damaged bytes were loaded", fresh.name()));
        }
    }
    equal("a refused state changes nothing", &loaded, whole, Tolerance::Bits)?;
    loaded.reset();
    equal("reset = fresh", &loaded, fresh, Tolerance::Bits)
}

/// The rows of a prediction, in that order; rows that do not exist are left out.
#[must_use]
pub fn select(prediction: &Prediction, rows: &[usize]) -> Prediction {
    let mut part = prediction.clone();
    match &mut part {
        Prediction::Class { scores, .. }
        | Prediction::MultiLabel { scores, .. }
        | Prediction::Ordinal { scores, .. }
        | Prediction::Values { values: scores } => *scores = pick(scores, rows),
        Prediction::Tags { scores, path, .. } => {
            *scores = scores.gather(&existing(rows, scores.len()));
            *path = path.as_ref().map(|path| path.gather(&existing(rows, path.len())));
        }
        Prediction::Sequence { tokens: items }
        | Prediction::Custom { values: items, .. } => *items = items.gather(&existing(rows, items.len())),
    }
    part
}

/// The rows of a reference, in that order; rows that do not exist are left out.
#[must_use]
pub fn select_reference(reference: &Reference, rows: &[usize]) -> Reference {
    let mut part = reference.clone();
    match &mut part {
        Reference::Class(labels) | Reference::Ordinal(labels) => {
            *labels = rows.iter().filter_map(|&row| labels.get(row).copied()).collect();
        }
        Reference::MultiLabel(matrix) | Reference::Values(matrix) => *matrix = pick(matrix, rows),
        Reference::Tags(labels) | Reference::Sequence(labels) | Reference::Custom { labels, .. } => {
            *labels = labels.gather(&existing(rows, labels.len()));
        }
    }
    part
}

fn pick(matrix: &Array2<f32>, rows: &[usize]) -> Array2<f32> {
    matrix.select(Axis(0), &existing(rows, matrix.nrows()))
}

fn existing(rows: &[usize], n: usize) -> Vec<usize> {
    rows.iter().copied().filter(|&row| row < n).collect()
}

fn equal<L: Lawful>(law: &str, found: &L, want: &L, tolerance: Tolerance) -> OrReason<()> {
    let (a, b) = (found.compute(), want.compute());
    let equal = match tolerance {
        Tolerance::Bits => {
            let bytes = |metric: &L| metric.state().map_err(|e| e.to_string());
            a == b && bytes(found)? == bytes(want)?
        }
        Tolerance::Relative(limit) => {
            let near = |a: f64, b: f64| (a - b).abs() <= limit * a.abs().max(b.abs()).max(1.0);
            let strip = |value: &MetricValue| MetricValue { value: None, ..value.clone() };
            strip(&a) == strip(&b) && a.value.zip(b.value).is_none_or(|(a, b)| near(a, b))
        }
    };
    if equal { Ok(()) } else { Err(format!("{}: {law}: {a:?} against {b:?}", want.name())) }
}
