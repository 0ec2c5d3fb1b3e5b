//! The metrics that a run knows by name, and how a batch of answers comes before them.
//!
//! Everything here that reads a metric's name (configuration, plan, selection, evaluation, `mtl list metrics`) asks
//! [`registry`], and everything that judges a model builds its batches by `SampleFacts`; so metrics of a user
//! ([`Parts::metric`](crate::Parts::metric)), and whatever else belongs to samples, each have one place to come in.

use mtl_core::{
    answer::Constant,
    batch::Target,
    metric::MetricName,
    prediction::{Prediction, Reference},
};
use mtl_metrics::{MetricBatch, MetricRegistry};

use crate::error::Result;

/// The metrics there are: ours, and those that were registered.
#[must_use]
pub fn registry() -> MetricRegistry {
    mtl_metrics::registry::process()
}

/// The constant answer that a metric likes best. One that is on no list has no facts: the mean, as for most.
pub(crate) fn constant_for(known: &MetricRegistry, metric: &str) -> Constant {
    let found = MetricName::new(metric).and_then(|name| known.find(&name));
    found.map_or(Constant::Mean, |metric| metric.facts().constant)
}

/// What belongs to samples and not to labels.
pub(crate) struct SampleFacts {
    weights: Option<Vec<f32>>,
    groups: Option<Vec<u64>>,
}

impl SampleFacts {
    pub(crate) fn of(target: &Target) -> Result<Self> {
        Ok(Self { weights: target.plain_weights()?, groups: target.plain_groups()? })
    }

    pub(crate) fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }

    pub(crate) fn groups(&self) -> Option<&[u64]> {
        self.groups.as_deref()
    }

    /// What was answered for samples with these ids beside what is true.
    pub(crate) fn judged<'a>(
        &'a self,
        ids: &'a [u64],
        prediction: &'a Prediction,
        reference: &'a Reference,
    ) -> MetricBatch<'a> {
        let mut batch = MetricBatch::new(prediction, reference).with_ids(ids);
        if let Some(weights) = &self.weights {
            batch = batch.with_weights(weights);
        }
        if let Some(groups) = &self.groups {
            batch = batch.with_groups(groups);
        }
        batch
    }
}
