//! Interval width: how sharp predicted intervals are. Of those that cover as promised the narrow ones are better.
//!
//! ```text
//! width = mean_i (u_i - l_i)
//! ```
//!
//! **Shapes** bounds and truth `[b]`, see [`Intervals`]. **State** 560 bytes. **Weights** no.
//!
//! **Reference** scikit-learn examples' mean width; MPIW in the literature on neural networks.
//! **Differs from** nothing known; intervals whose truth is missing do not count.

use mtl_core::{Result, metric::Direction};

use crate::{
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    regress::forecast::Intervals,
    value::MetricValue,
};

/// Mean width of intervals, `[0, inf)`, in the unit of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IntervalWidth;

impl Metric for IntervalWidth {
    type Batch<'a> = Intervals<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "interval-width"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut ExactMean, batch: &Intervals<'_>) -> Result<()> {
        let mut part = ExactMean::default();
        batch.known().for_each(|(low, high, _)| part.add(high - low));
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
        let mut metric = Streaming::new(IntervalWidth);
        metric.update_batch(&Intervals::new(&[0.0, 1.0], &[1.0, 4.0], &[9.0, 9.0]).unwrap()).unwrap();
        assert_eq!(metric.compute().value, Some(2.0));
    }
}
