//! Partial AUROC: the area under the ROC curve up to a false positive rate, stretched so that guessing is 0.5.
//!
//! ```text
//! A     = area for FPR in [0, m], the curve straight between its corners        lowest m^2/2, highest m
//! value = 1/2 ( 1 + (A - m^2/2) / (m - m^2/2) )
//! ```
//!
//! For tasks in which only few false alarms can be borne: screening, fraud.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no); what is ranked is that of [`Auroc`](super::Auroc),
//! averaged over classes or labels. **State** 4 bytes a score. **Weights** yes.
//!
//! **Reference** D. K. McClish, *Analyzing a portion of the ROC curve*, 1989; scikit-learn `roc_auc_score(max_fpr=m)`.
//! **Differs from** nothing known.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    binary::sweep::{Stop, Sweep},
    input::MetricBatch,
    metric::Metric,
    samples::{Column, ScoreSamples},
    value::{MetricValue, OrReason},
};

/// Area under the ROC curve up to a false positive rate, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct PartialAuroc {
    max_fpr: f64,
    name: String,
}

impl PartialAuroc {
    /// Up to this false positive rate, in `(0, 1]`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another rate.
    pub fn new(max_fpr: f64) -> Result<Self> {
        if !(max_fpr > 0.0 && max_fpr <= 1.0) {
            let (expected, found) = ("in (0, 1]".to_owned(), max_fpr.to_string());
            return Err(Error::InvalidConfig { what: "partial-auroc", field: "max_fpr", expected, found });
        }
        Ok(Self { max_fpr, name: format!("partial-auroc@fpr={max_fpr}") })
    }
}

impl Default for PartialAuroc {
    /// Up to a false positive rate of 0.1.
    fn default() -> Self {
        Self { max_fpr: 0.1, name: "partial-auroc@fpr=0.1".to_owned() }
    }
}

impl Metric for PartialAuroc {
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
        state.average(|column| partial(column, self.max_fpr))
    }
}

/// The stretched area of one question.
fn partial(column: &Column, max_fpr: f64) -> OrReason<f64> {
    let sweep = Sweep::new(column);
    sweep.both()?;
    let (mut area, mut last) = (0.0, (0.0, 0.0));
    for Stop { tp, fp, .. } in sweep.stops() {
        let (fpr, tpr) = (fp / sweep.negatives(), tp / sweep.positives());
        let (end, height) = if fpr > max_fpr {
            (max_fpr, last.1 + (tpr - last.1) * (max_fpr - last.0) / (fpr - last.0))
        } else {
            (fpr, tpr)
        };
        area += (end - last.0) * (last.1 + height) / 2.0;
        last = (end, height);
        if fpr >= max_fpr {
            break;
        }
    }
    if max_fpr >= 1.0 {
        return Ok(area.clamp(0.0, 1.0));
    }
    let lowest = max_fpr * max_fpr / 2.0;
    Ok((0.5 * (1.0 + (area - lowest) / (max_fpr - lowest))).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // The curve rises to 1/2, runs to (1/2, 1/2), rises to 1: up to 1/4 a rectangle of height 1/2.
        let value = partial(&Column::of(&[0.9, 0.6], &[0.7, 0.1]), 0.25).unwrap();
        assert!((value - 0.5 * (1.0 + (0.125 - 0.03125) / (0.25 - 0.03125))).abs() < 1e-15);
        assert_eq!(partial(&Column::of(&[0.9, 0.6], &[0.7, 0.1]), 1.0), Ok(0.75));
        assert_eq!(partial(&Column::of(&[0.9], &[0.1]), 0.1), Ok(1.0));
        assert!(PartialAuroc::new(0.0).is_err() && PartialAuroc::new(1.5).is_err());
    }
}
