//! Makespan gap: how much longer schedules are than the best known ones.
//!
//! ```text
//! gap = mean over instances of (makespan - best) / best
//! ```
//!
//! `best` is the optimum or a lower bound (then the gap is an upper bound), or the best known. A makespan below it is
//! a negative gap:
//! a new best, or a wrong schedule.
//!
//! **Shapes** `[n]`, `[n]`. **State** 560 bytes.
//!
//! **Reference** optimality gap as in job-shop tables, such as É. Taillard, *Benchmarks for Basic Scheduling
//! Problems*, EJOR 64, 1993.
//! **Differs from** nothing known; a share, not percent.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    input::MetricBatch,
    judged::{FromJudged, Shelf},
};
use crate::{
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    refusal::{check_each, same_length},
    value::{MetricValue, OrReason},
};

/// Makespans of schedules beside the best ones.
#[derive(Debug, Clone, Copy)]
pub struct Makespans<'a> {
    said: &'a [f64],
    best: &'a [f64],
}

impl<'a> Makespans<'a> {
    /// Makespans `[n]` and best ones `[n]`, any unit of time.
    ///
    /// # Errors
    /// [`mtl_core::Error::Shape`] for lists of different lengths, [`mtl_core::Error::InvalidConfig`] for times that
    /// are not positive.
    pub fn new(said: &'a [f64], best: &'a [f64]) -> Result<Self> {
        same_length("makespans", "said", best.len(), said.len())?;
        check_each("makespans", "said", "in [1e-50, 1e50]", said, |x| (1e-50..=1e50).contains(&x))?;
        check_each("makespans", "best", "in [1e-50, 1e50]", best, |x| (1e-50..=1e50).contains(&x))?;
        Ok(Self { said, best })
    }
}

/// Gaps, and how many are closed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Gaps {
    mean: ExactMean,
    closed: u64,
}

impl Gaps {
    /// Instances whose schedule is as short as the best.
    #[must_use]
    pub fn closed(&self) -> u64 {
        self.closed
    }
}

impl MetricState for Gaps {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let closed = self.closed.checked_add(other.closed).ok_or("a count is beyond 64 bits")?;
        self.mean.merge(&other.mean)?;
        self.closed = closed;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.mean.check()?;
        if self.closed <= self.mean.n() { Ok(()) } else { Err("more closed gaps than gaps".to_owned()) }
    }
}

/// Mean relative gap, `(-1, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MakespanGap;

impl Metric for MakespanGap {
    type Batch<'a> = Makespans<'a>;
    type State = Gaps;

    fn name(&self) -> &'static str {
        "makespan-gap"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (-1.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Gaps, batch: &Makespans<'_>) -> Result<()> {
        let mut part = Gaps::default();
        for (said, best) in batch.said.iter().zip(batch.best) {
            part.mean.add((said - best) / best);
            part.closed += u64::from(said <= best);
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Gaps) -> MetricValue {
        state.mean.value()
    }
}

/// Every number as a makespan beside the best one.
impl<'a> FromJudged<'a> for Makespans<'a> {
    fn from_judged(judged: &MetricBatch<'a>, metric: &str, shelf: &'a Shelf) -> Result<Self> {
        let known = judged.known_values(metric, shelf)?;
        let wide = |numbers: &[f32]| shelf.keep(numbers.iter().copied().map(f64::from).collect());
        Self::new(wide(known.said), wide(known.truth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Streaming;

    #[test]
    fn by_hand() {
        let mut metric = Streaming::new(MakespanGap);
        metric.update_batch(&Makespans::new(&[110.0, 50.0], &[100.0, 50.0]).unwrap()).unwrap();
        assert!((metric.compute().value.unwrap() - 0.05).abs() < 1e-16);
        assert_eq!(metric.remembered().closed(), 1);
        let e = Makespans::new(&[1.0], &[0.0]).unwrap_err().to_string();
        assert_eq!(e, "makespans: best must be in [1e-50, 1e50], found 0 at position 0");
    }
}
