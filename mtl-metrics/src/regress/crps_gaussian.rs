//! CRPS of a Gaussian forecast, in closed form.
//!
//! ```text
//! CRPS = s ( z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi) )        z = (y - m) / s, mean m, standard deviation s
//! ```
//!
//! **Shapes** means, deviations, truth `[b]`, see [`Gaussian`]. **State** 560 bytes. **Weights** no.
//!
//! **Reference** T. Gneiting et al., *Calibrated probabilistic forecasting using ensemble model output statistics*, 2005;
//! properscoring `crps_gaussian`.
//! **Differs from** nothing known.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use mtl_core::{Result, metric::Direction};

use crate::{
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    regress::forecast::Gaussian,
    value::MetricValue,
};

/// Continuous ranked probability score of Gaussian forecasts, `[0, inf)`, in the unit of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CrpsGaussian;

impl Metric for CrpsGaussian {
    type Batch<'a> = Gaussian<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "crps-gaussian"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, batch: &Gaussian<'_>) -> Result<()> {
        let mut part = ExactMean::default();
        for (mean, deviation, truth) in batch.known() {
            let deviation = f64::from(deviation);
            let z = (f64::from(truth) - f64::from(mean)) / deviation;
            let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
            let score = z * libm::erf(z * FRAC_1_SQRT_2) + 2.0 * density - 1.0 / PI.sqrt();
            part.add((deviation * score).max(0.0));
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
        let mut metric = Streaming::new(CrpsGaussian);
        metric.update_batch(&Gaussian::new(&[1.0], &[2.0], &[1.0]).unwrap()).unwrap();
        let want = 2.0 * (2.0 / (2.0 * PI).sqrt() - 1.0 / PI.sqrt());
        assert!((metric.compute().value.unwrap() - want).abs() < 1e-15);
        // Far away it is the distance less s / sqrt(pi).
        metric.reset();
        metric.update_batch(&Gaussian::new(&[0.0], &[1.0], &[100.0]).unwrap()).unwrap();
        assert!((metric.compute().value.unwrap() - (100.0 - 1.0 / PI.sqrt())).abs() < 1e-12);
    }
}
