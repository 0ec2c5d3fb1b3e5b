//! The laws of a metric, to be run on your own.
//!
//! A metric that keeps them can be used with any batch size, any number of threads, and any number of machines. Give
//! [`check`] a metric that has seen nothing and a data set; it splits the data, merges the parts in several orders and
//! groupings, saves and loads. The crate's own members run through it in `tests/metric_contract.rs`, on random data.
//!
//! ```
//! use mtl_core::prediction::{Prediction, Reference, Scores};
//! use mtl_metrics::{Auroc, Streaming, laws};
//! let scores = ndarray::array![[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]];
//! let prediction = Prediction::Class { scores, kind: Scores::Probs };
//! let reference = Reference::Class(vec![0, 1, 1, -100]);
//! laws::check(&Streaming::new(Auroc), &prediction, &reference, &[3, 1, 0, 2], &[1, 3], laws::Tolerance::Bits).unwrap();
//! ```

use mtl_core::prediction::{Prediction, Reference};
use ndarray::{Array2, Axis};

use crate::{metric::AnyMetric, value::MetricValue};

/// How equal two values must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// To the bit, states included: what counts and exact sums give.
    Bits,
    /// Within this relative difference: what floating-point sums give.
    Relative(f64),
}

/// Checks every law on one data set.
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
) -> Result<(), String> {
    let show = |e: mtl_core::Error| e.to_string();
    let same = |law: &str, found: &dyn AnyMetric, want: &dyn AnyMetric| equal(law, found, want, tolerance);
    let seen = |rows: &[usize]| -> Result<Box<dyn AnyMetric>, String> {
        let mut metric = fresh.boxed_clone();
        metric.update(&select(prediction, rows), &select_reference(reference, rows)).map_err(show)?;
        Ok(metric)
    };
    let mut whole = fresh.boxed_clone();
    whole.update(prediction, reference).map_err(show)?;

    let mut bounds = vec![0];
    bounds.extend(cuts.iter().map(|&cut| cut.min(order.len())));
    bounds.push(order.len());
    let batches: Vec<&[usize]> = bounds.windows(2).map(|w| order.get(w[0]..w[1]).unwrap_or_default()).collect();
    let parts: Vec<_> = batches.iter().map(|rows| seen(rows)).collect::<Result<_, _>>()?;

    let mut streamed = fresh.boxed_clone();
    for rows in &batches {
        streamed.update(&select(prediction, rows), &select_reference(reference, rows)).map_err(show)?;
    }
    same("batches in any order = one pass", streamed.as_ref(), whole.as_ref())?;

    let (mut left, mut right) = (fresh.boxed_clone(), fresh.boxed_clone());
    for part in &parts {
        left.merge(part.as_ref()).map_err(show)?;
    }
    for part in parts.iter().rev() {
        let mut next = part.boxed_clone();
        next.merge(right.as_ref()).map_err(show)?;
        right = next;
    }
    same("merged from the left = one pass", left.as_ref(), whole.as_ref())?;
    same("merged from the right = one pass", right.as_ref(), whole.as_ref())?;
    let mut swapped = right.boxed_clone();
    swapped.reset();
    for part in parts.iter().rev() {
        swapped.merge(part.as_ref()).map_err(show)?;
    }
    same("merge is commutative", swapped.as_ref(), left.as_ref())?;
    left.merge(fresh).map_err(show)?;
    same("merging nothing changes nothing", left.as_ref(), whole.as_ref())?;

    let bytes = whole.state().map_err(show)?;
    let mut loaded = swapped;
    loaded.load_state(&bytes).map_err(show)?;
    equal("saved and loaded = kept", loaded.as_ref(), whole.as_ref(), Tolerance::Bits)?;
    loaded.reset();
    loaded.merge_state(&bytes).map_err(show)?;
    equal("merged from bytes = kept", loaded.as_ref(), whole.as_ref(), Tolerance::Bits)?;
    for damaged in [&bytes[..bytes.len() / 2], &[], b"mtlm", &[bytes.as_slice(), b"more"].concat()] {
        if loaded.load_state(damaged).is_ok() {
            return Err(format!("{}: damaged bytes were loaded", fresh.name()));
        }
    }
    equal("a refused state changes nothing", loaded.as_ref(), whole.as_ref(), Tolerance::Bits)?;
    loaded.reset();
    equal("reset = fresh", loaded.as_ref(), fresh, Tolerance::Bits)
}

/// The rows of a prediction, in that order; rows that do not exist are left out.
#[must_use]
pub fn select(prediction: &Prediction, rows: &[usize]) -> Prediction {
    let mut part = prediction.clone();
    match &mut part {
        Prediction::Class { scores, .. } | Prediction::MultiLabel { scores, .. } => *scores = pick(scores, rows),
        Prediction::Values { values } => *values = pick(values, rows),
        _ => {}
    }
    part
}

/// The rows of a reference, in that order; rows that do not exist are left out.
#[must_use]
pub fn select_reference(reference: &Reference, rows: &[usize]) -> Reference {
    let mut part = reference.clone();
    match &mut part {
        Reference::Class(labels) => *labels = rows.iter().filter_map(|&row| labels.get(row).copied()).collect(),
        Reference::MultiLabel(matrix) | Reference::Values(matrix) => *matrix = pick(matrix, rows),
        _ => {}
    }
    part
}

fn pick(matrix: &Array2<f32>, rows: &[usize]) -> Array2<f32> {
    let rows: Vec<usize> = rows.iter().copied().filter(|&row| row < matrix.nrows()).collect();
    matrix.select(Axis(0), &rows)
}

fn equal(law: &str, found: &dyn AnyMetric, want: &dyn AnyMetric, tolerance: Tolerance) -> Result<(), String> {
    let (a, b) = (found.compute(), want.compute());
    let equal = match tolerance {
        Tolerance::Bits => {
            let bytes = |metric: &dyn AnyMetric| metric.state().map_err(|e| e.to_string());
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
