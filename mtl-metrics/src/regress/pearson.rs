//! Pearson correlation: how straight the line is on which predictions and targets lie, whatever its slope and offset.
//!
//! ```text
//! r = Cov(p, y) / sqrt( Var(p) Var(y) )
//! ```
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. The mean over outputs. **State** 3.3 kB an output.
//! **Weights** yes.
//!
//! **Reference** scipy `pearsonr`; torchmetrics `PearsonCorrCoef`.
//! **Differs from** scipy and torchmetrics when predictions or targets are constant, where they say NaN or 0: undefined here.

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::PerOutput,
    metric::Metric,
    regress::{moments::Moments, r2::CONSTANT},
    value::{MetricValue, OrReason},
};

/// Pearson correlation, `[-1, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pearson;

impl Metric for Pearson {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<Moments>;

    fn name(&self) -> &'static str {
        "pearson"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_pairs(self.name(), batch, |output, pair| {
            output.add(pair);
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average_of(Moments::n, pearson)
    }
}

/// The correlation of one output.
fn pearson(moments: &Moments) -> OrReason<f64> {
    let spreads = moments.spreads()?;
    if spreads.truth <= 0.0 {
        return Err(CONSTANT.to_owned());
    }
    if spreads.said <= 0.0 {
        return Err("the prediction is constant".to_owned());
    }
    Ok((spreads.both / (spreads.said.sqrt() * spreads.truth.sqrt())).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: Pearson, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = found(Pearson, &[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0]).value.unwrap();
        assert!((value - 0.5).abs() < 1e-15);
        assert_eq!(found(Pearson, &[1e8, 1e8 + 8.0], &[0.0, -1.0]).value, Some(-1.0));
        assert_eq!(found(Pearson, &[1.0, 1.0], &[0.0, -1.0]).get(), Err("the prediction is constant"));
        assert_eq!(found(Pearson, &[1.0, 2.0], &[3.0, 3.0]).get(), Err("the target is constant"));
    }
}
