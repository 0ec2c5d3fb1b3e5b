//! Weighted mean absolute percentage error: all errors as a share of all targets; large targets count more.
//!
//! ```text
//! wMAPE = mean over outputs of ( sum_i |p_i - y_i| / sum_i |y_i| )        1 is 100 %
//! ```
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. **State** 1.1 kB an output. **Weights** yes.
//!
//! **Reference** torchmetrics `WeightedMeanAbsolutePercentageError`, over all outputs at once there.
//! **Differs from** torchmetrics when all targets are 0, where it divides by 1.17e-6: undefined here.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    input::MetricBatch,
    mean::{ExactMean, PerOutput},
    metric::{Metric, MetricState},
    value::{MetricValue, OrReason},
};

/// Weighted mean absolute percentage error, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wmape;

impl Metric for Wmape {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<Sizes>;

    fn name(&self) -> &'static str {
        "wmape"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_pairs(self.name(), batch, |output, pair| {
            output.errors.add_weighted((pair.said - pair.truth).abs(), pair.weight);
            output.targets.add_weighted(pair.truth.abs(), pair.weight);
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average_of(Sizes::n, |output| {
            let (errors, targets) = (output.errors.get()?, output.targets.get()?);
            if targets > 0.0 { Ok(errors / targets) } else { Err("all targets are 0".to_owned()) }
        })
    }
}

/// Sizes of errors and of targets.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sizes {
    errors: ExactMean,
    targets: ExactMean,
}

impl Sizes {
    fn n(&self) -> u64 {
        self.errors.n()
    }
}

impl MetricState for Sizes {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.errors.merge(&other.errors)?;
        self.targets.merge(&other.targets)
    }

    fn check(&self) -> OrReason<()> {
        self.errors.check()?;
        self.targets.check()?;
        let same = self.errors.n() == self.targets.n();
        if same { Ok(()) } else { Err("its counts contradict each other".to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: Wmape, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        assert_eq!(found(Wmape, &[1.0, -3.0], &[2.0, 0.0]).value, Some(2.0));
        assert_eq!(found(Wmape, &[1.0], &[0.0]).get(), Err("all targets are 0"));
    }
}
