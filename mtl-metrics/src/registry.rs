//! The metrics of this crate by name: one line each.

use mtl_core::{
    Error, Result,
    metric::MetricId,
    prediction::{Prediction, Reference},
};

use crate::{
    binary::{
        Auroc, AveragePrecision, Eer, Gini, Ks, MinDcf, PartialAuroc, PcocError, PrecisionAtRecall, RecallAtFpr,
        RecallAtPrecision, SpecificityAtSensitivity,
    },
    class::{
        Accuracy, AdaptiveEce, AurocOvo, BalancedAccuracy, Brier, CohenKappa, Ece, Hinge, LogLoss, MacroF1, Mcc, Mce,
        MicroF1, Precision, Recall, Spacing, TopK, WeightedF1,
    },
    input::MetricBatch,
    metric::{AnyMetric, Metric, Streaming},
    multi_label::{
        Bedroc, CoverageError, Enrichment, HammingLoss, Lrap, OneError, RankingLoss, SamplesF1, SubsetAccuracy,
    },
    ordinal::{GradeKendall, GradeMae, GradeSpearman, OffByOne},
    regress::{
        Ccc, DirectionAccuracy, ExplainedVariance, Kendall, Mae, Mape, Mse, Pearson, R2, Rmse, Rmsle, Smape, Spearman,
        Tweedie, Wmape,
    },
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
    member::<Accuracy>(MetricId::Accuracy),
    member::<TopK>(MetricId::Top5Accuracy),
    member::<BalancedAccuracy>(MetricId::BalancedAccuracy),
    member::<Precision>(MetricId::MacroPrecision),
    member::<Recall>(MetricId::MacroRecall),
    member::<MacroF1>(MetricId::MacroF1),
    member::<MicroF1>(MetricId::MicroF1),
    member::<WeightedF1>(MetricId::WeightedF1),
    member::<CohenKappa>(MetricId::CohenKappa),
    member::<Mcc>(MetricId::Mcc),
    member::<LogLoss>(MetricId::LogLoss),
    member::<Brier>(MetricId::Brier),
    member::<Ece>(MetricId::Ece),
    member::<Mce>(MetricId::Mce),
    member::<AdaptiveEce>(MetricId::AdaptiveEce),
    member::<Hinge>(MetricId::Hinge),
    member::<Auroc>(MetricId::Auroc),
    member::<AurocOvo>(MetricId::AurocOvo),
    member::<PartialAuroc>(MetricId::PartialAuroc),
    member::<AveragePrecision>(MetricId::AveragePrecision),
    member::<Ks>(MetricId::Ks),
    member::<Gini>(MetricId::Gini),
    member::<Eer>(MetricId::Eer),
    member::<MinDcf>(MetricId::MinDcf),
    member::<RecallAtFpr>(MetricId::RecallAtFpr),
    member::<PrecisionAtRecall>(MetricId::PrecisionAtRecall),
    member::<RecallAtPrecision>(MetricId::RecallAtPrecision),
    member::<SpecificityAtSensitivity>(MetricId::SpecificityAtSensitivity),
    member::<PcocError>(MetricId::PcocError),
    member::<SubsetAccuracy>(MetricId::SubsetAccuracy),
    member::<HammingLoss>(MetricId::HammingLoss),
    member::<SamplesF1>(MetricId::SamplesF1),
    member::<CoverageError>(MetricId::CoverageError),
    member::<Lrap>(MetricId::Lrap),
    member::<RankingLoss>(MetricId::RankingLoss),
    member::<OneError>(MetricId::OneError),
    member::<Enrichment>(MetricId::Enrichment),
    member::<Bedroc>(MetricId::Bedroc),
    with(MetricId::LinearKappa, || Box::new(Streaming::new(CohenKappa { spacing: Spacing::Linear }))),
    with(MetricId::QuadraticKappa, || Box::new(Streaming::new(CohenKappa { spacing: Spacing::Quadratic }))),
    member::<GradeMae>(MetricId::GradeMae),
    member::<OffByOne>(MetricId::OffByOne),
    member::<GradeKendall>(MetricId::GradeKendall),
    member::<GradeSpearman>(MetricId::GradeSpearman),
    member::<Mae>(MetricId::Mae),
    member::<Mse>(MetricId::Mse),
    member::<Rmse>(MetricId::Rmse),
    member::<R2>(MetricId::R2),
    member::<ExplainedVariance>(MetricId::ExplainedVariance),
    member::<Mape>(MetricId::Mape),
    member::<Smape>(MetricId::Smape),
    member::<Wmape>(MetricId::Wmape),
    member::<Rmsle>(MetricId::Rmsle),
    member::<Tweedie>(MetricId::PoissonDeviance),
    member::<Pearson>(MetricId::Pearson),
    member::<Spearman>(MetricId::Spearman),
    member::<Kendall>(MetricId::Kendall),
    member::<Ccc>(MetricId::Ccc),
    member::<DirectionAccuracy>(MetricId::DirectionAccuracy),
];

const fn member<M>(id: MetricId) -> Member
where
    M: for<'a> Metric<Batch<'a> = MetricBatch<'a>> + Default,
{
    with(id, || Box::new(Streaming::new(M::default())))
}

const fn with(id: MetricId, build: fn() -> Box<dyn AnyMetric>) -> Member {
    Member { id, about: id.about(), build }
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
