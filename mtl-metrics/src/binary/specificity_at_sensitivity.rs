//! Specificity at a sensitivity: how many negatives are left alone when this much has to be found.
//!
//! ```text
//! value = max { 1 - FPR(t) : TPR(t) >= m }
//! ```
//!
//! The lowest threshold finds everything, so that a value always exists. Shapes, state and weights are those of every
//! [`OperatingPoint`].
//!
//! **Reference** torchmetrics `SpecificityAtSensitivity`.
//! **Differs from** torchmetrics in computing in `f64`: rates that equal `m` count as reaching it.

use crate::binary::operating_point::{OperatingPoint, Point, Rates};

/// Share of negatives left alone by a threshold that finds enough, `[0, 1]`; by default at a sensitivity of 0.9.
pub type SpecificityAtSensitivity = OperatingPoint<Specificity>;

/// Specificity, where the sensitivity is high enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Specificity;

impl Point for Specificity {
    const NAME: &'static str = "specificity@sensitivity";
    const LIMIT: &'static str = "min_sensitivity";
    const USUAL: f64 = 0.9;
    const NEEDS_NEGATIVES: bool = true;

    fn rate(rates: &Rates, min_sensitivity: f64) -> Option<f64> {
        (rates.recall >= min_sensitivity).then_some(1.0 - rates.false_positive_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Column;

    #[test]
    fn by_hand() {
        let at = |rate: f64| SpecificityAtSensitivity::new(rate).unwrap().best(&Column::of(&[0.9, 0.6], &[0.7, 0.1]));
        assert_eq!((at(0.5), at(0.9)), (Ok(1.0), Ok(0.5)));
    }
}
