//! A metric whose own name is silent about its settings, called by the name that tells them.

use mtl_core::{
    Result,
    answer::Answer,
    metric::{Direction, MetricName},
};

use crate::{metric::Metric, value::MetricValue};

/// The same metric under another name, so that states of other settings do not mix.
#[derive(Debug, Clone)]
pub(super) struct Called<M>(pub(super) MetricName, pub(super) M);

impl<M: Metric> Metric for Called<M> {
    type Batch<'a> = M::Batch<'a>;
    type State = M::State;
    const STATE_VERSION: u16 = M::STATE_VERSION;

    fn name(&self) -> &str {
        self.0.as_str()
    }

    fn direction(&self) -> Direction {
        self.1.direction()
    }

    fn range(&self) -> (f64, f64) {
        self.1.range()
    }

    fn for_answer(&self, answer: &Answer) -> Result<Self> {
        Ok(Self(self.0.clone(), self.1.for_answer(answer)?))
    }

    fn update(&self, state: &mut M::State, batch: &M::Batch<'_>) -> Result<()> {
        self.1.update(state, batch)
    }

    fn compute(&self, state: &M::State) -> MetricValue {
        self.1.compute(state)
    }
}
