//! R2, the coefficient of determination: the share of the target's variance that the prediction explains.
//!
//! ```text
//! R2_k = 1 - SSE_k / SST_k        SSE_k = sum_i (p_ik - y_ik)^2
//!                                 SST_k = sum_i (y_ik - mean y_k)^2 = ( n sum y^2 - (sum y)^2 ) / n
//! R2   = mean over outputs k with SST_k > 0
//! ```
//!
//! All sums and their combination are exact, see [`moments`](super::moments).
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. **State** 3.3 kB per output. **Weights** yes.
//!
//! **Reference** scikit-learn `r2_score(multioutput="uniform_average")`.
//! **Differs from** scikit-learn for a constant target, which it scores 1 or 0 (`force_finite`), and from torchmetrics,
//! which does likewise: here it is undefined, and an output with such a target is left out of the mean and counted.

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::PerOutput,
    metric::Metric,
    regress::moments::Moments,
    value::{MetricValue, OrReason},
};

/// Coefficient of determination, `(-inf, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct R2;

/// The share of the variance that the predictions of one output explain.
pub(crate) fn r2(moments: &Moments) -> OrReason<f64> {
    let spreads = moments.spreads()?;
    if spreads.truth > 0.0 { Ok(1.0 - spreads.errors / spreads.truth) } else { Err(CONSTANT.to_owned()) }
}

/// The reason when all targets are equal.
pub(crate) const CONSTANT: &str = "the target is constant";

impl Metric for R2 {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<Moments>;
    const STATE_VERSION: u16 = 2;

    fn name(&self) -> &'static str {
        "r2"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_pairs(self.name(), batch, |output, pair| {
            output.add(pair);
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average_of(Moments::n, r2)
    }
}

#[cfg(test)]
mod tests {
    use crate::evaluate;
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::{Array2, array};

    #[test]
    fn by_hand() {
        let prediction = Prediction::Values { values: array![[2.5], [0.0], [2.0], [8.0]] };
        let truth = Reference::Values(array![[3.0], [-0.5], [2.0], [7.0]]);
        let value = evaluate("r2", &prediction, &truth).unwrap().value.unwrap();
        assert!((value - 0.948_608_137_044_967_9).abs() < 1e-15); // the example of scikit-learn's documentation
    }

    #[test]
    fn a_constant_target_is_undefined_and_a_nearly_constant_one_is_exact() {
        let values = Array2::from_elem((3, 1), 0.1);
        let prediction = Prediction::Values { values: values.clone() };
        let value = evaluate("r2", &prediction, &Reference::Values(values)).unwrap();
        assert_eq!(value.get(), Err("the target is constant"));
        // Two neighbors of f32 near 1e8: the two squares agree in their first 23 bits.
        let prediction = Prediction::Values { values: array![[1e8 + 8.0], [1e8], [1e8], [1e8]] };
        let truth = Reference::Values(array![[1e8 + 8.0], [1e8], [1e8], [1e8 + 8.0]]);
        assert_eq!(evaluate("r2", &prediction, &truth).unwrap().value, Some(0.0));
    }

    #[test]
    fn outputs_without_variance_are_left_out() {
        let prediction = Prediction::Values { values: array![[1.0, 5.0], [2.0, 5.0]] };
        let truth = Reference::Values(array![[1.0, 5.0], [2.0, 5.0]]);
        let value = evaluate("r2", &prediction, &truth).unwrap();
        assert_eq!((value.value, value.parts, value.left_out), (Some(1.0), 2, 1));
    }
}
