//! Names of metrics and the direction in which they improve.
//!
//! The metrics themselves live in `mtl-metrics`; their names live here because tasks, heads and reports must agree on
//! them without depending on one another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Larger values are better: accuracy.
    Maximize,
    /// Smaller values are better: error.
    Minimize,
}

impl Direction {
    /// Whether `a` is strictly better than `b`.
    #[must_use]
    pub fn better(self, a: f64, b: f64) -> bool {
        match self {
            Self::Maximize => a > b,
            Self::Minimize => a < b,
        }
    }
}

/// The metrics there are for what heads say, with their usual settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MetricId {
    /// Share of labels said right, `[0, 1]`.
    Accuracy,
    /// Share of labels among the five highest scores, `[0, 1]`.
    #[serde(rename = "top-5-accuracy")]
    Top5Accuracy,
    /// Mean recall over classes, `[0, 1]`.
    BalancedAccuracy,
    /// Mean precision over classes, `[0, 1]`.
    MacroPrecision,
    /// Mean recall over classes, `[0, 1]`.
    MacroRecall,
    /// Mean over classes of the F1 score, `[0, 1]`.
    MacroF1,
    /// F1 score of all classes' counts together, `[0, 1]`.
    MicroF1,
    /// Mean of the F1 score over classes, by how often they occur, `[0, 1]`.
    WeightedF1,
    /// Agreement beyond chance, at most 1.
    CohenKappa,
    /// Matthews correlation coefficient, `[-1, 1]`.
    Mcc,
    /// Mean negative log-likelihood of the label, nats.
    LogLoss,
    /// Mean squared distance of probabilities from the truth.
    Brier,
    /// Gap of confidence and accuracy over 15 bins of equal width, `[0, 1]`.
    Ece,
    /// The largest gap of confidence and accuracy of 15 bins, `[0, 1]`.
    Mce,
    /// Gap of confidence and accuracy over 15 bins of equal content, `[0, 1]`.
    AdaptiveEce,
    /// Mean hinge loss of logits.
    Hinge,
    /// Area under the ROC curve, `[0, 1]`; for several labels the mean over those that have both classes.
    Auroc,
    /// Area under the ROC curve, mean over pairs of classes, `[0, 1]`.
    AurocOvo,
    /// Area under the ROC curve up to a false positive rate of 0.1, stretched to `[0, 1]`.
    #[serde(rename = "partial-auroc@0.1")]
    PartialAuroc,
    /// Area under the precision-recall steps, `[0, 1]`; over labels the mAP.
    AveragePrecision,
    /// Largest distance of the score distributions, `[0, 1]`.
    Ks,
    /// Twice the area under the ROC curve less 1, `[-1, 1]`.
    Gini,
    /// Error where misses and false alarms are equally frequent, `[0, 1]`.
    Eer,
    /// Detection cost of the best threshold with one target in a hundred, `[0, 1]`.
    #[serde(rename = "min-dcf@0.01")]
    MinDcf,
    /// Recall at a false positive rate of at most 0.01, `[0, 1]`.
    #[serde(rename = "recall@fpr=0.01")]
    RecallAtFpr,
    /// Best precision at a recall of at least 0.9, `[0, 1]`.
    #[serde(rename = "precision@recall=0.9")]
    PrecisionAtRecall,
    /// Best recall at a precision of at least 0.9, `[0, 1]`.
    #[serde(rename = "recall@precision=0.9")]
    RecallAtPrecision,
    /// Best specificity at a sensitivity of at least 0.9, `[0, 1]`.
    #[serde(rename = "specificity@sensitivity=0.9")]
    SpecificityAtSensitivity,
    /// Distance from 1 of predicted over observed.
    PcocError,
    /// Share of samples with all labels right, `[0, 1]`.
    SubsetAccuracy,
    /// Share of labels said wrong, `[0, 1]`.
    HammingLoss,
    /// Mean F1 score of each sample's labels, `[0, 1]`.
    SamplesF1,
    /// How many labels from the top hold all true ones.
    CoverageError,
    /// Precision at the ranks of true labels, `[0, 1]`.
    Lrap,
    /// Share of label pairs in the wrong order, `[0, 1]`.
    RankingLoss,
    /// Share of samples whose top label is false, `[0, 1]`.
    OneError,
    /// Enrichment of the best percent over chance.
    #[serde(rename = "ef@1%")]
    Enrichment,
    /// Early recognition with `alpha = 20`, `[0, 1]`.
    #[serde(rename = "bedroc@20")]
    Bedroc,
    /// Agreement beyond chance of grades, by distance, at most 1.
    LinearKappa,
    /// Agreement beyond chance of grades, by squared distance, at most 1.
    QuadraticKappa,
    /// Mean distance from the true grade, in grades.
    GradeMae,
    /// Share of answers at most one grade off, `[0, 1]`.
    OffByOne,
    /// Kendall's tau-b of grades, `[-1, 1]`.
    GradeKendall,
    /// Spearman correlation of grades, `[-1, 1]`.
    GradeSpearman,
    /// Mean absolute error, in the target's unit.
    Mae,
    /// Mean squared error, in the target's unit squared.
    Mse,
    /// Root mean squared error, in the target's unit.
    Rmse,
    /// Coefficient of determination, `(-inf, 1]`.
    R2,
    /// Share of variance explained, a constant offset forgiven, `(-inf, 1]`.
    ExplainedVariance,
    /// Mean absolute percentage error, 1 is 100 %.
    Mape,
    /// Symmetric mean absolute percentage error, `[0, 2]`.
    Smape,
    /// All errors as a share of all targets.
    Wmape,
    /// Root mean squared logarithmic error; numbers above -1.
    Rmsle,
    /// Mean Poisson deviance; predictions above 0.
    PoissonDeviance,
    /// Pearson correlation, `[-1, 1]`.
    Pearson,
    /// Spearman correlation, `[-1, 1]`.
    Spearman,
    /// Kendall's tau-b, `[-1, 1]`.
    Kendall,
    /// Concordance correlation, `[-1, 1]`.
    Ccc,
    /// Share of changes whose sign was predicted, `[0, 1]`.
    DirectionAccuracy,
}

