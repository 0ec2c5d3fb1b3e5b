//! Root mean squared error, in the target's unit.
//!
//! ```text
//! RMSE = mean over outputs k of sqrt( 1/n_k sum_i (p_ik - y_ik)^2 )        n_k: known targets of output k
//! ```
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. **State** 560 bytes per output.
//! **Weights** yes.
//!
//! **Reference** scikit-learn `root_mean_squared_error(multioutput="uniform_average")`: the root is taken per output,
//! before the mean.
//! **Differs from** torchmetrics `MeanSquaredError(squared=False)`, which takes one root over all outputs. Sums are
//! exact, see [`crate::regress::mae`].

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::{ExactMean, PerOutput},
    metric::Metric,
    value::MetricValue,
};

/// Root mean squared error, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rmse;

impl Metric for Rmse {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<ExactMean>;
    const STATE_VERSION: u16 = 2;

    fn name(&self) -> &'static str {
        "rmse"
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
        state.average(f64::sqrt)
    }
}

#[cfg(test)]
mod tests {
    use crate::evaluate;
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::array;

    #[test]
    fn the_root_is_taken_per_output() {
        let prediction = Prediction::Values { values: array![[0.0, 0.0], [0.0, 0.0]] };
        let truth = Reference::Values(array![[3.0, 8.0], [3.0, 8.0]]);
        let value = evaluate("rmse", &prediction, &truth).unwrap();
        assert_eq!(value.value, Some(5.5));
    }
}
