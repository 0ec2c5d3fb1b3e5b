//! Mean absolute percentage error: the error as a share of the target.
//!
//! ```text
//! MAPE = mean over outputs of ( 1/n sum_i |p_i - y_i| / |y_i| )        1 is 100 %
//! ```
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. **State** 570 bytes an output. **Weights** yes.
//!
//! **Reference** scikit-learn `mean_absolute_percentage_error(multioutput="uniform_average")`.
//! **Differs from** scikit-learn and torchmetrics for a target of 0, by which they divide as if it were 2.2e-16 or 1.2e-6:
//! an output with such a target is undefined here, and [`Wmape`](super::Wmape) or [`Smape`](super::Smape) say more about it.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    input::MetricBatch,
    mean::{ExactMean, PerOutput},
    metric::{Metric, MetricState},
    value::{MetricValue, OrReason},
};

/// Mean absolute percentage error, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mape;

impl Metric for Mape {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<Shares>;

    fn name(&self) -> &'static str {
        "mape"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_pairs(self.name(), batch, |output, pair| {
            if pair.truth.abs() > 0.0 {
                output.shares.add_weighted(((pair.said - pair.truth) / pair.truth).abs(), pair.weight);
            } else {
                output.zeros += 1;
            }
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average_of(Shares::n, |output| match output.zeros {
            0 => output.shares.get(),
            1 => Err("a target is 0".to_owned()),
            zeros => Err(format!("{zeros} targets are 0")),
        })
    }
}

/// Errors as shares of targets, and how many targets are 0.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Shares {
    shares: ExactMean,
    zeros: u64,
}

impl Shares {
    fn n(&self) -> u64 {
        self.shares.n().saturating_add(self.zeros)
    }
}

impl MetricState for Shares {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let zeros = self.zeros.checked_add(other.zeros).ok_or("a count is beyond 64 bits")?;
        self.shares.merge(&other.shares)?;
        self.zeros = zeros;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.shares.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: Mape, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        assert_eq!(found(Mape, &[1.0, -3.0], &[2.0, -2.0]).value, Some(0.5));
        let zero = found(Mape, &[1.0, -3.0], &[2.0, 0.0]);
        assert_eq!((zero.get(), zero.support), (Err("a target is 0"), 2));
    }
}
