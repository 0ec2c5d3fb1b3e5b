//! Recall at a precision: how much is found when one has to be this right.
//!
//! ```text
//! value = max { recall(t) : precision(t) >= m }        0 when no threshold is that precise
//! ```
//!
//! Saying nothing is never wrong, so that the value is then 0, not undefined. Shapes, state and weights are those of every
//! [`OperatingPoint`].
//!
//! **Reference** torchmetrics `RecallAtFixedPrecision`.
//! **Differs from** torchmetrics in computing in `f64`: rates that equal `m` count as reaching it.

use crate::binary::operating_point::{OperatingPoint, Point, Rates};

/// Share of positives found at a precision, `[0, 1]`; by default at one of 0.9.
pub type RecallAtPrecision = OperatingPoint<PreciseRecall>;

/// Recall, where the precision is high enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreciseRecall;

impl Point for PreciseRecall {
    const NAME: &'static str = "recall@precision";
    const LIMIT: &'static str = "min_precision";
    const USUAL: f64 = 0.9;
    const NEEDS_NEGATIVES: bool = false;

    fn rate(rates: &Rates, min_precision: f64) -> Option<f64> {
        (rates.precision >= min_precision).then_some(rates.recall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Column;

    #[test]
    fn by_hand() {
        let at = |rate: f64| RecallAtPrecision::new(rate).unwrap().best(&Column::of(&[0.9, 0.6], &[0.7, 0.1]));
        assert_eq!((at(1.0), at(0.6)), (Ok(0.5), Ok(1.0)));
        assert_eq!(RecallAtPrecision::default().best(&Column::of(&[0.1], &[0.9])), Ok(0.0));
    }
}
