//! CRPS of quantile forecasts: twice the mean pinball loss over the levels.
//!
//! ```text
//! CRPS ~ 2/q sum_j ( t_j max(y - x_j, 0) + (1 - t_j) max(x_j - y, 0) )        levels t_j, quantiles x_j
//! ```
//!
//! The CRPS is the integral of twice the pinball loss over all levels; evenly spaced levels approximate it.
//!
//! **Shapes** quantiles `[b, q]`, truth `[b]`, see [`Quantiles`]. **State** 560 bytes. **Weights** no.
//!
//! **Reference** F. Laio, S. Tamea, *Verification tools for probabilistic forecasts of continuous hydrological variables*,
//! 2007; scikit-learn `mean_pinball_loss`, averaged over levels and doubled.
//! **Differs from** the weighted interval score of epidemiology, which weighs the median once where this weighs it as others.

use mtl_core::{Result, metric::Direction};

use crate::{
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    regress::{forecast::Quantiles, pinball::pinball},
    value::MetricValue,
};

/// Continuous ranked probability score of quantiles, `[0, inf)`, in the unit of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CrpsQuantile;

impl Metric for CrpsQuantile {
    type Batch<'a> = Quantiles<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "crps-quantile"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, batch: &Quantiles<'_>) -> Result<()> {
        let mut part = ExactMean::default();
        let levels = batch.levels();
        for (values, truth) in batch.known() {
            let loss = |(&value, &level): (&f32, &f64)| pinball(level, f64::from(value), f64::from(truth));
            let sum: f64 = values.iter().zip(levels).map(loss).sum();
            part.add(2.0 * sum / levels.len() as f64);
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        let mut metric = Streaming::new(CrpsQuantile);
        metric.update_batch(&Quantiles::new(&[0.25, 0.75], &[1.0, 3.0], &[2.0]).unwrap()).unwrap();
        assert_eq!(metric.compute().value, Some(0.5));
    }
}
