//! Kolmogorov-Smirnov statistic: the largest distance between the score distributions of positives and negatives.
//!
//! ```text
//! KS = max over thresholds t of |tp(t) / P - fp(t) / N|
//! ```
//!
//! The measure of credit scoring. Its largest signed value is Youden's J of the best threshold.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no); what is ranked is that of [`Auroc`](super::Auroc),
//! averaged over classes or labels. **State** 4 bytes a score. **Weights** yes.
//!
//! **Reference** scipy `ks_2samp(positives, negatives).statistic`.
//! **Differs from** nothing known.

use mtl_core::{Result, metric::Direction};

use crate::{
    binary::sweep::{Stop, Sweep},
    input::MetricBatch,
    metric::Metric,
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// Largest distance of the score distributions, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ks;

impl Metric for Ks {
    type Batch<'a> = MetricBatch<'a>;
    type State = ScoreSamples;

    fn name(&self) -> &'static str {
        "ks"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(self.name(), batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(ks)
    }
}

/// The statistic of one question.
fn ks(column: &Column) -> OrReason<f64> {
    let sweep = Sweep::new(column);
    sweep.both()?;
    let distance = |Stop { tp, fp, .. }| (tp / sweep.positives() - fp / sweep.negatives()).abs();
    Ok(sweep.stops().map(distance).fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(ks(&Column::of(&[0.9, 0.6], &[0.7, 0.1])), Ok(0.5));
        assert_eq!(ks(&Column::of(&[0.1, 0.2], &[0.7, 0.8])), Ok(1.0));
        assert_eq!(ks(&Column::of(&[0.5], &[0.5])), Ok(0.0));
        assert_eq!(ks(&Column::of(&[0.5], &[])), Err("no negative sample".to_owned()));
    }
}
