//! F-beta: precision and recall in one number, recall counting `beta` times as much.
//!
//! ```text
//! F_k = (1 + beta^2) tp_k / ( (1 + beta^2) tp_k + beta^2 fn_k + fp_k )
//! ```
//!
//! averaged over classes as [`Average`] says; a class that is neither true nor said has none. An [`F1`] is that with `beta = 1`
//! and an average fixed by its type: [`MacroF1`](super::MacroF1), [`MicroF1`](super::MicroF1), [`WeightedF1`](super::WeightedF1).
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** [`ClassCounts`]. **Weights** yes.
//!
//! **Reference** scikit-learn `fbeta_score(average=.., zero_division=nan)`.
//! **Differs from** its default, which counts a class that is neither true nor said as 0; for a single yes/no label `Macro`
//! and `Weighted` average over "no" and "yes", `Micro` is that of "yes".

use std::{fmt::Debug, marker::PhantomData};

use mtl_core::{Error, Result, metric::Direction};

use crate::{
    class::counts::{ABSENT, Average, ClassCounts, Quad},
    input::MetricBatch,
    metric::Metric,
    value::{MetricValue, OrReason},
};

/// F-beta score, `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct FBeta {
    beta: f64,
    average: Average,
    name: String,
}

impl FBeta {
    /// The score for this `beta`, larger than 0.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another `beta`.
    pub fn new(beta: f64, average: Average) -> Result<Self> {
        if !(beta > 0.0 && beta.is_finite()) {
            let expected = "larger than 0 and finite".to_owned();
            return Err(Error::InvalidConfig { what: "f-beta", field: "beta", expected, found: beta.to_string() });
        }
        let average_name = match average {
            Average::Macro => "macro",
            Average::Micro => "micro",
            Average::Weighted => "weighted",
        };
        Ok(Self { beta, average, name: format!("{average_name}-f@beta={beta}") })
    }
}

/// An average as a type.
pub trait FixedAverage: Debug + Clone + Send + Sync + 'static {
    /// Which.
    const AVERAGE: Average;
    /// What the [`F1`] of it is called.
    const NAME: &'static str;
    /// See [`Metric::STATE_VERSION`].
    const STATE_VERSION: u16 = 1;
}

/// F1 score, `[0, 1]`: [`FBeta`] with `beta = 1` and nothing to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct F1<A>(PhantomData<A>);

/// F-beta of one class, or why it has none.
pub(crate) fn f_beta(quad: &Quad, beta: f64) -> OrReason<f64> {
    let square = beta * beta;
    let hits = (1.0 + square) * quad.tp;
    let all = hits + square * quad.fn_ + quad.fp;
    if all > 0.0 { Ok(hits / all) } else { Err(ABSENT.to_owned()) }
}

impl Metric for FBeta {
    type Batch<'a> = MetricBatch<'a>;
    type State = ClassCounts;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(self.name(), batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(self.average, |quad| f_beta(quad, self.beta))
    }
}

impl<A: FixedAverage> Metric for F1<A> {
    type Batch<'a> = MetricBatch<'a>;
    type State = ClassCounts;
    const STATE_VERSION: u16 = A::STATE_VERSION;

    fn name(&self) -> &'static str {
        A::NAME
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(A::NAME, batch)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.average(A::AVERAGE, |quad| f_beta(quad, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::testing::{found, near};

    #[test]
    fn by_hand() {
        let two = |average| FBeta::new(2.0, average).unwrap();
        assert_eq!(two(Average::Macro).name(), "macro-f@beta=2");
        // tp, fp, fn: (1, 1, 0), (2, 1, 1), (0, 0, 1).
        near(&found(two(Average::Macro)), (5.0 / 6.0 + 10.0 / 15.0) / 3.0);
        near(&found(two(Average::Micro)), 0.6);
        near(&found(two(Average::Weighted)), (5.0 / 6.0 + 3.0 * 10.0 / 15.0) / 5.0);
        assert!(FBeta::new(0.0, Average::Macro).is_err() && FBeta::new(f64::NAN, Average::Micro).is_err());
    }
}
