//! Mean squared error, in the square of the target's unit.
//!
//! ```text
//! MSE = mean over outputs k of ( 1/n_k sum_i (p_ik - y_ik)^2 )        n_k: known targets of output k
//! ```
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. **State** 560 bytes an output. **Weights** yes.
//!
//! **Reference** scikit-learn `mean_squared_error(multioutput="uniform_average")`.
//! **Differs from** nothing known; the sum is exact.

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::{ExactMean, PerOutput},
    metric::Metric,
    value::MetricValue,
};

/// Mean squared error, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mse;

impl Metric for Mse {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<ExactMean>;

    fn name(&self) -> &'static str {
        "mse"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_pairs(self.name(), batch, |output, pair| {
            let error = pair.said - pair.truth;
            output.add_weighted(error * error, pair.weight);
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

    fn found(metric: Mse, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        assert_eq!(found(Mse, &[1.0, 2.0, 5.0], &[1.0, 4.0, f32::NAN]).value, Some(2.0));
    }
}
