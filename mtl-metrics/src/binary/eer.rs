//! Equal error rate: the error of the threshold at which misses and false alarms are equally frequent.
//!
//! ```text
//! t*  = the highest threshold with the least |FNR(t) - FPR(t)|, "above all scores" included
//! EER = ( FNR(t*) + FPR(t*) ) / 2
//! ```
//!
//! The measure of verification: speakers, faces, forgeries. With few scores no threshold makes both rates equal, and the mean
//! of the closest two is taken.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no); what is ranked is that of [`Auroc`](super::Auroc),
//! averaged over classes or labels. **State** 4 bytes a score. **Weights** yes.
//!
//! **Reference** torchmetrics `EER` (`BinaryEER`); the ISO/IEC 19795-1 definition where the rates cross exactly.
//! **Differs from** interpolations between the two closest points, which some toolkits do.

use mtl_core::{Result, metric::Direction};

use crate::{
    binary::sweep::{Stop, Sweep},
    input::MetricBatch,
    metric::Metric,
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// Error where misses and false alarms are equally frequent, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Eer;

impl Metric for Eer {
    type Batch<'a> = MetricBatch<'a>;
    type State = ScoreSamples;

    fn name(&self) -> &'static str {
        "eer"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(self.name(), batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(eer)
    }
}

/// The equal error rate of one question.
fn eer(column: &Column) -> OrReason<f64> {
    let sweep = Sweep::new(column);
    sweep.both()?;
    let mut best = (1.0, 0.5); // above all scores: everything missed, no false alarm
    for Stop { tp, fp, .. } in sweep.stops() {
        let (missed, alarmed) = (1.0 - tp / sweep.positives(), fp / sweep.negatives());
        let gap = (missed - alarmed).abs();
        if gap < best.0 {
            best = (gap, (missed + alarmed) / 2.0);
        }
    }
    Ok(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(eer(&Column::of(&[0.9, 0.6], &[0.7, 0.1])), Ok(0.5));
        assert_eq!(eer(&Column::of(&[0.9, 0.8], &[0.7, 0.1])), Ok(0.0));
        // Rates at the closest threshold: missed 1/2, alarmed 1/3.
        let value = eer(&Column::of(&[0.9, 0.2], &[0.8, 0.1, 0.0])).unwrap();
        assert!((value - (0.5 + 1.0 / 3.0) / 2.0).abs() < 1e-15);
    }
}
