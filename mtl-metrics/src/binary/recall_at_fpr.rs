//! Recall at a false positive rate: how much is found when few false alarms are allowed.
//!
//! ```text
//! value = max { TPR(t) : FPR(t) <= m }        0 when every threshold alarms more
//! ```
//!
//! A threshold above all scores has both rates 0, so that a value always exists. Shapes, state and weights are those of
//! every [`OperatingPoint`].
//!
//! **Reference** torchmetrics `SensitivityAtSpecificity(min_specificity = 1 - m)`.
//! **Differs from** torchmetrics in computing in `f64`: rates that equal `m` count as reaching it.

use crate::binary::operating_point::{OperatingPoint, Point, Rates};

/// Share of positives found within a false positive rate, `[0, 1]`; by default within 0.01.
pub type RecallAtFpr = OperatingPoint<QuietRecall>;

/// Recall, where false alarms are few enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietRecall;

impl Point for QuietRecall {
    const NAME: &'static str = "recall@fpr";
    const LIMIT: &'static str = "max_fpr";
    const USUAL: f64 = 0.01;
    const NEEDS_NEGATIVES: bool = true;

    fn rate(rates: &Rates, max_fpr: f64) -> Option<f64> {
        (rates.false_positive_rate <= max_fpr).then_some(rates.recall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Column;

    #[test]
    fn by_hand() {
        let at = |rate: f64| RecallAtFpr::new(rate).unwrap().best(&Column::of(&[0.9, 0.6], &[0.7, 0.1]));
        assert_eq!((at(0.0), at(0.49), at(0.5)), (Ok(0.5), Ok(0.5), Ok(1.0)));
        assert_eq!(RecallAtFpr::new(0.1).unwrap().best(&Column::of(&[0.1], &[0.9])), Ok(0.0));
    }
}
