//! Top-k accuracy: how often the label is among the `k` highest scores.
//!
//! ```text
//! rank_i = #{ j : s_ij > s_iy } + #{ j < y : s_ij = s_iy }        top-k = #{ i : rank_i < k } / n
//! ```
//!
//! **Shapes** scores `[b, c]`, labels `[b]`. **State** two counts. **Weights** yes.
//!
//! **Reference** scikit-learn `top_k_accuracy_score`; torchmetrics `MulticlassAccuracy(top_k, average="micro")`.
//! **Differs from** scikit-learn among equal scores, where it prefers the last class; here the first wins, as in
//! [`Accuracy`](super::Accuracy), which is the case `k = 1`. With `k` classes or fewer nothing can be wrong: undefined.

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    class::accuracy::Hits,
    fold,
    input::MetricBatch,
    metric::{Metric, MetricState},
    value::{MetricValue, OrReason},
};

/// Share of samples whose label is among the `k` highest scores, `[0, 1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopK {
    k: usize,
    name: String,
}

impl TopK {
    /// The metric for this `k`, at least 1.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for `k = 0`.
    pub fn new(k: usize) -> Result<Self> {
        if k == 0 {
            let expected = "at least 1".to_owned();
            return Err(Error::InvalidConfig { what: "top-k accuracy", field: "k", expected, found: "0".into() });
        }
        Ok(Self { k, name: format!("top-k-accuracy@k={k}") })
    }
}

impl Default for TopK {
    /// The five highest scores.
    fn default() -> Self {
        Self { k: 5, name: "top-k-accuracy@k=5".to_owned() }
    }
}

/// Hits, and among how many classes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TopHits {
    n_classes: usize,
    hits: Hits,
}

impl MetricState for TopHits {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if self.n_classes.min(other.n_classes) > 0 && self.n_classes != other.n_classes {
            return Err(format!("{} classes cannot be merged with {}", self.n_classes, other.n_classes));
        }
        self.hits.merge(&other.hits)?;
        self.n_classes = self.n_classes.max(other.n_classes);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        if self.n_classes == 0 && self.hits.n() > 0 {
            Err("hits without classes".to_owned())
        } else {
            self.hits.check()
        }
    }
}

impl Metric for TopK {
    type Batch<'a> = MetricBatch<'a>;
    type State = TopHits;

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
        fold::samples(
            self.name(),
            batch,
            state,
            |n_classes| TopHits { n_classes, hits: Hits::default() },
            |state, sample| {
                for &score in sample.scores {
                    batch.score(score, sample.kind, sample.row)?;
                }
                let truth = sample.scores.get(sample.class).copied().unwrap_or(f32::NAN);
                let above = |(class, &score): (usize, &f32)| score > truth || (class < sample.class && score >= truth);
                let rank = sample.scores.iter().enumerate().filter(|&item| above(item)).count();
                state.hits.add(rank < self.k, sample.weight);
                Ok(())
            },
        )
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        let c = state.n_classes;
        if state.hits.n() > 0 && c <= self.k {
            return MetricValue::undefined(format!("all {c} classes are among the first {}", self.k), state.hits.n());
        }
        state.hits.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    #[test]
    fn ties_go_to_the_first_class() {
        let scores = array![[3.0, 1.0, 1.0, 0.0], [3.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]];
        let prediction = Prediction::Class { scores, kind: Scores::Logits };
        let value = |k, labels| {
            let mut metric = Streaming::new(TopK::new(k).unwrap());
            metric.update(&prediction, &Reference::Class(labels)).unwrap();
            metric.compute()
        };
        assert_eq!(value(2, vec![1, 2, 1]).value, Some(2.0 / 3.0));
        assert_eq!(value(3, vec![1, 2, 3]).value, Some(2.0 / 3.0));
        assert_eq!(value(4, vec![1, 2, 3]).get(), Err("all 4 classes are among the first 4"));
        assert!(TopK::new(0).is_err());
    }
}
