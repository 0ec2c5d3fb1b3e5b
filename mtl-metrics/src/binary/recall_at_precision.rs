//! Recall at a precision: how much is found when one has to be this right.
//!
//! ```text
//! value = max { recall(t) : precision(t) >= m }        0 when no threshold is that precise
//! ```
//!
//! Saying nothing is never wrong, so that the value is then 0, not undefined.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no); what is ranked is that of [`Auroc`](super::Auroc),
//! averaged over classes or labels. **State** 4 bytes a score. **Weights** yes.
//!
//! **Reference** torchmetrics `RecallAtFixedPrecision`.
//! **Differs from** torchmetrics in computing in `f64`: rates that equal `m` count as reaching it.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    binary::sweep::{Stop, Sweep},
    input::MetricBatch,
    metric::Metric,
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// Share of positives found at a precision, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RecallAtPrecision {
    min_precision: f64,
    name: String,
}

impl RecallAtPrecision {
    /// The metric for a rate in `[0, 1]`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another rate.
    pub fn new(min_precision: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&min_precision) {
            let (expected, found) = ("in [0, 1]".to_owned(), min_precision.to_string());
            return Err(Error::InvalidConfig { what: "recall@precision", field: "min_precision", expected, found });
        }
        Ok(Self { min_precision, name: format!("recall@precision={min_precision}") })
    }

    fn best(&self, column: &Column) -> OrReason<f64> {
        let sweep = Sweep::new(column);
        sweep.some_positive()?;
        let value = |Stop { tp, fp, .. }| {
            let tpr = tp / sweep.positives();
            let precision = tp / (tp + fp);
            if precision >= self.min_precision { tpr } else { 0.0 }
        };
        Ok(sweep.stops().map(value).fold(0.0, f64::max))
    }
}

impl Default for RecallAtPrecision {
    /// At 0.9.
    fn default() -> Self {
        Self { min_precision: 0.9, name: "recall@precision=0.9".to_owned() }
    }
}

impl Metric for RecallAtPrecision {
    type Batch<'a> = MetricBatch<'a>;
    type State = ScoreSamples;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(&self.name, batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(|column| self.best(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let at = |rate: f64| RecallAtPrecision::new(rate).unwrap().best(&Column::of(&[0.9, 0.6], &[0.7, 0.1]));
        assert_eq!((at(1.0), at(0.6)), (Ok(0.5), Ok(1.0)));
        assert_eq!(RecallAtPrecision::default().best(&Column::of(&[0.1], &[0.9])), Ok(0.0));
        assert!(RecallAtPrecision::new(f64::NAN).is_err());
    }
}
