//! A metric: the mean angle between direction and label, in degrees, `[0, 180]`. Weights: yes.

use mtl_core::{
    Result,
    metric::{Direction, MetricFacts, Settings},
};
use mtl_metrics::{AnyMetric, Metric, MetricBatch, MetricValue, Streaming, mean::ExactMean};

use super::angle::{Angle, numbers};

pub(crate) const FACTS: MetricFacts =
    MetricFacts::minimize("mean angle to the true direction, in degrees", &[Angle::KIND]).between(0.0, 180.0);

pub(crate) fn build(_settings: &Settings) -> Result<Box<dyn AnyMetric>> {
    Ok(Box::new(Streaming::new(AngleError)))
}

#[derive(Debug, Clone)]
struct AngleError;

impl Metric for AngleError {
    type Batch<'a> = MetricBatch<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "angle-error"
    }
    fn direction(&self) -> Direction {
        FACTS.direction
    }
    fn range(&self) -> (f64, f64) {
        FACTS.range
    }

    fn update(&self, state: &mut ExactMean, batch: &MetricBatch<'_>) -> Result<()> {
        let (said, truth) = batch.weighted_custom(self.name(), Angle::KIND)?;
        let mut mean = state.clone(); // an error changes nothing
        for (row, (said, truth)) in numbers(said).iter().zip(numbers(truth)).enumerate() {
            if truth.is_nan() {
                continue;
            }
            if !said.is_finite() {
                return Err(batch.refuse("prediction", "finite", said, row));
            }
            let apart = (f64::from(*said) - f64::from(*truth)).rem_euclid(360.0);
            mean.add_weighted(apart.min(360.0 - apart), batch.weight(row)?);
        }
        *state = mean;
        Ok(())
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}
