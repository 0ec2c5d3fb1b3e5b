//! The metrics of this crate by name: one line each.

use mtl_core::{
    Error, Result,
    metric::MetricId,
    prediction::{Prediction, Reference},
};

use crate::{
    binary::Auroc,
    class::{Accuracy, LogLoss, MacroF1},
    input::MetricBatch,
    metric::{AnyMetric, Metric, Streaming},
    regress::{Mae, R2, Rmse},
    value::MetricValue,
};

/// One metric of this crate.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Its identity.
    pub id: MetricId,
    /// What it is, in one line.
    pub about: &'static str,
    /// Makes one that has seen nothing.
    pub build: fn() -> Box<dyn AnyMetric>,
}

/// Every metric, in the order of [`MetricId::ALL`].
pub const ALL: &[Member] = &[
    member::<Accuracy>(MetricId::Accuracy, "share of labels that were said right"),
    member::<MacroF1>(MetricId::MacroF1, "mean over classes of the F1 score"),
    member::<LogLoss>(MetricId::LogLoss, "mean negative log-likelihood of the labels, nats"),
    member::<Auroc>(MetricId::Auroc, "area under the ROC curve, exact"),
    member::<Mae>(MetricId::Mae, "mean absolute error, in the target's unit"),
    member::<Rmse>(MetricId::Rmse, "root mean squared error, in the target's unit"),
    member::<R2>(MetricId::R2, "coefficient of determination"),
];

const fn member<M>(id: MetricId, about: &'static str) -> Member
where
    M: for<'a> Metric<Batch<'a> = MetricBatch<'a>> + Default,
{
    Member { id, about, build: || Box::new(Streaming::new(M::default())) }
}

/// A metric that has seen nothing.
///
/// # Errors
/// [`Error::UnknownName`] for an id that this version of the crate does not have.
pub fn build(id: MetricId) -> Result<Box<dyn AnyMetric>> {
    let member = ALL.iter().find(|member| member.id == id).ok_or_else(|| Error::UnknownName {
        what: "metric",
        name: id.to_string(),
        known: ALL.iter().map(|member| member.id.to_string()).collect(),
    })?;
    Ok((member.build)())
}

/// One metric of one set of predictions, at once.
///
/// # Errors
/// As [`Metric::update`].
pub fn evaluate(id: MetricId, prediction: &Prediction, reference: &Reference) -> Result<MetricValue> {
    let mut metric = build(id)?;
    metric.update(prediction, reference)?;
    Ok(metric.compute())
}
