//! Hinge loss: how far the label's score is from beating the best other one by 1.
//!
//! ```text
//! classes       loss = max(0, 1 - (z_y - max_{k != y} z_k))        Crammer and Singer
//! yes/no label  loss = max(0, 1 - z) for yes, max(0, 1 + z) for no
//! ```
//!
//! **Shapes** logits `[b, c]`, `c >= 2`; labels `[b]` (class) or `[b, c]` (yes/no). **State** 552 bytes. **Weights** yes.
//!
//! **Reference** K. Crammer, Y. Singer, *On the algorithmic implementation of multiclass kernel-based vector machines*, 2001;
//! scikit-learn `hinge_loss`.
//! **Differs from** torchmetrics, which turns logits into probabilities first. Probabilities are refused: a margin of 1 has
//! no meaning for them.

use mtl_core::{Result, metric::Direction, prediction::Scores};

use crate::{fold, input::MetricBatch, mean::ExactMean, metric::Metric, value::MetricValue};

/// Mean hinge loss, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hinge;

impl Metric for Hinge {
    type Batch<'a> = MetricBatch<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "hinge"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        let finite = |score: f32, kind: Scores, row: usize| -> Result<f64> {
            if kind == Scores::Probs {
                return Err(batch.refuse("score", "a logit, margins of probabilities have no meaning", &score, row));
            }
            if score.is_finite() { Ok(f64::from(score)) } else { Err(batch.refuse("logit", "finite", &score, row)) }
        };
        fold::scores(
            self.name(),
            batch,
            state,
            |_| ExactMean::default(),
            |losses, sample| {
                let (mut own, mut best) = (0.0, f64::NEG_INFINITY);
                for (class, &score) in sample.scores.iter().enumerate() {
                    let score = finite(score, sample.kind, sample.row)?;
                    if class == sample.class {
                        own = score;
                    } else {
                        best = best.max(score);
                    }
                }
                // Of a single class the label cannot be missed.
                losses.add_weighted((1.0 - (own - best)).max(0.0), sample.weight);
                Ok(())
            },
            |losses, entry| {
                let score = finite(entry.score, entry.kind, entry.row)?;
                losses.add_weighted((1.0 - if entry.yes { score } else { -score }).max(0.0), entry.weight);
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
    use mtl_core::prediction::{Prediction, Reference};
    use ndarray::array;

    #[test]
    fn by_hand() {
        let scores = array![[2.0, 0.5, 0.0], [0.0, 0.5, 3.0]];
        let mut metric = Streaming::new(Hinge);
        metric
            .update(&Prediction::Class { scores: scores.clone(), kind: Scores::Logits }, &Reference::Class(vec![0, 1]))
            .unwrap();
        assert_eq!(metric.compute().value, Some(3.5 / 2.0));
        let probs = Prediction::Class { scores, kind: Scores::Probs };
        assert!(metric.update(&probs, &Reference::Class(vec![0, 1])).unwrap_err().to_string().contains("a logit"));
    }
}
