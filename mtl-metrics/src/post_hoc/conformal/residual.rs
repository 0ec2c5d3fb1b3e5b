//! Intervals of one width: the number that was said, and as far to both sides as others were off.
//!
//! ```text
//! s(x, y) = |y - f(x)|        interval [f(x) - q, f(x) + q]
//! ```
//!
//! **Reference** J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani, L. Wasserman, *Distribution-Free Predictive Inference for Regression*, JASA 113,
//! 2018, algorithm 2 (split conformal).
//! **Differs from** it in fitting nothing anew: the model was trained on other samples than the residuals are of.

use mtl_core::{
    distribution::Form,
    prediction::{Prediction, Said},
};
use serde::{Deserialize, Serialize};

use super::{Band, ScorePart, Scoring};
use crate::value::OrReason;

/// Settings of intervals of one width: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResidualConfig {}

impl ScorePart for ResidualConfig {
    fn scoring(&self) -> Scoring<'_> {
        Scoring::Numbers(self)
    }
}

impl Band for ResidualConfig {
    fn suits(&self, _form: Option<&Form>, _coverage: f64) -> OrReason<()> {
        Ok(())
    }

    fn band(&self, prediction: &Prediction, row: usize, output: usize, _coverage: f64) -> OrReason<[f64; 2]> {
        match prediction.said() {
            Said::Numbers(points) => {
                let point = points.get([row, output]).copied().map_or(f64::NAN, f64::from);
                Ok([point, point])
            }
            Said::OneOf { .. } | Said::YesNo { .. } | Said::Tags { .. } | Said::Tokens(_) | Said::Own(_) => {
                Err(format!("{} are no numbers", prediction.describe()))
            }
        }
    }
}
