//! Micro-F1: the F1 score of the counts of all classes added up.
//!
//! ```text
//! F1 = 2 sum_k tp_k / sum_k (2 tp_k + fp_k + fn_k)
//! ```
//!
//! For one label of several classes it equals the accuracy; it is meant for several yes/no labels.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** [`ClassCounts`](super::ClassCounts).
//! **Weights** yes.
//!
//! **Reference** scikit-learn `f1_score(average="micro")`.
//! **Differs from** nothing known; of a single yes/no label it is the F1 of yes, as `average=binary`.

use crate::class::{
    counts::Average,
    f_beta::{F1, FixedAverage},
};

/// F1 score of the counts of all classes added up, `[0, 1]`.
pub type MicroF1 = F1<Micro>;

/// `Micro` as a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Micro;

impl FixedAverage for Micro {
    const AVERAGE: Average = Average::Micro;
    const NAME: &'static str = "micro-f1";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::testing::{found, near};

    #[test]
    fn by_hand() {
        near(&found(MicroF1::default()), 0.6);
    }
}
