//! Direction accuracy: how often a predicted change has the right sign.
//!
//! ```text
//! value = mean over outputs of #{ i : sign p_i = sign y_i } / n        0 has a sign of its own
//! ```
//!
//! Predictions and targets are changes: differences from the last known value, returns.
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. **State** 32 bytes an output. **Weights** yes.
//!
//! **Reference** scikit-learn `accuracy_score(sign(y), sign(p))`; M. H. Pesaran, A. Timmermann, *A simple nonparametric test
//! of predictive performance*, 1992.
//! **Differs from** variants that skip changes of 0.

use mtl_core::{Result, metric::Direction};

use crate::{class::accuracy::Hits, input::MetricBatch, mean::PerOutput, metric::Metric, value::MetricValue};

/// Share of changes whose sign was predicted, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DirectionAccuracy;

impl Metric for DirectionAccuracy {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<Hits>;

    fn name(&self) -> &'static str {
        "direction-accuracy"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        let sign = |x: f64| {
            if x > 0.0 {
                1
            } else if x < 0.0 {
                -1
            } else {
                0
            }
        };
        state.update_pairs(self.name(), batch, |output, pair| {
            output.add(sign(pair.said) == sign(pair.truth), pair.weight);
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average_of(Hits::n, Hits::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: DirectionAccuracy, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = found(DirectionAccuracy, &[1.0, -2.0, 0.0, -0.0], &[3.0, 1.0, 0.5, 0.0]);
        assert_eq!(value.value, Some(0.5));
    }
}
