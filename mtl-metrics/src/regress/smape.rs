//! Symmetric mean absolute percentage error: the error as a share of the mean size of prediction and target.
//!
//! ```text
//! sMAPE = mean over outputs of ( 1/n sum_i 2 |p_i - y_i| / (|p_i| + |y_i|) )        0 where both are 0
//! ```
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. **State** 560 bytes an output. **Weights** yes.
//!
//! **Reference** S. Makridakis, M. Hibon, *The M3-competition*, 2000; torchmetrics `SymmetricMeanAbsolutePercentageError`.
//! **Differs from** torchmetrics, which divides by at least 1.17e-6; others multiply by 100 or leave out the 2.

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::{ExactMean, PerOutput},
    metric::Metric,
    value::MetricValue,
};

/// Symmetric mean absolute percentage error, `[0, 2]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Smape;

impl Metric for Smape {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<ExactMean>;

    fn name(&self) -> &'static str {
        "smape"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 2.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_pairs(self.name(), batch, |output, pair| {
            let size = pair.said.abs() + pair.truth.abs();
            let error = if size > 0.0 { 2.0 * (pair.said - pair.truth).abs() / size } else { 0.0 };
            output.add_weighted(error, pair.weight);
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(|mean| mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: Smape, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        assert_eq!(found(Smape, &[1.0, 0.0, 0.0], &[3.0, 0.0, 5.0]).value, Some((1.0 + 0.0 + 2.0) / 3.0));
    }
}
