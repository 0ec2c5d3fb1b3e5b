//! Weighted-F1: the F1 score averaged over classes by how often they occur.
//!
//! ```text
//! F1 = sum_k n_k F1_k / sum_k n_k        n_k: samples of class k
//! ```
//!
//! Frequent classes decide; see [`MacroF1`](super::MacroF1) for the opposite.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** [`ClassCounts`](super::ClassCounts).
//! **Weights** yes.
//!
//! **Reference** scikit-learn `f1_score(average="weighted")`.
//! **Differs from** nothing known for classes; a single yes/no label is a task of the classes no and yes.

use crate::class::{
    counts::Average,
    f_beta::{F1, FixedAverage},
};

/// F1 score averaged over classes by how often they occur, `[0, 1]`.
pub type WeightedF1 = F1<Weighted>;

/// `Weighted` as a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weighted;

impl FixedAverage for Weighted {
    const AVERAGE: Average = Average::Weighted;
    const NAME: &'static str = "weighted-f1";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::testing::{found, near};

    #[test]
    fn by_hand() {
        near(&found(WeightedF1::default()), (2.0 / 3.0 + 3.0 * 2.0 / 3.0) / 5.0);
    }
}
