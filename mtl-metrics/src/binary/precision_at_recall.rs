//! Precision at a recall: how right one is when this much has to be found.
//!
//! ```text
//! value = max { precision(t) : recall(t) >= m }
//! ```
//!
//! The lowest threshold finds everything, so that a value always exists.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no); what is ranked is that of [`Auroc`](super::Auroc),
//! averaged over classes or labels. **State** 4 bytes a score. **Weights** yes.
//!
//! **Reference** torchmetrics `PrecisionAtFixedRecall`.
//! **Differs from** torchmetrics in computing in `f64`: rates that equal `m` count as reaching it.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    binary::sweep::{Stop, Sweep},
    input::MetricBatch,
    metric::Metric,
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// Best precision of a threshold that finds enough, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct PrecisionAtRecall {
    min_recall: f64,
    name: String,
}

impl PrecisionAtRecall {
    /// The metric for a rate in `[0, 1]`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another rate.
    pub fn new(min_recall: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&min_recall) {
            let (expected, found) = ("in [0, 1]".to_owned(), min_recall.to_string());
            return Err(Error::InvalidConfig { what: "precision@recall", field: "min_recall", expected, found });
        }
        Ok(Self { min_recall, name: format!("precision@recall={min_recall}") })
    }

    fn best(&self, column: &Column) -> OrReason<f64> {
        let sweep = Sweep::new(column);
        sweep.some_positive()?;
        let value = |Stop { tp, fp, .. }| {
            let tpr = tp / sweep.positives();
            let precision = tp / (tp + fp);
            if tpr >= self.min_recall { precision } else { 0.0 }
        };
        Ok(sweep.stops().map(value).fold(0.0, f64::max))
    }
}

impl Default for PrecisionAtRecall {
    /// At 0.9.
    fn default() -> Self {
        Self { min_recall: 0.9, name: "precision@recall=0.9".to_owned() }
    }
}

impl Metric for PrecisionAtRecall {
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
        let at = |rate: f64| PrecisionAtRecall::new(rate).unwrap().best(&Column::of(&[0.9, 0.6], &[0.7, 0.1]));
        assert_eq!((at(0.5), at(0.6)), (Ok(1.0), Ok(2.0 / 3.0)));
        assert!(PrecisionAtRecall::new(1.1).is_err());
        assert_eq!(PrecisionAtRecall::default(), PrecisionAtRecall::new(0.9).unwrap());
    }
}
