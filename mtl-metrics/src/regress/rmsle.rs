//! Root mean squared logarithmic error: errors as ratios, for targets over several orders of magnitude.
//!
//! ```text
//! RMSLE = mean over outputs of sqrt( 1/n sum_i (log(1 + p_i) - log(1 + y_i))^2 )
//! ```
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. An output with a prediction or known target
//! of -1 or less is undefined. **State** 610 bytes an output. **Weights** yes.
//!
//! **Reference** scikit-learn `root_mean_squared_log_error(multioutput="uniform_average")`.
//! **Differs from** scikit-learn, which raises an error for numbers without a logarithm; `log1p` keeps the digits of small
//! numbers.

use mtl_core::{Result, metric::Direction};

use crate::{
    domain::{Bound, Domain, DomainMean},
    input::MetricBatch,
    mean::PerOutput,
    metric::Metric,
    value::MetricValue,
};

/// Numbers with a `log1p`.
const DOMAIN: Domain = Domain { said_above: Some(-1.0), truth: Some(Bound::Above(-1.0)) };

/// Root mean squared logarithmic error, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rmsle;

impl Metric for Rmsle {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<DomainMean>;
    const STATE_VERSION: u16 = 2;

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
            output.add(&DOMAIN, pair, |pair| (pair.said.ln_1p() - pair.truth.ln_1p()).powi(2));
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average_of(DomainMean::n, |output| output.get(&DOMAIN).map(f64::sqrt))
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
        let outside = found(Rmsle, &[-1.0, 2.0], &[0.0, 1.0]);
        assert_eq!((outside.get(), outside.support), (Err("a prediction is not above -1: -1"), 2));
        assert_eq!(found(Rmsle, &[0.0], &[-2.0]).get(), Err("a target is not above -1: -2"));
    }
}
