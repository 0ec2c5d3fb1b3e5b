//! Weighted-F1: the F1 score averaged over classes by how often they occur.
//!
//! ```text
//! F1 = sum_k n_k F1_k / sum_k n_k        n_k: samples of class k
//! ```
//!
//! Frequent classes decide; see [`MacroF1`](super::MacroF1) for the opposite.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** [`ClassCounts`]. **Weights** yes.
//!
//! **Reference** scikit-learn `f1_score(average="weighted")`.
//! **Differs from** nothing known for classes; a single yes/no label is a task of the classes no and yes.

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

/// F1 score averaged over classes by how often they occur, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WeightedF1;

impl Metric for WeightedF1 {
    type Batch<'a> = MetricBatch<'a>;
    type State = ClassCounts;

    fn name(&self) -> &'static str {
        "weighted-f1"
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
        state.average(Average::Weighted, |quad| f_beta(quad, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::testing::{found, near};

    #[test]
    fn by_hand() {
        near(&found(WeightedF1), (2.0 / 3.0 + 3.0 * 2.0 / 3.0) / 5.0);
    }
}
