//! Mean absolute error, in the target's unit.
//!
//! ```text
//! MAE = mean over outputs k of ( 1/n_k sum_i |p_ik - y_ik| )        n_k: known targets of output k
//! ```
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. **State** 560 bytes per output.
//! **Weights** yes.
//!
//! **Reference** scikit-learn `mean_absolute_error(multioutput="uniform_average")`.
//! **Differs from** scikit-learn and torchmetrics in the sum, which is exact: no batch size, order or thread count
//! changes a bit. The difference `p - y` is taken in `f64`. An output without any known target is left out.

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::{ExactMean, PerOutput},
    metric::Metric,
    value::MetricValue,
};

/// Mean absolute error, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mae;

impl Metric for Mae {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<ExactMean>;
    const STATE_VERSION: u16 = 2;

    fn name(&self) -> &'static str {
        "mae"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_pairs(self.name(), batch, |output, pair| {
            output.add_weighted((pair.said - pair.truth).abs(), pair.weight);
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(|mean| mean)
    }
}

#[cfg(test)]
mod tests {
    use crate::evaluate;
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::array;

    #[test]
    fn by_hand_with_missing_targets() {
        let prediction = Prediction::Values { values: array![[1.0, 0.0], [2.0, f32::NAN], [4.0, 3.0]] };
        let truth = Reference::Values(array![[1.5, 1.0], [2.0, f32::NAN], [1.0, 0.0]]);
        let value = evaluate("mae", &prediction, &truth).unwrap();
        // First output (0.5 + 0 + 3) / 3, second (1 + 3) / 2: the row without a target may hold anything.
        assert!((value.value.unwrap() - (3.5 / 3.0 + 2.0) / 2.0).abs() < 1e-15);
        assert_eq!((value.support, value.parts, value.left_out), (5, 2, 0));
        let nothing = Reference::Values(ndarray::Array2::from_elem((3, 2), f32::NAN));
        assert_eq!(evaluate("mae", &prediction, &nothing).unwrap().get(), Err("no known label"));
        let infinite = Reference::Values(array![[1.5, f32::INFINITY], [2.0, f32::NAN], [1.0, 0.0]]);
        let e = evaluate("mae", &prediction, &infinite).unwrap_err().to_string();
        assert_eq!(e, "task (unnamed): target must be finite, or NaN for missing, found inf (sample 0)");
    }
}
