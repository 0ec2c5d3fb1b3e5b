//! Interval coverage: how often what came lies in the predicted interval; to be compared with the level promised.
//!
//! ```text
//! coverage = #{ i : l_i <= y_i <= u_i } / n
//! ```
//!
//! More is not always better: intervals of level 0.9 should cover 0.9, and wide ones cover all. [`Winkler`](super::Winkler)
//! weighs both.
//!
//! **Shapes** bounds and truth `[b]`, see [`Intervals`]. **State** 32 bytes. **Weights** no.
//!
//! **Reference** scikit-learn examples' `coverage_fraction`; PICP in the literature on neural networks.
//! **Differs from** nothing known.

use mtl_core::{Result, metric::Direction};

use crate::{
    class::accuracy::Hits,
    metric::{Metric, MetricState, refused},
    regress::forecast::Intervals,
    value::MetricValue,
};

/// Share of intervals that hold what came, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IntervalCoverage;

impl Metric for IntervalCoverage {
    type Batch<'a> = Intervals<'a>;
    type State = Hits;

    fn name(&self) -> &'static str {
        "interval-coverage"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Hits, batch: &Intervals<'_>) -> Result<()> {
        let mut part = Hits::default();
        batch.known().for_each(|(low, high, truth)| part.add((low..=high).contains(&truth), 1.0));
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Hits) -> MetricValue {
        state.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        let mut metric = Streaming::new(IntervalCoverage);
        let batch = Intervals::new(&[0.0, 0.0, 0.0, 0.0], &[1.0; 4], &[1.0, 2.0, -0.5, f32::NAN]).unwrap();
        metric.update_batch(&batch).unwrap();
        assert_eq!((metric.compute().value, metric.compute().support), (Some(1.0 / 3.0), 3));
    }
}
