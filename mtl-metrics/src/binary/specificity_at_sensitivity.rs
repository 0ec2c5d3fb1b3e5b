//! Specificity at a sensitivity: how many negatives are left alone when this much has to be found.
//!
//! ```text
//! value = max { 1 - FPR(t) : TPR(t) >= m }
//! ```
//!
//! The lowest threshold finds everything, so that a value always exists.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no); what is ranked is that of [`Auroc`](super::Auroc),
//! averaged over classes or labels. **State** 4 bytes a score. **Weights** yes.
//!
//! **Reference** torchmetrics `SpecificityAtSensitivity`.
//! **Differs from** torchmetrics in computing in `f64`: rates that equal `m` count as reaching it.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    binary::sweep::{Stop, Sweep},
    input::MetricBatch,
    metric::Metric,
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// Share of negatives left alone by a threshold that finds enough, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SpecificityAtSensitivity {
    min_sensitivity: f64,
    name: String,
}

impl SpecificityAtSensitivity {
    /// The metric for a rate in `[0, 1]`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another rate.
    pub fn new(min_sensitivity: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&min_sensitivity) {
            let (expected, found) = ("in [0, 1]".to_owned(), min_sensitivity.to_string());
            return Err(Error::InvalidConfig {
                what: "specificity@sensitivity",
                field: "min_sensitivity",
                expected,
                found,
            });
        }
        Ok(Self { min_sensitivity, name: format!("specificity@sensitivity={min_sensitivity}") })
    }

    fn best(&self, column: &Column) -> OrReason<f64> {
        let sweep = Sweep::new(column);
        sweep.both()?;
        let value = |Stop { tp, fp, .. }| {
            let tpr = tp / sweep.positives();
            let fpr = fp / sweep.negatives();
            if tpr >= self.min_sensitivity { 1.0 - fpr } else { 0.0 }
        };
        Ok(sweep.stops().map(value).fold(0.0, f64::max))
    }
}

impl Default for SpecificityAtSensitivity {
    /// At 0.9.
    fn default() -> Self {
        Self { min_sensitivity: 0.9, name: "specificity@sensitivity=0.9".to_owned() }
    }
}

impl Metric for SpecificityAtSensitivity {
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
        let at = |rate: f64| SpecificityAtSensitivity::new(rate).unwrap().best(&Column::of(&[0.9, 0.6], &[0.7, 0.1]));
        assert_eq!((at(0.5), at(0.9)), (Ok(1.0), Ok(0.5)));
        assert!(SpecificityAtSensitivity::new(2.0).is_err());
        assert_eq!(SpecificityAtSensitivity::default(), SpecificityAtSensitivity::new(0.9).unwrap());
    }
}
