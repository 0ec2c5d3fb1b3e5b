//! Concordance correlation: how close predictions and targets lie to the line of equality; correlation that also minds slope
//! and offset.
//!
//! ```text
//! CCC = 2 Cov(p, y) / ( Var(p) + Var(y) + (mean p - mean y)^2 )        moments over n
//! ```
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. The mean over outputs. **State** 3.3 kB an output.
//! **Weights** yes.
//!
//! **Reference** L. I.-K. Lin, *A concordance correlation coefficient to evaluate reproducibility*, Biometrics 1989.
//! **Differs from** torchmetrics `ConcordanceCorrCoef`, which divides by `n - 1` in the variances but not in the bias. A constant
//! target is undefined here.

use mtl_core::{Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::PerOutput,
    metric::Metric,
    regress::{moments::Moments, r2::CONSTANT},
    value::{MetricValue, OrReason},
};

/// Concordance correlation, `[-1, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ccc;

impl Metric for Ccc {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<Moments>;

    fn name(&self) -> &'static str {
        "ccc"
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
        state.average_of(Moments::n, ccc)
    }
}

/// The concordance of one output.
fn ccc(moments: &Moments) -> OrReason<f64> {
    let spreads = moments.spreads()?;
    let all = spreads.said + spreads.truth + spreads.bias;
    if spreads.truth <= 0.0 {
        return Err(CONSTANT.to_owned());
    }
    Ok((2.0 * spreads.both / all).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: Ccc, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        // Covariance 1/3, both variances 2/3, means equal.
        assert!((found(Ccc, &[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0]).value.unwrap() - 0.5).abs() < 1e-15);
        assert_eq!(found(Ccc, &[1.0, 2.0], &[1.0, 2.0]).value, Some(1.0));
        // Shifted by 1: variances 1/4, bias 1.
        assert!((found(Ccc, &[2.0, 3.0], &[1.0, 2.0]).value.unwrap() - 0.5 / 1.5).abs() < 1e-15);
        assert_eq!(found(Ccc, &[1.0, 2.0], &[1.0, 1.0]).get(), Err("the target is constant"));
    }
}
