//! Intervals between two quantiles of a forecast, moved outwards (or inwards) until they cover as often as they should.
//!
//! ```text
//! l, u: quantiles at (1 - coverage) / 2 and (1 + coverage) / 2 of what is said        s(x, y) = max(l(x) - y, y - u(x))
//! interval [l(x) - q, u(x) + q]
//! ```
//! Wide where the forecast is wide, narrow where it is narrow: heads `quantile` and `likelihood`.
//!
//! **Reference** Y. Romano, E. Patterson, E. J. Candès, *Conformalized Quantile Regression*, NeurIPS 2019, equations 5 to 7.
//! **Differs from** it where `q` is negative and the ends would cross: both are then in the middle, where the paper's interval is empty.

use mtl_core::{distribution::Form, prediction::Prediction};
use serde::{Deserialize, Serialize};

use super::{Band, ScorePart, Scoring};
use crate::value::OrReason;

/// Settings of conformalized quantiles: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CqrConfig {}

/// The levels of the two quantiles.
fn levels(coverage: f64) -> [f64; 2] {
    [0.5 * (1.0 - coverage), 0.5 * (1.0 + coverage)]
}

impl ScorePart for CqrConfig {
    fn scoring(&self) -> Scoring<'_> {
        Scoring::Numbers(self)
    }
}

impl Band for CqrConfig {
    fn suits(&self, form: Option<&Form>, coverage: f64) -> OrReason<()> {
        let form = form.ok_or("it needs quantiles: a head that says distributions (quantile, likelihood)")?;
        // Which quantiles a form tells does not depend on its numbers.
        let any = vec![1.0; form.width()];
        levels(coverage).iter().try_for_each(|level| form.quantile(&any, *level).map(|_| ()))
    }

    fn band(&self, prediction: &Prediction, row: usize, output: usize, coverage: f64) -> OrReason<[f64; 2]> {
        let Prediction::Forecast(forecast) = prediction else {
            return Err(format!("{} tell no quantiles", prediction.describe()));
        };
        let mut p = Vec::new();
        forecast.read(row, output, &mut p);
        let [low, high] = levels(coverage);
        Ok([forecast.form().quantile(&p, low)?, forecast.form().quantile(&p, high)?])
    }
}
