//! The metrics that a run knows by name, and how a batch of answers comes before them.
//!
//! Everything here that reads a metric's name (configuration, plan, selection, evaluation, `mtl list metrics`) asks
//! [`registry`], and everything that judges a model builds its batches with [`judged`]; so a registry with metrics of a user,
//! and weights or groups of targets, each have one place to come in.

use mtl_core::prediction::{Prediction, Reference};
use mtl_metrics::{MetricBatch, MetricRegistry};

/// The metrics there are.
#[must_use]
pub fn registry() -> &'static MetricRegistry {
    MetricRegistry::ours()
}

/// What was answered for samples with these ids beside what is true.
pub(crate) fn judged<'a>(ids: &'a [u64], prediction: &'a Prediction, reference: &'a Reference) -> MetricBatch<'a> {
    MetricBatch::new(prediction, reference).with_ids(ids)
}
