//! Recall at a false positive rate: how much is found when few false alarms are allowed.
//!
//! ```text
//! value = max { TPR(t) : FPR(t) <= m }        0 when every threshold alarms more
//! ```
//!
//! A threshold above all scores has both rates 0, so that a value always exists.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no); what is ranked is that of [`Auroc`](super::Auroc),
//! averaged over classes or labels. **State** 4 bytes a score. **Weights** yes.
//!
//! **Reference** torchmetrics `SensitivityAtSpecificity(min_specificity = 1 - m)`.
//! **Differs from** torchmetrics in computing in `f64`: rates that equal `m` count as reaching it.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    binary::sweep::{Stop, Sweep},
    input::MetricBatch,
    metric::Metric,
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// Share of positives found within a false positive rate, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RecallAtFpr {
    max_fpr: f64,
    name: String,
}

impl RecallAtFpr {
    /// The metric for a rate in `[0, 1]`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another rate.
    pub fn new(max_fpr: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&max_fpr) {
            let (expected, found) = ("in [0, 1]".to_owned(), max_fpr.to_string());
            return Err(Error::InvalidConfig { what: "recall@fpr", field: "max_fpr", expected, found });
        }
        Ok(Self { max_fpr, name: format!("recall@fpr={max_fpr}") })
    }

    fn best(&self, column: &Column) -> OrReason<f64> {
        let sweep = Sweep::new(column);
        sweep.both()?;
        let value = |Stop { tp, fp, .. }| {
            let tpr = tp / sweep.positives();
            let fpr = fp / sweep.negatives();
            if fpr <= self.max_fpr { tpr } else { 0.0 }
        };
        Ok(sweep.stops().map(value).fold(0.0, f64::max))
    }
}

impl Default for RecallAtFpr {
    /// At 0.01.
    fn default() -> Self {
        Self { max_fpr: 0.01, name: "recall@fpr=0.01".to_owned() }
    }
}

impl Metric for RecallAtFpr {
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
        let at = |rate: f64| RecallAtFpr::new(rate).unwrap().best(&Column::of(&[0.9, 0.6], &[0.7, 0.1]));
        assert_eq!((at(0.0), at(0.49), at(0.5)), (Ok(0.5), Ok(0.5), Ok(1.0)));
        assert_eq!(RecallAtFpr::new(0.1).unwrap().best(&Column::of(&[0.1], &[0.9])), Ok(0.0));
        assert!(RecallAtFpr::new(-0.1).is_err());
        assert_eq!(RecallAtFpr::default(), RecallAtFpr::new(0.01).unwrap());
    }
}
