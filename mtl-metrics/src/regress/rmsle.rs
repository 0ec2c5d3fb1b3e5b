//! Root mean squared logarithmic error: errors as ratios, for targets over several orders of magnitude.
//!
//! ```text
//! RMSLE = mean over outputs of sqrt( 1/n sum_i (log(1 + p_i) - log(1 + y_i))^2 )
//! ```
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. Predictions and known targets are larger
//! than -1. **State** 560 bytes an output. **Weights** yes.
//!
//! **Reference** scikit-learn `root_mean_squared_log_error(multioutput="uniform_average")`.
//! **Differs from** nothing known; `log1p` keeps the digits of small numbers.

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::{ExactMean, PerOutput},
    metric::Metric,
    value::MetricValue,
};

/// Root mean squared logarithmic error, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rmsle;

impl Metric for Rmsle {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<ExactMean>;

    fn name(&self) -> &'static str {
        "rmsle"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_pairs(self.name(), batch, |output, pair| {
            for (what, x) in [("prediction", pair.said), ("target", pair.truth)] {
                if x <= -1.0 {
                    return Err(batch.refuse(what, "larger than -1", &x, pair.row));
                }
            }
            let error = pair.said.ln_1p() - pair.truth.ln_1p();
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
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: Rmsle, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = found(Rmsle, &[0.0, 7.0], &[1.0, 7.0]).value.unwrap();
        assert!((value - (2f64.ln().powi(2) / 2.0).sqrt()).abs() < 1e-15);
        let prediction = Prediction::Values { values: Array2::from_elem((1, 1), -1.0) };
        let reference = Reference::Values(Array2::zeros((1, 1)));
        let e = Streaming::new(Rmsle).update(&prediction, &reference).unwrap_err().to_string();
        assert!(e.contains("prediction must be larger than -1, found -1"), "{e}");
    }
}
