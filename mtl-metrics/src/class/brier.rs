//! Brier score: the mean squared distance of the probabilities from the truth, a proper score.
//!
//! ```text
//! classes       score = 1/n sum_i sum_k (p_ik - [y_i = k])^2, halved for two classes
//! yes/no label  score = 1/n sum (p - y)^2 over known entries
//! ```
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class) or `[b, c]` (yes/no). **State** 552 bytes. **Weights** yes.
//!
//! **Reference** G. W. Brier, *Verification of forecasts expressed in terms of probability*, 1950; scikit-learn
//! `brier_score_loss(scale_by_half="auto")`, hence the half for two classes.
//! **Differs from** nothing known; probabilities must sum to 1 within 1e-2, softmax and sigmoid are taken in `f64`.

use mtl_core::{Result, metric::Direction};

use crate::{
    fold,
    input::MetricBatch,
    mean::ExactMean,
    metric::Metric,
    probability::{ClassProbs, yes_prob},
    value::MetricValue,
};

/// Mean squared distance of probabilities from the truth, `[0, 2]`, `[0, 1]` for two classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brier;

impl Metric for Brier {
    type Batch<'a> = MetricBatch<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "brier"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 2.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        fold::scores(
            self.name(),
            batch,
            state,
            |_| ExactMean::default(),
            |losses, sample| {
                let square = |(k, p): (usize, f64)| {
                    let distance = if k == sample.class { 1.0 - p } else { p };
                    distance * distance
                };
                let sum: f64 = ClassProbs::of(batch, sample)?.iter().enumerate().map(square).sum();
                losses.add_weighted(if sample.scores.len() == 2 { sum / 2.0 } else { sum }, sample.weight);
                Ok(())
            },
            |losses, entry| {
                let p = yes_prob(batch, entry)?;
                let distance = if entry.yes { 1.0 - p } else { p };
                losses.add_weighted(distance * distance, entry.weight);
                Ok(())
            },
        )
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        state.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::{Array2, array};

    fn found(scores: Array2<f32>, labels: Vec<i64>) -> f64 {
        let mut metric = Streaming::new(Brier);
        metric.update(&Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(labels)).unwrap();
        metric.compute().value.unwrap()
    }

    #[test]
    fn two_classes_are_halved() {
        assert!((found(array![[0.25, 0.75], [0.5, 0.5]], vec![1, 1]) - (0.0625 + 0.25) / 2.0).abs() < 1e-15);
        assert!((found(array![[0.25, 0.5, 0.25]], vec![1]) - (0.25 + 2.0 * 0.0625)).abs() < 1e-15);
        assert!((found(array![[1.0, 0.0, 0.0]], vec![1]) - 2.0).abs() < 1e-15);
    }
}
