//! Winkler score, also interval score: width, and a price for what lies outside; the proper score of intervals.
//!
//! ```text
//! score = (u - l) + 2/a max(l - y, 0) + 2/a max(y - u, 0)        a = 1 - level
//! ```
//!
//! **Shapes** bounds and truth `[b]`, see [`Intervals`]. **State** 560 bytes. **Weights** no.
//!
//! **Reference** R. L. Winkler, *A decision-theoretic approach to interval estimation*, 1972; Gneiting and Raftery, 2007,
//! equation 43.
//! **Differs from** nothing known.

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    regress::forecast::Intervals,
    value::MetricValue,
};

/// Mean interval score, `[0, inf)`, in the unit of the target.
#[derive(Debug, Clone, PartialEq)]
pub struct Winkler {
    alpha: f64,
    name: String,
}

impl Winkler {
    /// The score of intervals that promise to hold a share of `1 - alpha`, `alpha` in `(0, 1)`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another `alpha`.
    pub fn new(alpha: f64) -> Result<Self> {
        if alpha > 0.0 && alpha < 1.0 {
            return Ok(Self { alpha, name: format!("winkler@alpha={alpha}") });
        }
        let expected = "in (0, 1)".to_owned();
        Err(Error::InvalidConfig { what: "winkler", field: "alpha", expected, found: alpha.to_string() })
    }
}

/// Its width, and what a truth beyond it costs.
pub(crate) fn interval_score(alpha: f64, low: f64, high: f64, truth: f64) -> f64 {
    high - low + 2.0 * (low - truth).max(truth - high).max(0.0) / alpha
}

impl Metric for Winkler {
    type Batch<'a> = Intervals<'a>;
    type State = ExactMean;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, batch: &Intervals<'_>) -> Result<()> {
        let mut part = ExactMean::default();
        for (low, high, truth) in batch.known() {
            part.add(interval_score(self.alpha, low, high, truth));
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        let mut metric = Streaming::new(Winkler::new(0.5).unwrap());
        let batch = Intervals::new(&[0.0, 0.0, 0.0], &[1.0, 1.0, 1.0], &[0.5, 3.0, -1.0]).unwrap();
        metric.update_batch(&batch).unwrap();
        assert_eq!(metric.compute().value, Some((1.0 + 9.0 + 5.0) / 3.0));
        assert!(Winkler::new(0.0).is_err() && Winkler::new(1.0).is_err());
    }
}
