//! Precision at a recall: how right one is when this much has to be found.
//!
//! ```text
//! value = max { precision(t) : recall(t) >= m }
//! ```
//!
//! The lowest threshold finds everything, so that a value always exists. Shapes, state and weights are those of every
//! [`OperatingPoint`].
//!
//! **Reference** torchmetrics `PrecisionAtFixedRecall`.
//! **Differs from** torchmetrics in computing in `f64`: rates that equal `m` count as reaching it.

use crate::binary::operating_point::{OperatingPoint, Point, Rates};

/// Best precision of a threshold that finds enough, `[0, 1]`; by default at a recall of 0.9.
pub type PrecisionAtRecall = OperatingPoint<Precision>;

/// Precision, where the recall is high enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precision;

impl Point for Precision {
    const NAME: &'static str = "precision@recall";
    const LIMIT: &'static str = "min_recall";
    const USUAL: f64 = 0.9;
    const NEEDS_NEGATIVES: bool = false;

    fn rate(rates: &Rates, min_recall: f64) -> Option<f64> {
        (rates.recall >= min_recall).then_some(rates.precision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Column;

    #[test]
    fn by_hand() {
        let at = |rate: f64| PrecisionAtRecall::new(rate).unwrap().best(&Column::of(&[0.9, 0.6], &[0.7, 0.1]));
        assert_eq!((at(0.5), at(0.6)), (Ok(1.0), Ok(2.0 / 3.0)));
    }
}
