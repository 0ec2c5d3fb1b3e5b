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
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** [`ClassCounts`](super::ClassCounts).
//! **Weights** yes.
//!
//! **Reference** scikit-learn `f1_score(average="macro")`, whose labels are those that occur in truth or prediction.
//! **Differs from** scikit-learn for several yes/no labels when a label neither occurs nor is predicted: it counts as 0
//! there (with a warning), here it is left out and counted in `left_out` (its `zero_division=nan`).

use crate::class::{
    counts::Average,
    f_beta::{F1, FixedAverage},
};

/// Mean over classes of the F1 score, `[0, 1]`.
pub type MacroF1 = F1<Macro>;

/// `Macro` as a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Macro;

impl FixedAverage for Macro {
    const AVERAGE: Average = Average::Macro;
    const NAME: &'static str = "macro-f1";
    const STATE_VERSION: u16 = 2;
}

#[cfg(test)]
mod tests {
    use crate::evaluate;
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    #[test]
    fn by_hand_and_absent_classes_are_left_out() {
        let scores = array![[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let prediction = Prediction::Class { scores, kind: Scores::Probs };
        let value = evaluate("macro-f1", &prediction, &Reference::Class(vec![0, 1, 1])).unwrap();
        // Class 0: 2*1/(2+1), class 1: 2*1/(1+2), class 2 neither occurs nor is predicted.
        assert!((value.value.unwrap() - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!((value.parts, value.left_out, value.support), (3, 1, 3));
    }

    #[test]
    fn one_yes_no_label_averages_no_and_yes() {
        let prediction = Prediction::MultiLabel { scores: array![[0.9], [0.8], [0.3]], kind: Scores::Probs };
        let value = evaluate("macro-f1", &prediction, &Reference::MultiLabel(array![[1.0], [0.0], [0.0]]));
        let value = value.unwrap();
        assert!((value.value.unwrap() - (2.0 / 3.0 + 2.0 / 3.0) / 2.0).abs() < 1e-15);
        assert_eq!(value.parts, 2);
    }
}
