//! Adjusted R2: the coefficient of determination with a price on every input of the model.
//!
//! ```text
//! 1 - (1 - R2) (n - 1) / (n - p - 1)        p: number of inputs, n: known targets
//! ```
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. The mean over outputs. **State** 3.3 kB an output.
//! **Weights** in R2, as there; `n` counts items.
//!
//! **Reference** torchmetrics `R2Score(adjusted=p)`.
//! **Differs from** torchmetrics for `n <= p + 1`, where it falls back to R2 with a warning: undefined here.

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::PerOutput,
    metric::Metric,
    regress::{moments::Moments, r2::r2},
    value::{MetricValue, OrReason},
};

/// Adjusted coefficient of determination, `(-inf, 1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdjustedR2 {
    n_inputs: u32,
    name: String,
}

impl AdjustedR2 {
    /// For a model of so many inputs.
    #[must_use]
    pub fn new(n_inputs: u32) -> Self {
        Self { n_inputs, name: format!("adjusted-r2@inputs={n_inputs}") }
    }

    fn adjusted(&self, moments: &Moments) -> OrReason<f64> {
        let value = r2(moments)?;
        let (n, freedom) = (moments.n() as f64, moments.n() as f64 - f64::from(self.n_inputs) - 1.0);
        if freedom <= 0.0 {
            return Err(format!("{n} targets do not suffice for {} inputs", self.n_inputs));
        }
        Ok(1.0 - (1.0 - value) * (n - 1.0) / freedom)
    }
}

impl Metric for AdjustedR2 {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<Moments>;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_pairs(&self.name, batch, |output, pair| {
            output.add(pair);
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average_of(Moments::n, |moments| self.adjusted(moments))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: AdjustedR2, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let (said, truth) = ([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0]);
        let value = found(AdjustedR2::new(1), &said, &truth).value.unwrap();
        assert!((value - (1.0 - (1.0 - 0.948_608_137_044_967_9) * 3.0 / 2.0)).abs() < 1e-15);
        let few = found(AdjustedR2::new(3), &said, &truth);
        assert_eq!(few.get(), Err("4 targets do not suffice for 3 inputs"));
    }
}
