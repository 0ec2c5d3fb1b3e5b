//! Pinball loss: the loss that a quantile minimizes; missing on one side costs more than on the other.
//!
//! ```text
//! loss = q max(y - p, 0) + (1 - q) max(p - y, 0)
//! ```
//!
//! For `q = 0.5` it is half the mean absolute error.
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. **State** 560 bytes an output. **Weights** yes.
//!
//! **Reference** R. Koenker, G. Bassett, *Regression quantiles*, 1978; scikit-learn `mean_pinball_loss(alpha=q)`.
//! **Differs from** nothing known.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::{ExactMean, PerOutput},
    metric::Metric,
    value::MetricValue,
};

/// Mean pinball loss, `[0, inf)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pinball {
    quantile: f64,
    name: String,
}

impl Pinball {
    /// The loss of this quantile, in `[0, 1]`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another quantile.
    pub fn new(quantile: f64) -> Result<Self> {
        if (0.0..=1.0).contains(&quantile) {
            return Ok(Self { quantile, name: format!("pinball@q={quantile}") });
        }
        let expected = "in [0, 1]".to_owned();
        Err(Error::InvalidConfig { what: "pinball", field: "quantile", expected, found: quantile.to_string() })
    }
}

/// The loss of one prediction of a quantile.
pub(crate) fn pinball(quantile: f64, said: f64, truth: f64) -> f64 {
    let missing = truth - said;
    if missing >= 0.0 { quantile * missing } else { (quantile - 1.0) * missing }
}

impl Metric for Pinball {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<ExactMean>;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_pairs(&self.name, batch, |output, pair| {
            output.add_weighted(pinball(self.quantile, pair.said, pair.truth), pair.weight);
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(|mean| mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: Pinball, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        assert_eq!(found(Pinball::new(0.75).unwrap(), &[1.0, 3.0], &[3.0, 1.0]).value, Some(1.0));
        assert_eq!(found(Pinball::new(0.25).unwrap(), &[1.0], &[3.0]).value, Some(0.5));
        assert!(Pinball::new(1.5).is_err());
    }
}
