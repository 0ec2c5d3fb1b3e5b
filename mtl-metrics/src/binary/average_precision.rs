//! Average precision: the area under the steps of the precision-recall curve; over labels its mean is the mAP.
//!
//! ```text
//! AP = sum over thresholds t of (R_t - R_{t+}) P_t        P_t = tp / (tp + fp), R_t = tp / P at threshold t
//! ```
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no); what is ranked is that of [`Auroc`](super::Auroc),
//! averaged over classes or labels. **State** 4 bytes a score. **Weights** yes.
//!
//! **Reference** scikit-learn `average_precision_score`: steps, no interpolation between points, which would flatter.
//! **Differs from** scikit-learn without positives, where it says 0 with a warning: undefined here, and left out of means.

use mtl_core::{Result, metric::Direction};

use crate::{
    binary::sweep::{Stop, Sweep},
    input::MetricBatch,
    metric::Metric,
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// Area under the steps of the precision-recall curve, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AveragePrecision;

impl Metric for AveragePrecision {
    type Batch<'a> = MetricBatch<'a>;
    type State = ScoreSamples;

    fn name(&self) -> &'static str {
        "average-precision"
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
        state.average(average_precision)
    }
}

/// The average precision of one question.
pub(crate) fn average_precision(column: &Column) -> OrReason<f64> {
    let sweep = Sweep::new(column);
    sweep.some_positive()?;
    let (mut area, mut lost, mut last) = (0.0, 0.0, 0.0);
    for Stop { tp, fp, .. } in sweep.stops() {
        if tp > last {
            // Millions of small steps: the rounding of each addition is carried along (Neumaier).
            let step = (tp - last) * (tp / (tp + fp));
            let sum = area + step;
            lost += if area >= step { (area - sum) + step } else { (step - sum) + area };
            (area, last) = (sum, tp);
        }
    }
    Ok(((area + lost) / sweep.positives()).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Ranked + - + -: precision 1 at recall 1/2, 2/3 at recall 1.
        let value = average_precision(&Column::of(&[0.9, 0.6], &[0.7, 0.1])).unwrap();
        assert!((value - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-15);
        assert!((average_precision(&Column::of(&[0.5], &[0.5, 0.5])).unwrap() - 1.0 / 3.0).abs() < 1e-15);
        assert_eq!(average_precision(&Column::of(&[0.5], &[])), Ok(1.0));
        assert_eq!(average_precision(&Column::of(&[], &[0.5])), Err("no positive sample".to_owned()));
    }
}
