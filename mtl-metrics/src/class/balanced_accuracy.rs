//! Balanced accuracy: the mean over classes of how much of each was found; every class counts the same, however rare.
//!
//! ```text
//! classes        mean of recall_k over the classes that occur
//! yes/no labels  the same for the classes "yes" and "no" of each label, mean over labels
//! ```
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** [`ClassCounts`]. **Weights** yes.
//!
//! **Reference** scikit-learn `balanced_accuracy_score`.
//! **Differs from** it in taking several yes/no labels: the mean of its values for each. As there, a label without a
//! "yes" has the recall of "no".

use mtl_core::{Result, metric::Direction};

use crate::{
    class::{
        counts::{Average, ClassCounts, Quad},
        recall::recall,
    },
    input::MetricBatch,
    metric::Metric,
    value::{MetricValue, OrReason},
};

/// Mean recall over classes, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BalancedAccuracy;

impl Metric for BalancedAccuracy {
    type Batch<'a> = MetricBatch<'a>;
    type State = ClassCounts;

    fn name(&self) -> &'static str {
        "balanced-accuracy"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(self.name(), batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        if state.are_labels() {
            return state.average(Average::Macro, balanced);
        }
        state.average(Average::Macro, recall)
    }
}

/// The mean recall of "yes" and "no", or that of the one which occurs.
fn balanced(quad: &Quad) -> OrReason<f64> {
    match (recall(quad), recall(&quad.flipped())) {
        (Ok(yes), Ok(no)) => Ok((yes + no) / 2.0),
        (yes, no) => yes.or(no),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AnyMetric, Streaming,
        class::testing::{found, near},
    };
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    #[test]
    fn by_hand() {
        near(&found(BalancedAccuracy), (1.0 + 2.0 / 3.0) / 3.0);
        let prediction = Prediction::MultiLabel { scores: array![[0.9, 0.1], [0.8, 0.2]], kind: Scores::Probs };
        let mut metric = Streaming::new(BalancedAccuracy);
        metric.update(&prediction, &Reference::MultiLabel(array![[1.0, 0.0], [0.0, 0.0]])).unwrap();
        let value = metric.compute();
        // The first label has half of both; the second, always no, has all of it.
        assert_eq!((value.value, value.left_out, value.support), (Some(0.75), 0, 4));
    }
}
