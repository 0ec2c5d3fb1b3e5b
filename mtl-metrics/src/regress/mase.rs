//! Mean absolute scaled error: the error of a forecast as a multiple of that of the naive forecast on the training series.
//!
//! ```text
//! MASE = mean over outputs of ( MAE / scale )        scale = mean_t |y_t - y_{t-m}| of the training series, season m
//! ```
//!
//! Below 1 the forecast beats "as in the last season". The scale comes from training data, so it is a setting, not a state.
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. **State** 560 bytes an output. **Weights** yes.
//!
//! **Reference** R. J. Hyndman, A. B. Koehler, *Another look at measures of forecast accuracy*, 2006.
//! **Differs from** nothing known.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    exact_sum::ExactSum,
    input::MetricBatch,
    mean::{ExactMean, PerOutput},
    metric::Metric,
    value::MetricValue,
};

/// Mean absolute scaled error, `[0, inf)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mase {
    scales: Vec<f64>,
}

impl Mase {
    /// The error in units of these, one per output, larger than 0.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another scale, or none.
    pub fn new(scales: Vec<f64>) -> Result<Self> {
        let bad = scales.iter().find(|scale| !(**scale > 0.0 && scale.is_finite()));
        if bad.is_none() && !scales.is_empty() {
            return Ok(Self { scales });
        }
        Err(Error::InvalidConfig {
            what: "mase",
            field: "scales",
            expected: "one per output, larger than 0 and finite".into(),
            found: bad.map_or_else(|| "none".to_owned(), ToString::to_string),
        })
    }

    /// The error of one output in units of the seasonal naive forecast's error on a training series.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] when the series has no two points a season apart, is not finite, or repeats itself exactly.
    pub fn from_series(series: &[f32], season: usize) -> Result<Self> {
        let later = series.get(season..).filter(|later| season > 0 && !later.is_empty()).ok_or_else(|| {
            let expected = format!("shorter than the series of {} points, at least 1", series.len());
            Error::InvalidConfig { what: "mase", field: "season", expected, found: season.to_string() }
        })?;
        let steps = later.iter().zip(series).map(|(&now, &then)| (f64::from(now) - f64::from(then)).abs());
        Self::new(vec![steps.collect::<ExactSum>().value() / later.len() as f64])
    }
}

impl Metric for Mase {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<ExactMean>;

    fn name(&self) -> &'static str {
        "mase"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        let (values, _) = batch.weighted_values(self.name())?;
        if values.n_cols() != self.scales.len() {
            return Err(Error::Shape {
                op: format!("mase of task {}", batch.task()),
                tensor: "prediction",
                expected: format!("{} outputs, one per scale", self.scales.len()),
                found: vec![values.n_rows() as i64, values.n_cols() as i64],
            });
        }
        state.update_pairs(self.name(), batch, |output, pair| {
            output.add_weighted((pair.said - pair.truth).abs(), pair.weight);
            Ok(())
        })
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        let scaled = |(output, scale): (&ExactMean, &f64)| output.get().map(|error| error / scale);
        let parts: Vec<_> = state.outputs().iter().zip(&self.scales).map(scaled).collect();
        let n = state.outputs().iter().fold(0_u64, |n, output| n.saturating_add(output.n()));
        MetricValue::average(&parts, "output", n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::Array2;

    fn found(metric: Mase, said: &[f32], truth: &[f32]) -> MetricValue {
        let column = |numbers: &[f32]| Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row]);
        let mut metric = Streaming::new(metric);
        metric.update(&Prediction::Values { values: column(said) }, &Reference::Values(column(truth))).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        // Steps of a season of 2: 2, 4.
        let mase = Mase::from_series(&[1.0, 5.0, 3.0, 1.0], 2).unwrap();
        assert_eq!(mase, Mase::new(vec![3.0]).unwrap());
        assert_eq!(found(mase, &[1.0, 2.0], &[4.0, 2.0]).value, Some(0.5));
        assert!(Mase::from_series(&[1.0, 2.0], 2).is_err() && Mase::from_series(&[1.0, 1.0], 1).is_err());
        assert!(Mase::from_series(&[1.0, f32::NAN], 1).is_err() && Mase::from_series(&[1.0], 0).is_err());
        assert!(Mase::new(vec![]).is_err());
        let two = Prediction::Values { values: Array2::zeros((1, 2)) };
        let e = Streaming::new(Mase::new(vec![1.0]).unwrap()).update(&two, &Reference::Values(Array2::zeros((1, 2))));
        assert!(e.unwrap_err().to_string().contains("1 outputs, one per scale"));
    }
}
