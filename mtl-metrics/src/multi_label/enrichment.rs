//! Enrichment factor: how many times more actives are among the best `x` % of a screen than by chance.
//!
//! ```text
//! EF = (actives among the first m / m) / (actives / n)        m = ceil(x n)
//! ```
//!
//! Equal scores at the border share what is left of the places: the value is the mean over all orders of the tied ones.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no: an assay each, mean over those with an active).
//! **State** 4 bytes a score. **Weights** no.
//!
//! **Reference** rdkit `Scoring.CalcEnrichment` for scores without ties; R. P. Sheridan et al., *Protocols for bridging the
//! peptide to nonpeptide gap*, 2001.
//! **Differs from** rdkit among equal scores, whose order in the list decides there.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    binary::sweep::{Stop, Sweep},
    input::MetricBatch,
    metric::Metric,
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// Enrichment of the best share of a screen, `[0, 1/share]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrichment {
    share: f64,
    name: String,
}

impl Enrichment {
    /// Of the best so many percent, in `(0, 100]`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another number.
    pub fn new(percent: f64) -> Result<Self> {
        if percent > 0.0 && percent <= 100.0 {
            return Ok(Self { share: percent / 100.0, name: format!("ef@percent={percent}") });
        }
        let expected = "in (0, 100]".to_owned();
        Err(Error::InvalidConfig { what: "ef", field: "percent", expected, found: percent.to_string() })
    }

    fn early(&self, column: &Column) -> OrReason<f64> {
        let sweep = Sweep::new(column);
        sweep.some_positive()?;
        let n = sweep.positives() + sweep.negatives();
        // The product may be a hair above a whole number that it means to be.
        let places = (self.share * n * (1.0 - f64::EPSILON)).ceil().clamp(1.0, n);
        let mut last = (0.0, 0.0);
        let mut actives = 0.0;
        for Stop { tp, fp, .. } in sweep.stops() {
            let (all, before) = (tp + fp, last.0 + last.1);
            if all >= places {
                actives = last.0 + (tp - last.0) * (places - before) / (all - before);
                break;
            }
            last = (tp, fp);
        }
        Ok((actives / places) / (sweep.positives() / n))
    }
}

impl Default for Enrichment {
    /// Of the best percent.
    fn default() -> Self {
        Self { share: 0.01, name: "ef@percent=1".to_owned() }
    }
}

impl Metric for Enrichment {
    type Batch<'a> = MetricBatch<'a>;
    type State = ScoreSamples;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        batch.scores(&self.name)?;
        state.update(&self.name, batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(|column| self.early(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let half = Enrichment::new(50.0).unwrap();
        assert_eq!(half.early(&Column::of(&[0.9, 0.1], &[0.8, 0.2])), Ok(1.0));
        assert_eq!(half.early(&Column::of(&[0.9, 0.8], &[0.3, 0.2])), Ok(2.0));
        // The second place is shared by three, one of them active.
        let value = half.early(&Column::of(&[0.9, 0.5], &[0.5, 0.5])).unwrap();
        assert!((value - (1.0 + 1.0 / 3.0)).abs() < 1e-15);
        assert_eq!(Enrichment::default().early(&Column::of(&[0.9], &[0.5])), Ok(2.0));
        assert!(Enrichment::new(0.0).is_err() && half.early(&Column::of(&[], &[0.5])).is_err());
    }
}
