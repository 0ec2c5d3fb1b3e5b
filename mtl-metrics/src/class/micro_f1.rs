//! Micro-F1: the F1 score of the counts of all classes added up.
//!
//! ```text
//! F1 = 2 sum_k tp_k / sum_k (2 tp_k + fp_k + fn_k)
//! ```
//!
//! For one label of several classes it equals the accuracy; it is meant for several yes/no labels.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** [`ClassCounts`]. **Weights** yes.
//!
//! **Reference** scikit-learn `f1_score(average="micro")`.
//! **Differs from** nothing known; of a single yes/no label it is the F1 of yes, as `average=binary`.

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

/// F1 score of the counts of all classes added up, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MicroF1;

impl Metric for MicroF1 {
    type Batch<'a> = MetricBatch<'a>;
    type State = ClassCounts;

    fn name(&self) -> &'static str {
        "micro-f1"
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
        state.average(Average::Micro, |quad| f_beta(quad, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::testing::{found, near};

    #[test]
    fn by_hand() {
        near(&found(MicroF1), 0.6);
    }
}
