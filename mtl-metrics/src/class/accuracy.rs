//! Accuracy: the share of labels that were said right.
//!
//! ```text
//! class scores    accuracy = #{ i : argmax_k s_ik = y_i } / n            n = samples with a label
//! yes/no scores   accuracy = #{ (i, k) : [s_ik says yes] = y_ik } / n    n = known entries
//! ```
//!
//! Among equal scores the first class wins; a yes/no score says yes above probability 0.5 (logit 0).
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** two counts.
//! **Weights** samples count by their weight, as `sample_weight` of the reference.
//!
//! **Reference** scikit-learn `accuracy_score`; for several yes/no labels `1 - hamming_loss`.
//! **Differs from** scikit-learn for several labels (its `accuracy_score` asks for the whole row to be right, which has
//! no meaning with missing labels); torchmetrics `MultilabelAccuracy` averages over labels first, which is the same
//! unless labels are missing. Without any label the value is undefined, not 0.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    fold,
    input::MetricBatch,
    metric::{Metric, MetricState},
    value::{MetricValue, OrReason},
    weight::Total,
};

/// Share of labels that were said right, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accuracy;

/// The weight of what was right among what is known.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Hits {
    right: Total,
    all: Total,
}

impl Hits {
    /// Counts one answer.
    #[inline]
    pub fn add(&mut self, right: bool, weight: f32) {
        if right {
            self.right.add(weight);
        }
        self.all.add(weight);
    }

    /// The share of right answers.
    #[must_use]
    pub fn value(&self) -> MetricValue {
        MetricValue::share(self.right.value(), self.all.value(), self.all.n())
    }

    /// The share of right answers, or why there is none.
    ///
    /// # Errors
    /// Without answers, or when all weights are 0.
    pub fn get(&self) -> OrReason<f64> {
        self.value().get().map_err(str::to_owned)
    }

    /// The weight of all answers.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.all.value()
    }

    /// Answers counted.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.all.n()
    }
}

impl MetricState for Hits {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.all.merge(&other.all)?;
        self.right.merge(&other.right)
    }

    fn check(&self) -> OrReason<()> {
        self.all.check()?;
        self.right.check()?;
        let (right, all) = (&self.right, &self.all);
        let fits = right.n() <= all.n() && right.value() <= all.value();
        if fits { Ok(()) } else { Err(format!("{} hits among {}", right.n(), all.n())) }
    }
}

impl Accuracy {
    /// Counts a batch for a metric of that name.
    pub(crate) fn update_for(self, metric: &str, state: &mut Hits, batch: &MetricBatch<'_>) -> Result<()> {
        fold::scores(
            metric,
            batch,
            state,
            |_| Hits::default(),
            |hits, sample| {
                let said = batch.top_class(sample.scores, sample.kind, sample.row)?;
                hits.add(said == sample.class, sample.weight);
                Ok(())
            },
            |hits, entry| {
                hits.add(batch.says_yes(entry.score, entry.kind, entry.row)? == entry.yes, entry.weight);
                Ok(())
            },
        )
    }
}

impl Metric for Accuracy {
    type Batch<'a> = MetricBatch<'a>;
    type State = Hits;
    const STATE_VERSION: u16 = 2;

    fn name(&self) -> &'static str {
        "accuracy"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Hits, batch: &MetricBatch<'_>) -> Result<()> {
        self.update_for(self.name(), state, batch)
    }

    fn compute(&self, state: &Hits) -> MetricValue {
        state.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{MISSING_CLASS, Prediction, Reference, Scores};
    use ndarray::array;

    #[test]
    fn by_hand() {
        let mut metric = Streaming::new(Accuracy);
        let scores = array![[2.0, 1.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 2.0], [f32::NAN, 0.0, 0.0]];
        let prediction = Prediction::Class { scores, kind: Scores::Logits };
        // A tie goes to the first class; the row without a label may hold anything.
        metric.update(&prediction, &Reference::Class(vec![0, 1, 2, MISSING_CLASS])).unwrap();
        assert_eq!(metric.compute(), MetricValue::ratio(2.0, 3));
        let e = metric.update(&prediction, &Reference::Class(vec![0, 0, 0, 0])).unwrap_err().to_string();
        assert_eq!(e, "task (unnamed): score must be a number, found NaN (sample 3)");
        assert_eq!(metric.compute().support, 3, "a failed update changes nothing");
    }

    #[test]
    fn the_kind_of_score_decides_the_threshold() {
        let scores = array![[0.3, 0.7]];
        let truth = Reference::MultiLabel(array![[1.0, 1.0]]);
        let value = |kind| {
            let prediction = Prediction::MultiLabel { scores: scores.clone(), kind };
            crate::evaluate("accuracy", &prediction, &truth).unwrap().value
        };
        assert_eq!((value(Scores::Logits), value(Scores::Probs)), (Some(1.0), Some(0.5)));
    }
}
