//! Constant answers: what a model that looks at no input would say, and how good that is.
//!
//! | labels | the answer |
//! |---|---|
//! | classes | the shares of the classes among the training labels; the most frequent class where one must be named |
//! | yes/no | the share of yes of each label |
//! | numbers | the mean of the training labels; their median for `mae`, `mape`, `smape`, `wmape` and `rmsle` |
//!
//! The mean is best for squared errors, the median for absolute ones and for those of logarithms. Whatever a model has learned
//! from inputs is the distance from here: [`Skill`](mtl_metrics::aggregate::Skill) measures it, `train.selection = "skill"`
//! chooses the epoch by it, and tables show the two side by side. Labels alone are read, no input and no model.

use mtl_core::{
    label_stats::LabelStats,
    prediction::{Prediction, Scores},
};
use mtl_data::Source;
use mtl_metrics::{MetricReport, MetricSet, value::OrReason};
use ndarray::Array2;

use crate::{error::Result, trainer::evaluate_answers};

/// The logarithm of a share is taken at this size or above.
const SMALLEST_SHARE: f32 = 1e-7;
/// Why a task has no constant answer.
const UNKNOWN: &str = "the training labels know no constant answer";

/// The constant answer of every task, in task order.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant(Vec<Answer>);

/// One row of answers, the same for every sample.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    /// `[c]`, shares of sum 1.
    Class(Vec<f32>),
    /// `[c]`, in `[0, 1]`.
    MultiLabel(Vec<f32>),
    /// `[k]` each, in the target's unit.
    Values { means: Vec<f32>, medians: Vec<f32> },
    /// A class, label or output that no training label knows.
    Unknown,
}

impl Constant {
    /// From the statistics of the training labels, in task order.
    #[must_use]
    pub fn of(training: &[LabelStats]) -> Self {
        Self(training.iter().map(Answer::of).collect())
    }

    /// The metrics of these answers on the labels of `split`, which has the tasks of `metrics`.
    ///
    /// # Errors
    /// Those of reading the labels; [`mtl_core::Error::Label`] for a label that is none.
    pub fn judge(&self, split: &dyn Source, metrics: &MetricSet) -> Result<MetricReport> {
        evaluate_answers(split, metrics, &|task_idx, metric, truth| {
            let answer = self.0.get(task_idx).unwrap_or(&Answer::Unknown);
            answer.to_prediction(metric, truth.batch_size())
        })
    }
}

impl Answer {
    #[expect(clippy::cast_possible_truncation, reason = "predictions are f32")]
    fn of(labels: &LabelStats) -> Self {
        let known = |row: Vec<Option<f64>>| row.into_iter().map(|x| x.map(|x| x as f32)).collect::<Option<Vec<f32>>>();
        let row = match labels {
            LabelStats::Class { .. } => known(labels.shares()).filter(|row| !row.is_empty()).map(Self::Class),
            LabelStats::MultiLabel { .. } => known(labels.shares()).map(Self::MultiLabel),
            _ => {
                let spreads = labels.numbers().iter().map(|n| n.spread.as_ref());
                let spreads: Option<Vec<_>> = spreads.collect();
                spreads.map(|spreads| Self::Values {
                    means: spreads.iter().map(|s| s.moments.mean as f32).collect(),
                    medians: spreads.iter().map(|s| s.median() as f32).collect(),
                })
            }
        };
        row.unwrap_or(Self::Unknown)
    }

    /// The answer for `n` samples, in the form that the metric reads.
    fn to_prediction(&self, metric: &str, n: usize) -> OrReason<Prediction> {
        let rows = |row: &[f32]| Array2::from_shape_fn((n, row.len()), |(_, column)| row[column]);
        // Margins are between logits.
        let as_logits = metric == "hinge";
        Ok(match self {
            Self::Class(shares) if as_logits => {
                let logits = rows(shares).mapv(|share| share.max(SMALLEST_SHARE).ln());
                Prediction::Class { scores: logits, kind: Scores::Logits }
            }
            Self::Class(shares) => Prediction::Class { scores: rows(shares), kind: Scores::Probs },
            Self::MultiLabel(rates) if as_logits => {
                let odds = |rate: f32| (rate.max(SMALLEST_SHARE) / (1.0 - rate).max(SMALLEST_SHARE)).ln();
                Prediction::MultiLabel { scores: rows(rates).mapv(odds), kind: Scores::Logits }
            }
            Self::MultiLabel(rates) => Prediction::MultiLabel { scores: rows(rates), kind: Scores::Probs },
            Self::Values { medians, .. } if is_best_at_the_median(metric) => {
                Prediction::Values { values: rows(medians) }
            }
            Self::Values { means, .. } => Prediction::Values { values: rows(means) },
            Self::Unknown => return Err(UNKNOWN.to_owned()),
        })
    }
}

fn is_best_at_the_median(metric: &str) -> bool {
    ["mae", "mape", "smape", "wmape", "rmsle"].contains(&metric)
}