/// What is known of a metric by its name.
struct Facts {
    name: &'static str,
    about: &'static str,
    direction: Direction,
    unit_range: bool,
    of_numbers: bool,
}

impl Facts {
    const fn max(name: &'static str, about: &'static str) -> Self {
        Self { name, about, direction: Direction::Maximize, unit_range: false, of_numbers: false }
    }

    const fn min(name: &'static str, about: &'static str) -> Self {
        Self { name, about, direction: Direction::Minimize, unit_range: false, of_numbers: false }
    }

    const fn share(mut self) -> Self {
        self.unit_range = true;
        self
    }

    const fn numbers(mut self) -> Self {
        self.of_numbers = true;
        self
    }
}

impl MetricId {
    /// Every metric, in the order of the documentation.
    pub const ALL: &'static [Self] = &[
        Self::Accuracy,
        Self::Top5Accuracy,
        Self::BalancedAccuracy,
        Self::MacroPrecision,
        Self::MacroRecall,
        Self::MacroF1,
        Self::MicroF1,
        Self::WeightedF1,
        Self::CohenKappa,
        Self::Mcc,
        Self::LogLoss,
        Self::Brier,
        Self::Ece,
        Self::Mce,
        Self::AdaptiveEce,
        Self::Hinge,
        Self::Auroc,
        Self::AurocOvo,
        Self::PartialAuroc,
        Self::AveragePrecision,
        Self::Ks,
        Self::Gini,
        Self::Eer,
        Self::MinDcf,
        Self::RecallAtFpr,
        Self::PrecisionAtRecall,
        Self::RecallAtPrecision,
        Self::SpecificityAtSensitivity,
        Self::PcocError,
        Self::SubsetAccuracy,
        Self::HammingLoss,
        Self::SamplesF1,
        Self::CoverageError,
        Self::Lrap,
        Self::RankingLoss,
        Self::OneError,
        Self::Enrichment,
        Self::Bedroc,
        Self::LinearKappa,
        Self::QuadraticKappa,
        Self::GradeMae,
        Self::OffByOne,
        Self::GradeKendall,
        Self::GradeSpearman,
        Self::Mae,
        Self::Mse,
        Self::Rmse,
        Self::R2,
        Self::ExplainedVariance,
        Self::Mape,
        Self::Smape,
        Self::Wmape,
        Self::Rmsle,
        Self::PoissonDeviance,
        Self::Pearson,
        Self::Spearman,
        Self::Kendall,
        Self::Ccc,
        Self::DirectionAccuracy,
    ];

    const fn facts(self) -> Facts {
        match self {
            Self::Accuracy => Facts::max("accuracy", "share of samples whose top class is the label").share(),
            Self::Top5Accuracy => Facts::max("top-5-accuracy", "share of labels among the five highest scores").share(),
            Self::BalancedAccuracy => {
                Facts::max("balanced-accuracy", "mean over classes of how much was found").share()
            }
            Self::MacroPrecision => {
                Facts::max("macro-precision", "mean over classes of how much of what was said is right").share()
            }
            Self::MacroRecall => {
                Facts::max("macro-recall", "mean over classes of how much of what is true was found").share()
            }
            Self::MacroF1 => Facts::max("macro-f1", "mean over classes of the F1 score").share(),
            Self::MicroF1 => Facts::max("micro-f1", "F1 score of all classes' counts together").share(),
            Self::WeightedF1 => {
                Facts::max("weighted-f1", "mean F1 score over classes, by how often they occur").share()
            }
            Self::CohenKappa => Facts::max("cohen-kappa", "agreement beyond chance"),
            Self::Mcc => Facts::max("mcc", "Matthews correlation of truth and answer"),
            Self::LogLoss => Facts::min("log-loss", "mean negative log-likelihood of the label, nats"),
            Self::Brier => Facts::min("brier", "mean squared distance of probabilities from the truth"),
            Self::Ece => Facts::min("ece", "gap of confidence and accuracy, mean over 15 bins").share(),
            Self::Mce => Facts::min("mce", "gap of confidence and accuracy, largest of 15 bins").share(),
            Self::AdaptiveEce => {
                Facts::min("adaptive-ece", "gap of confidence and accuracy over bins of equal content").share()
            }
            Self::Hinge => Facts::min("hinge", "margin missing to the best other class; logits only"),
            Self::Auroc => Facts::max("auroc", "area under the ROC curve, exact").share(),
            Self::AurocOvo => Facts::max("auroc-ovo", "area under the ROC curve, mean over pairs of classes").share(),
            Self::PartialAuroc => {
                Facts::max("partial-auroc@0.1", "area under the ROC curve up to a false positive rate of 0.1").share()
            }
            Self::AveragePrecision => {
                Facts::max("average-precision", "area under the precision-recall steps; over labels the mAP").share()
            }
            Self::Ks => Facts::max("ks", "largest distance of the score distributions of yes and no").share(),
            Self::Gini => Facts::max("gini", "twice the area under the ROC curve less 1"),
            Self::Eer => Facts::min("eer", "error where misses and false alarms are equally frequent").share(),
            Self::MinDcf => {
                Facts::min("min-dcf@0.01", "detection cost of the best threshold, one target in a hundred").share()
            }
            Self::RecallAtFpr => {
                Facts::max("recall@fpr=0.01", "recall at a false positive rate of at most 0.01").share()
            }
            Self::PrecisionAtRecall => {
                Facts::max("precision@recall=0.9", "best precision at a recall of at least 0.9").share()
            }
            Self::RecallAtPrecision => {
                Facts::max("recall@precision=0.9", "best recall at a precision of at least 0.9").share()
            }
            Self::SpecificityAtSensitivity => {
                Facts::max("specificity@sensitivity=0.9", "best specificity at a sensitivity of at least 0.9").share()
            }
            Self::PcocError => Facts::min("pcoc-error", "distance from 1 of predicted over observed"),
            Self::SubsetAccuracy => Facts::max("subset-accuracy", "share of samples with all labels right").share(),
            Self::HammingLoss => Facts::min("hamming-loss", "share of labels said wrong").share(),
            Self::SamplesF1 => Facts::max("samples-f1", "mean F1 score of each sample's labels").share(),
            Self::CoverageError => Facts::min("coverage-error", "how many labels from the top hold all true ones"),
            Self::Lrap => Facts::max("lrap", "precision at the ranks of true labels").share(),
            Self::RankingLoss => Facts::min("ranking-loss", "share of label pairs in the wrong order").share(),
            Self::OneError => Facts::min("one-error", "share of samples whose top label is false").share(),
            Self::Enrichment => Facts::max("ef@1%", "actives among the best percent, over chance"),
            Self::Bedroc => Facts::max("bedroc@20", "early recognition of actives, alpha 20").share(),
            Self::LinearKappa => Facts::max("linear-kappa", "agreement of grades beyond chance, by distance"),
            Self::QuadraticKappa => {
                Facts::max("quadratic-kappa", "agreement of grades beyond chance, by squared distance (QWK)")
            }
            Self::GradeMae => Facts::min("grade-mae", "mean distance from the true grade, in grades"),
            Self::OffByOne => Facts::max("off-by-one", "share of answers at most one grade off").share(),
            Self::GradeKendall => Facts::max("grade-kendall", "Kendall's tau-b of grades"),
            Self::GradeSpearman => Facts::max("grade-spearman", "Spearman correlation of grades"),
            Self::Mae => Facts::min("mae", "mean absolute error").numbers(),
            Self::Mse => Facts::min("mse", "mean squared error").numbers(),
            Self::Rmse => Facts::min("rmse", "root mean squared error").numbers(),
            Self::R2 => Facts::max("r2", "coefficient of determination").numbers(),
            Self::ExplainedVariance => {
                Facts::max("explained-variance", "share of variance explained, a constant offset forgiven").numbers()
            }
            Self::Mape => Facts::min("mape", "mean error as a share of the target").numbers(),
            Self::Smape => Facts::min("smape", "mean error as a share of prediction and target").numbers(),
            Self::Wmape => Facts::min("wmape", "all errors as a share of all targets").numbers(),
            Self::Rmsle => Facts::min("rmsle", "root mean squared logarithmic error; numbers above -1").numbers(),
            Self::PoissonDeviance => {
                Facts::min("poisson-deviance", "mean Poisson deviance; predictions above 0").numbers()
            }
            Self::Pearson => Facts::max("pearson", "Pearson correlation").numbers(),
            Self::Spearman => Facts::max("spearman", "Spearman correlation of ranks").numbers(),
            Self::Kendall => Facts::max("kendall", "Kendall's tau-b").numbers(),
            Self::Ccc => Facts::max("ccc", "concordance correlation").numbers(),
            Self::DirectionAccuracy => {
                Facts::max("direction-accuracy", "share of changes whose sign was predicted").share().numbers()
            }
        }
    }

    /// The name used in configs, reports and expressions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// One line on what it is.
    #[must_use]
    pub const fn about(self) -> &'static str {
        self.facts().about
    }

    /// Which way is better.
    #[must_use]
    pub const fn direction(self) -> Direction {
        self.facts().direction
    }

    /// Whether the metric is a share, `[0, 1]`: only such metrics may be mixed without a normalizer.
    #[must_use]
    pub const fn is_unit_range(self) -> bool {
        self.facts().unit_range
    }

    /// Whether it judges numbers; else it judges classes or labels.
    #[must_use]
    pub const fn is_of_numbers(self) -> bool {
        self.facts().of_numbers
    }
}

impl fmt::Display for MetricId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for MetricId {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|id| id.name() == name).ok_or_else(|| Error::UnknownName {
            what: "metric",
            name: name.to_owned(),
            known: Self::ALL.iter().map(ToString::to_string).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_agree_with_serde() {
        for id in MetricId::ALL {
            assert_eq!(id.name().parse::<MetricId>().unwrap(), *id);
            assert_eq!(serde_json::to_string(id).unwrap(), format!("{:?}", id.name()));
        }
        assert!("acuracy".parse::<MetricId>().unwrap_err().to_string().contains("accuracy"));
    }

    #[test]
    fn direction_says_which_is_better() {
        assert!(MetricId::Auroc.direction().better(0.9, 0.8));
        assert!(MetricId::Rmse.direction().better(0.8, 0.9));
        assert!(!MetricId::Rmse.direction().better(f64::NAN, 0.9));
        assert!(MetricId::Kendall.is_of_numbers() && !MetricId::GradeKendall.is_of_numbers());
    }
}
