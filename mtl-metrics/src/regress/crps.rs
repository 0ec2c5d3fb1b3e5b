//! CRPS of whatever a head answers: how far a distribution is from what came, in the unit of the target.
//!
//! ```text
//! CRPS = integral (F(x) - [y <= x])^2 dx
//! a family     in closed form (mtl_core::distribution)
//! quantiles    2/q sum_j ( t_j max(y - x_j, 0) + (1 - t_j) max(x_j - y, 0) )        levels t_j, as crps-quantile
//! a number     |y - x|: a distribution of one point
//! ```
//! So heads that answer distributions stand beside those that answer numbers on one scale. Of counts it is the sum over counts.
//!
//! **Shapes** distributions or predictions and targets `[b, k]`, NaN where the target is unknown. **State** 560 bytes an output.
//! **Weights** yes.
//!
//! **Reference** T. Gneiting, A. E. Raftery, *Strictly proper scoring rules, prediction, and estimation*, 2007; A. Jordan, F. Krueger,
//! S. Lerch, *Evaluating probabilistic forecasts with scoringRules*, 2019. **Differs from** nothing known.

use mtl_core::{Result, distribution::Form, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::{ExactMean, PerOutput},
    metric::Metric,
    regress::{forecast::judged_family, pinball::pinball},
    value::MetricValue,
};

/// Continuous ranked probability score, `[0, inf)`, in the unit of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Crps;

impl Metric for Crps {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<ExactMean>;

    fn name(&self) -> &'static str {
        "crps"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        let forecast = batch.forecast().map(|forecast| (forecast, forecast.form()));
        state.update_pairs(self.name(), batch, |output, pair| {
            let score = match forecast {
                None => (pair.said - pair.truth).abs(),
                Some((forecast, Form::Family { family, .. })) => {
                    let (density, p) = judged_family(batch, forecast, *family, pair)?;
                    density.crps(&p, pair.truth)
                }
                Some((forecast, Form::Quantiles { levels })) => {
                    let mut p = Vec::with_capacity(levels.len());
                    forecast.read(pair.row, pair.output, &mut p);
                    let sum: f64 = levels.iter().zip(&p).map(|(level, x)| pinball(*level, *x, pair.truth)).sum();
                    2.0 * sum / levels.len() as f64
                }
            };
            if !score.is_finite() {
                return Err(batch.refuse("forecast", "one with a finite score", &score, pair.row));
            }
            output.add_weighted(score, pair.weight);
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
    use mtl_core::{
        distribution::{Family, Forecast},
        prediction::{Prediction, Reference},
    };
    use ndarray::array;

    fn found(said: &Prediction, truth: &Reference) -> MetricValue {
        let mut metric = Streaming::new(Crps);
        metric.update(said, truth).unwrap();
        metric.compute()
    }

    #[test]
    fn each_form_by_hand() {
        let number = Prediction::Values { values: array![[1.0], [5.0]] };
        assert_eq!(found(&number, &Reference::Values(array![[3.0], [f32::NAN]])).value, Some(2.0));
        let quantiles = Form::Quantiles { levels: vec![0.25, 0.75] };
        let said = Prediction::Forecast(Forecast::new(quantiles, array![[1.0, 3.0]]).unwrap());
        // No median is no point, which plain metrics refuse; this one, too, for the same reason.
        assert!(Streaming::new(Crps).update(&said, &Reference::Values(array![[2.0]])).is_err());
        let quantiles = Form::Quantiles { levels: vec![0.25, 0.5, 0.75] };
        let said = Prediction::Forecast(Forecast::new(quantiles, array![[1.0, 2.0, 3.0]]).unwrap());
        assert_eq!(found(&said, &Reference::Values(array![[2.0]])).value, Some(2.0 * 0.5 / 3.0));
        let laplace = Form::Family { family: Family::Laplace, levels: Vec::new() };
        let said = Prediction::Forecast(Forecast::new(laplace, array![[1.0, 2.0, 0.0, 1.0]]).unwrap());
        // At the median a Laplace has a quarter of its scale; the mean over outputs.
        assert_eq!(found(&said, &Reference::Values(array![[1.0, 0.0]])).value, Some((0.5 + 0.25) / 2.0));
    }
}
