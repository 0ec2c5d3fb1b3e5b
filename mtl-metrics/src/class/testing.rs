//! The small example that the tests of class metrics count by hand.

use mtl_core::prediction::{Prediction, Reference, Scores};
use ndarray::array;

use crate::{AnyMetric, Metric, MetricBatch, MetricValue, Streaming};

/// What a metric finds where 0 0 1 1 1 is said and 0 1 1 1 2 is true: class 2 is never said.
pub(super) fn found<M>(metric: M) -> MetricValue
where
    M: for<'a> Metric<Batch<'a> = MetricBatch<'a>>,
{
    let scores = array![[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.1, 0.5, 0.4]];
    let mut metric = Streaming::new(metric);
    metric.update(&Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(vec![0, 1, 1, 1, 2])).unwrap();
    metric.compute()
}

pub(super) fn near(value: &MetricValue, want: f64) {
    assert!((value.value.unwrap() - want).abs() < 1e-15, "{value:?} is not {want}");
}
