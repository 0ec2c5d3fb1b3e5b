//! PCOC, predicted over observed: whether probabilities are right on average, the first question of ad prediction.
//!
//! ```text
//! PCOC_k = sum_i w_i p_ik / sum_i w_i y_ik        error = mean over k of |PCOC_k - 1|
//! ```
//!
//! A metric needs a better and a worse, so its value is the distance from 1; [`Streaming::ratios`] gives the ratios, whose side
//! says whether one promises too much. A class or label that never occurs is left out and counted.
//!
//! **Shapes** scores `[b, c]`; labels `[b]` (class; of two classes the second) or `[b, c]` (yes/no). **State** 1.1 kB a class.
//! **Weights** yes.
//!
//! **Reference** X. He et al., *Practical lessons from predicting clicks on ads at Facebook*, 2014 (its calibration).
//! **Differs from** the ratio in reporting its distance from 1.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    fold::{self, Width},
    input::MetricBatch,
    mean::ExactMean,
    metric::{Metric, MetricState, Streaming},
    probability::{ClassProbs, yes_prob},
    value::{MetricValue, OrReason},
    weight::Total,
};

/// Distance of predicted over observed from 1, `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PcocError;

impl Metric for PcocError {
    type Batch<'a> = MetricBatch<'a>;
    type State = Observed;

    fn name(&self) -> &'static str {
        "pcoc-error"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        fold::scores(
            self.name(),
            batch,
            state,
            Observed::fresh,
            |state, sample| {
                let probs = ClassProbs::of(batch, sample)?;
                let skip = usize::from(sample.scores.len() == 2);
                for (idx, p) in probs.iter().skip(skip).enumerate() {
                    state.add(idx, p, idx + skip == sample.class, sample.weight);
                }
                Ok(())
            },
            |state, entry| {
                state.add(entry.column, yes_prob(batch, entry)?, entry.yes, entry.weight);
                Ok(())
            },
        )
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        let parts: Vec<_> = state.ratios().into_iter().map(|ratio| Ok((ratio? - 1.0).abs())).collect();
        let known = state.columns.iter().map(|column| column.said.n());
        let support = if state.labels { known.sum() } else { known.max().unwrap_or(0) };
        MetricValue::average(&parts, if state.labels { "label" } else { "class" }, support)
    }
}

/// What was predicted and what came, by class or label.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Observed {
    labels: bool,
    columns: Vec<Sums>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Sums {
    said: ExactMean,
    came: Total,
}

impl Observed {
    fn fresh(width: Width) -> Self {
        let (labels, n) = match width {
            Width::Labels(c) => (true, c),
            Width::Classes(2) => (false, 1),
            Width::Classes(c) => (false, c),
        };
        Self { labels, columns: vec![Sums::default(); n] }
    }

    fn add(&mut self, column: usize, p: f64, yes: bool, weight: f32) {
        if let Some(sums) = self.columns.get_mut(column) {
            sums.said.add_weighted(p, weight);
            if yes {
                sums.came.add(weight);
            }
        }
    }

    fn ratios(&self) -> Vec<OrReason<f64>> {
        let ratio = |sums: &Sums| {
            let came = sums.came.value();
            if came > 0.0 { Ok(sums.said.sum() / came) } else { Err("no positive sample".to_owned()) }
        };
        self.columns.iter().map(ratio).collect()
    }
}

impl MetricState for Observed {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.columns.is_empty() {
            return Ok(());
        }
        if self.columns.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        if self.labels != other.labels || self.columns.len() != other.columns.len() {
            return Err(format!("{} columns cannot be merged with {}", self.columns.len(), other.columns.len()));
        }
        self.columns.iter_mut().zip(&other.columns).try_for_each(|(sums, theirs)| {
            sums.said.merge(&theirs.said)?;
            sums.came.merge(&theirs.came)
        })
    }

    fn check(&self) -> OrReason<()> {
        self.columns.iter().try_for_each(|sums| {
            sums.said.check()?;
            sums.came.check()?;
            if sums.came.n() <= sums.said.n() { Ok(()) } else { Err("more came than there was".to_owned()) }
        })
    }
}

impl Streaming<PcocError> {
    /// Predicted over observed for each class or label (one for two classes), or why it has none.
    #[must_use]
    pub fn ratios(&self) -> Vec<OrReason<f64>> {
        self.remembered().ratios()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AnyMetric;
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    #[test]
    fn by_hand() {
        let prediction = Prediction::MultiLabel { scores: array![[0.75, 0.5], [0.75, 0.5]], kind: Scores::Probs };
        let mut metric = Streaming::new(PcocError);
        metric.update(&prediction, &Reference::MultiLabel(array![[1.0, 0.0], [0.0, 0.0]])).unwrap();
        assert_eq!(metric.ratios(), [Ok(1.5), Err("no positive sample".to_owned())]);
        let value = metric.compute();
        assert_eq!((value.value, value.left_out, value.support), (Some(0.5), 1, 4));
    }
}
