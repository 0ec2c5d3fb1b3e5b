//! Constant answers: what a model that looks at no input would say, and how good that is.
//!
//! | labels | the answer |
//! |---|---|
//! | classes | the shares of the classes among the training labels; the most frequent class where one must be named |
//! | yes/no | the share of yes of each label |
//! | grades | their shares; the median grade for absolute errors |
//! | tags | the shares of the tags for every item, so the most frequent tag |
//! | numbers | the mean of the training labels; their median for absolute errors, as `mae` |
//!
//! A kind of answer without one says why not, and its metrics are undefined with that reason.
//!
//! Which of them a metric likes best its facts say ([`MetricFacts::constant`](mtl_core::metric::MetricFacts)): the mean is best for
//! squared errors, the median for absolute ones and for those of logarithms, shares as logits for margins. Whatever a model has learned
//! from inputs is the distance from here: [`Skill`](mtl_metrics::aggregate::Skill) measures it, `train.selection = "skill"`
//! chooses the epoch by it, and tables show the two side by side. Labels alone are read, no input and no model.

use mtl_core::label_stats::LabelStats;
use mtl_data::Batches;
use mtl_metrics::{MetricReport, MetricSet};

use crate::{
    error::Result,
    parts::metrics::{constant_for, registry},
    train::trainer::evaluate_answers,
};

/// The constant answers of every task, in task order.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant(Vec<LabelStats>);

impl Constant {
    /// From the statistics of the training labels, in task order.
    #[must_use]
    pub fn of(training: &[LabelStats]) -> Self {
        Self(training.to_vec())
    }

    /// The metrics of these answers on the labels of `split`, which has the tasks of `metrics`.
    ///
    /// # Errors
    /// Those of reading the labels; [`mtl_core::Error::Label`] for a label that is none.
    pub fn judge(&self, split: &dyn Batches, metrics: &MetricSet) -> Result<MetricReport> {
        let known = registry();
        evaluate_answers(split, metrics, &|task_idx, metric, truth| match (
            metrics.answer(task_idx),
            self.0.get(task_idx),
        ) {
            (Some(answer), Some(stats)) => answer.constant(stats, constant_for(&known, metric), truth),
            (None, _) | (_, None) => Err("nothing is known of the training labels".to_owned()),
        })
    }
}
