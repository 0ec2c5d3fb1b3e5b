//! Explained variance: R2 that forgives a constant offset.
//!
//! ```text
//! EV = 1 - Var(y - p) / Var(y)
//! ```
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. The mean over outputs. **State** 3.3 kB an output.
//! **Weights** yes.
//!
//! **Reference** scikit-learn `explained_variance_score(multioutput="uniform_average")`.
//! **Differs from** scikit-learn for a constant target, which it scores 1 or 0: here it is undefined, left out and counted.

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::PerOutput,
    metric::Metric,
    regress::{moments::Moments, r2::CONSTANT},
    value::{MetricValue, OrReason},
};

/// Explained variance, `(-inf, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExplainedVariance;

impl Metric for ExplainedVariance {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<Moments>;

    fn name(&self) -> &'static str {
        "explained-variance"
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
        state.average_of(Moments::n, explained)
    }
}

/// The explained variance of one output.
fn explained(moments: &Moments) -> OrReason<f64> {
    let spreads = moments.spreads()?;
    if spreads.truth <= 0.0 {
        return Err(CONSTANT.to_owned());
    }
    // Var(y - p), exact sums in both.
    Ok(1.0 - (spreads.errors - spreads.bias).max(0.0) / spreads.truth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: ExplainedVariance, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        assert_eq!(found(ExplainedVariance, &[11.0, 12.0, 13.0], &[1.0, 2.0, 3.0]).value, Some(1.0));
        let value = found(ExplainedVariance, &[2.5, 0.0, 2.0, 8.0], &[3.0, -0.5, 2.0, 7.0]).value.unwrap();
        assert!((value - 0.957_173_447_537_473_2).abs() < 1e-15); // the example of scikit-learn's documentation
        assert!(found(ExplainedVariance, &[1.0, 2.0], &[1.0, 1.0]).value.is_none());
    }
}
