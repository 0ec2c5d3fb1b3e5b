//! Precision: how much of what was said is right.
//!
//! ```text
//! precision_k = tp_k / (tp_k + fp_k)
//! ```
//!
//! averaged over classes as [`Average`] says; a class that is never said has none.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** [`ClassCounts`]. **Weights** yes.
//!
//! **Reference** scikit-learn `precision_score(average=.., zero_division=nan)`.
//! **Differs from** its default, which counts a class that is never said as 0 with a warning: here it is left out and
//! counted. For a single yes/no label `Macro` and `Weighted` average over "no" and "yes"; `Micro` is that of "yes".

use mtl_core::{Result, metric::Direction};

use crate::{
    class::counts::{Average, ClassCounts},
    input::MetricBatch,
    metric::Metric,
    value::MetricValue,
};

/// Share of right ones among those said, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Precision {
    /// How classes are averaged.
    pub average: Average,
}

impl Metric for Precision {
    type Batch<'a> = MetricBatch<'a>;
    type State = ClassCounts;

    fn name(&self) -> &str {
        match self.average {
            Average::Macro => "macro-precision",
            Average::Micro => "micro-precision",
            Average::Weighted => "weighted-precision",
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
        state.average(self.average, |quad| {
            let said = quad.tp + quad.fp;
            if said > 0.0 { Ok(quad.tp / said) } else { Err("never predicted".to_owned()) }
        })
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
        // Class 0: 1 of 2, class 1: 2 of 3.
        let value = found(Precision::default());
        near(&value, (0.5 + 2.0 / 3.0) / 2.0);
        assert_eq!((value.parts, value.left_out), (3, 1));
        near(&found(Precision { average: Average::Micro }), 0.6);
        near(&found(Precision { average: Average::Weighted }), (0.5 + 3.0 * 2.0 / 3.0) / 4.0);
    }

    #[test]
    fn answers_that_never_occur_are_all_wrong() {
        let prediction = Prediction::Class { scores: array![[0.1, 0.9], [0.2, 0.8]], kind: Scores::Probs };
        for average in [Average::Macro, Average::Micro, Average::Weighted] {
            let mut metric = Streaming::new(Precision { average });
            metric.update(&prediction, &Reference::Class(vec![0, 0])).unwrap();
            assert_eq!(metric.compute().value, Some(0.0), "{average:?}");
        }
    }
}
