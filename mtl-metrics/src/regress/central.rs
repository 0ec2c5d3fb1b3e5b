//! The central interval of a distribution that a head answers: how often it holds what came, how wide it is, both at once.
//!
//! ```text
//! [l, u] = quantiles (1 - level) / 2 and (1 + level) / 2
//! coverage  #{ l <= y <= u } / n        width  mean (u - l)        score  mean (u - l) + 2/(1 - level) (what y is beyond)
//! ```
//! Coverage is to be compared with the level that was asked for: more is not always better, and of counts it is at least the level. A
//! number alone is an interval of width 0. Quantiles must be of those two levels: nothing is interpolated.
//!
//! **Shapes** distributions or predictions and targets `[b, k]`, NaN where the target is unknown. **State** 560 bytes an output.
//! **Weights** yes.
//!
//! **Reference** as [`IntervalCoverage`](super::IntervalCoverage), [`IntervalWidth`](super::IntervalWidth), [`Winkler`](super::Winkler),
//! which judge intervals from elsewhere. **Differs from** them by averaging outputs, and by weights.

use mtl_core::{Error, Result, distribution::Forecast, metric::Direction};

use crate::{
    input::MetricBatch,
    mean::{ExactMean, PerOutput},
    metric::Metric,
    regress::winkler::interval_score,
    value::MetricValue,
};

/// What is measured of a central interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// How often it holds what came.
    Coverage,
    /// Its width.
    Width,
    /// Width, and what a truth beyond it costs.
    Score,
}

/// A measure of the central intervals of a level.
#[derive(Debug, Clone, PartialEq)]
pub struct Central {
    name: String,
    level: f64,
    measure: Measure,
}

impl Central {
    /// A measure, by the name it is called, of the intervals that promise to hold a share of `level`, in `(0, 1)`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another level.
    pub fn new(name: &str, level: f64, measure: Measure) -> Result<Self> {
        if level > 0.0 && level < 1.0 {
            return Ok(Self { name: name.to_owned(), level, measure });
        }
        let (expected, found) = ("in (0, 1)".to_owned(), level.to_string());
        Err(Error::InvalidConfig { what: "central interval", field: "level", expected, found })
    }
}

impl Metric for Central {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<ExactMean>;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        match self.measure {
            Measure::Coverage => Direction::Maximize,
            Measure::Width | Measure::Score => Direction::Minimize,
        }
    }

    fn range(&self) -> (f64, f64) {
        match self.measure {
            Measure::Coverage => (0.0, 1.0),
            Measure::Width | Measure::Score => (0.0, f64::INFINITY),
        }
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        let alpha = 1.0 - self.level;
        if let Some(form) = batch.forecast().map(Forecast::form) {
            // Before the first sample: whether a form tells these quantiles does not depend on its numbers.
            let zeros = vec![0.0; form.width()];
            for level in [alpha / 2.0, 1.0 - alpha / 2.0] {
                let told = form.quantile(&zeros, level);
                told.map_err(|reason| {
                    batch.unfit(&self.name, &format!("distributions that tell the interval: {reason}"))
                })?;
            }
        }
        state.update_pairs(&self.name, batch, |output, pair| {
            let (low, high) = match batch.forecast() {
                None => (pair.said, pair.said),
                Some(forecast) => {
                    let mut p = Vec::new();
                    forecast.read(pair.row, pair.output, &mut p);
                    let quantile = |level| forecast.form().quantile(&p, level).unwrap_or(f64::NAN);
                    (quantile(alpha / 2.0), quantile(1.0 - alpha / 2.0))
                }
            };
            if !(low.is_finite() && high.is_finite() && low <= high) {
                return Err(batch.refuse(
                    "upper bound",
                    format!("finite and at least the lower one, {low}"),
                    &high,
                    pair.row,
                ));
            }
            let measured = match self.measure {
                Measure::Coverage => f64::from(u8::from((low..=high).contains(&pair.truth))),
                Measure::Width => high - low,
                Measure::Score => interval_score(alpha, low, high, pair.truth),
            };
            output.add_weighted(measured, pair.weight);
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
        distribution::{Family, Form},
        prediction::{Prediction, Reference},
    };
    use ndarray::array;

    fn found(level: f64, measure: Measure, said: &Prediction, truth: &Reference) -> Result<f64> {
        let mut metric = Streaming::new(Central::new("x", level, measure)?);
        AnyMetric::update(&mut metric, said, truth)?;
        Ok(metric.compute().value.unwrap())
    }

    #[test]
    fn by_hand() {
        let form = Form::Quantiles { levels: vec![0.05, 0.5, 0.95] };
        let said = Prediction::Forecast(Forecast::new(form, array![[0.0, 1.0, 4.0], [0.0, 1.0, 2.0]]).unwrap());
        let truth = Reference::Values(array![[3.0], [2.5]]);
        for (measure, by_hand) in
            [(Measure::Coverage, 0.5), (Measure::Width, 3.0), (Measure::Score, f64::midpoint(4.0, 2.0 + 20.0 * 0.5))]
        {
            let found = found(0.9, measure, &said, &truth).unwrap();
            assert!((found - by_hand).abs() < 1e-9, "{measure:?}: {found}");
        }
        let e = found(0.8, Measure::Width, &said, &truth).unwrap_err().to_string();
        assert!(e.contains("quantiles 0.05, 0.5, 0.95 do not tell that of 0.1"), "{e}");
        let normal = Form::Family { family: Family::Gaussian, levels: Vec::new() };
        let said = Prediction::Forecast(Forecast::new(normal, array![[1.0, 2.0]]).unwrap());
        // SciPy: norm.ppf(0.9) = 1.2815515655446004
        let width = found(0.8, Measure::Width, &said, &Reference::Values(array![[0.0]])).unwrap();
        assert!((width - 4.0 * 1.281_551_565_544_600_4).abs() < 1e-9);
        let plain = Prediction::Values { values: array![[3.0], [2.0]] };
        assert!((found(0.9, Measure::Coverage, &plain, &truth).unwrap() - 0.5).abs() < 1e-12);
        assert!(Central::new("x", 1.0, Measure::Width).is_err());
    }
}
