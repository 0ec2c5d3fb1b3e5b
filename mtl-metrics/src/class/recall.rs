//! Recall, also sensitivity or true positive rate: how much of what is true was found.
//!
//! ```text
//! recall_k = tp_k / (tp_k + fn_k)
//! ```
//!
//! averaged over classes as [`Average`] says; a class that never occurs has none.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** [`ClassCounts`]. **Weights** yes.
//!
//! **Reference** scikit-learn `recall_score(average=.., zero_division=nan)`.
//! **Differs from** its default, which counts a class that never occurs but is said as 0 with a warning: here it is left out
//! and counted. For a single yes/no label `Macro` and `Weighted` average over "no" and "yes"; `Micro` is that of "yes".

use mtl_core::{Result, metric::Direction};

use crate::{
    class::counts::{Average, ClassCounts, Quad},
    input::MetricBatch,
    metric::Metric,
    value::{MetricValue, OrReason},
};

/// Share of right ones among the true ones, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recall {
    /// How classes are averaged.
    pub average: Average,
}

/// The recall of one class, or why it has none.
pub(crate) fn recall(quad: &Quad) -> OrReason<f64> {
    let actual = quad.tp + quad.fn_;
    if actual > 0.0 { Ok(quad.tp / actual) } else { Err("never true".to_owned()) }
}

impl Metric for Recall {
    type Batch<'a> = MetricBatch<'a>;
    type State = ClassCounts;

    fn name(&self) -> &str {
        match self.average {
            Average::Macro => "macro-recall",
            Average::Micro => "micro-recall",
            Average::Weighted => "weighted-recall",
        }
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
        state.average(self.average, recall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::testing::{found, near};

    #[test]
    fn by_hand() {
        let value = found(Recall::default());
        near(&value, (1.0 + 2.0 / 3.0) / 3.0);
        assert_eq!((value.parts, value.left_out), (3, 0));
        near(&found(Recall { average: Average::Micro }), 0.6);
        near(&found(Recall { average: Average::Weighted }), 0.6);
    }
}
