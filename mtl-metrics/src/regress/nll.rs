//! Negative log-likelihood of what came under the distributions that a head answers, in nats.
//!
//! ```text
//! NLL = mean_i - log f_i(y_i)                density, of counts probability; in the target's own unit
//! ```
//! Of numbers alone and of quantiles there is no density: they are refused. Less is better, and below 0 is possible; of labels in
//! another unit it differs by the logarithm of the ratio of units.
//!
//! **Shapes** distributions of targets `[b, k]`, NaN where the target is unknown. **State** 560 bytes an output. **Weights** yes.
//!
//! **Reference** I. J. Good, *Rational decisions*, 1952; SciPy `logpdf`, `logpmf`. **Differs from** the loss of the likelihood head,
//! which is of standardized labels and so less by the logarithm of their scale.

use mtl_core::{Result, distribution::Form, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::{ExactMean, PerOutput},
    metric::Metric,
    regress::forecast::judged_family,
    value::MetricValue,
};

/// Mean negative log-likelihood, nats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nll;

impl Metric for Nll {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<ExactMean>;

    fn name(&self) -> &'static str {
        "nll"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        let Some((forecast, Form::Family { family, .. })) =
            batch.forecast().map(|forecast| (forecast, forecast.form()))
        else {
            return Err(batch.unfit(self.name(), "distributions with a density, as head \"likelihood\" answers,"));
        };
        state.update_pairs(self.name(), batch, |output, pair| {
            let (density, p) = judged_family(batch, forecast, *family, pair)?;
            let nats = -density.log_density(&p, pair.truth);
            if !nats.is_finite() {
                return Err(batch.refuse("density", "above 0", &(-nats).exp(), pair.row));
            }
            output.add_weighted(nats, pair.weight);
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
    use ndarray::{Array2, array};

    fn forecast(family: Family, numbers: Array2<f32>) -> Prediction {
        Prediction::Forecast(Forecast::new(Form::Family { family, levels: Vec::new() }, numbers).unwrap())
    }

    #[test]
    fn by_hand_and_with_weights() {
        let said = forecast(Family::Laplace, array![[0.0, 0.5], [1.0, 1.0], [9.0, 9.0]]);
        let truth = Reference::Values(array![[0.0], [4.0], [f32::NAN]]);
        let mut metric = Streaming::new(Nll);
        AnyMetric::update_batch(&mut metric, &MetricBatch::new(&said, &truth).with_weights(&[3.0, 1.0, 1.0])).unwrap();
        let want = (3.0 * 0.0 + (3.0 + std::f64::consts::LN_2)) / 4.0;
        assert!((metric.compute().value.unwrap() - want).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_likelihood_is_refused_by_name() {
        let refused = |said: &Prediction, truth: f32| {
            let truth = Reference::Values(array![[truth]]);
            let batch = MetricBatch::new(said, &truth).of_task("visits").with_ids(&[17]);
            AnyMetric::update_batch(&mut Streaming::new(Nll), &batch).unwrap_err().to_string()
        };
        let poisson = forecast(Family::Poisson, array![[2.0]]);
        for (count, shown) in [(-1.0, "-1"), (2.5, "2.5")] {
            let e = refused(&poisson, count);
            let want = format!(
                "task visits: target must be a whole number >= 0 for the poisson family, or NaN for missing, found {shown} (sample 17)"
            );
            assert_eq!(e, want);
        }
        let e = refused(&forecast(Family::Gaussian, array![[2.0, 0.0]]), 1.0);
        assert_eq!(e, "task visits: deviation must be > 0, found 0 (sample 17)");
        let e = refused(&Prediction::Values { values: array![[1.0]] }, 1.0);
        assert!(e.contains("distributions with a density") && e.contains("nll of task visits"), "{e}");
        let quantiles = Forecast::new(Form::Quantiles { levels: vec![0.5] }, array![[1.0]]).unwrap();
        assert!(refused(&Prediction::Forecast(quantiles), 1.0).contains("distributions with a density"));
    }
}
