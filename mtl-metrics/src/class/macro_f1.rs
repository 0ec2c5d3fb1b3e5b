//! Macro-F1: the mean over classes of the F1 score, every class counting the same, however rare.
//!
//! ```text
//! F1_k  = 2 tp_k / (said_k + true_k)        said_k: times class k was predicted, true_k: times it was the label
//! macro = mean of F1_k over the classes with said_k + true_k > 0
//! ```
//!
//! Several yes/no labels: `F1_k` is that of "yes" for label `k`. A single yes/no label is a task of two classes, and
//! the mean is over "no" and "yes".
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** [`ClassCounts`], `24 c` bytes.
//!
//! **Weights** samples count by their weight.
//!
//! **Reference** scikit-learn `f1_score(average="macro")`, whose labels are those that occur in truth or prediction.
//! **Differs from** scikit-learn for several yes/no labels when a label neither occurs nor is predicted: it counts as 0
//! there (with a warning), here it is left out and counted in `left_out` (its `zero_division=nan`).

use mtl_core::{Result, metric::Direction};

use crate::{
    class::{
        counts::{Average, ClassCounts},
        f_beta::f_beta,
    },
    input::MetricBatch,
    metric::Metric,
    value::MetricValue,
};

/// Mean over classes of the F1 score, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MacroF1;

impl Metric for MacroF1 {
    type Batch<'a> = MetricBatch<'a>;
    type State = ClassCounts;
    const STATE_VERSION: u16 = 2;

    fn name(&self) -> &'static str {
        "macro-f1"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ClassCounts, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(self.name(), batch)
    }

    fn compute(&self, state: &ClassCounts) -> MetricValue {
        state.average(Average::Macro, |quad| f_beta(quad, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use crate::evaluate;
    use mtl_core::{
        metric::MetricId,
        prediction::{Prediction, Reference, Scores},
    };
    use ndarray::array;

    #[test]
    fn by_hand_and_absent_classes_are_left_out() {
        let scores = array![[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let prediction = Prediction::Class { scores, kind: Scores::Probs };
        let value = evaluate(MetricId::MacroF1, &prediction, &Reference::Class(vec![0, 1, 1])).unwrap();
        // Class 0: 2*1/(2+1), class 1: 2*1/(1+2), class 2 neither occurs nor is predicted.
        assert!((value.value.unwrap() - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!((value.parts, value.left_out, value.support), (3, 1, 3));
    }

    #[test]
    fn one_yes_no_label_averages_no_and_yes() {
        let prediction = Prediction::MultiLabel { scores: array![[0.9], [0.8], [0.3]], kind: Scores::Probs };
        let value = evaluate(MetricId::MacroF1, &prediction, &Reference::MultiLabel(array![[1.0], [0.0], [0.0]]));
        let value = value.unwrap();
        assert!((value.value.unwrap() - (2.0 / 3.0 + 2.0 / 3.0) / 2.0).abs() < 1e-15);
        assert_eq!(value.parts, 2);
    }
}
