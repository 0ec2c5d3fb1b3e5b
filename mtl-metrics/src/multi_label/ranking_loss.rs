//! Ranking loss: of the pairs of a true and a false label of a sample, how many are in the wrong order.
//!
//! ```text
//! value = 1/n sum_i #{ (j, k) : y_ij = 1, y_ik = 0, s_ij <= s_ik } / (|Y_i| (c - |Y_i|))        0 without pairs
//! ```
//!
//! **Shapes** scores and labels `[b, c]` (yes/no); of a row only known labels count, a row without any is skipped.
//! **State** 560 bytes. **Weights** yes.
//!
//! **Reference** scikit-learn `label_ranking_loss`.
//! **Differs from** nothing known.

use mtl_core::{Result, metric::Direction};

use crate::{fold, input::MetricBatch, mean::ExactMean, metric::Metric, value::MetricValue};

/// Share of label pairs in the wrong order, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RankingLoss;

impl Metric for RankingLoss {
    type Batch<'a> = MetricBatch<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "ranking-loss"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ExactMean, batch: &MetricBatch<'_>) -> Result<()> {
        fold::label_rows(self.name(), batch, state, |mean, known, row| {
            let mut sorted = known.to_vec();
            // Falling scores; among equal ones the false labels first: ties are wrong.
            sorted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let (mut wrong, mut no_above, mut n_yes) = (0_u64, 0_u64, 0_u64);
            for (_, yes) in sorted {
                if yes {
                    wrong += no_above;
                    n_yes += 1;
                } else {
                    no_above += 1;
                }
            }
            let pairs = n_yes * no_above;
            mean.add_weighted(if pairs > 0 { wrong as f64 / pairs as f64 } else { 0.0 }, row.weight);
            Ok(())
        })
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        state.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    fn found(scores: ndarray::Array2<f32>, truth: ndarray::Array2<f32>) -> MetricValue {
        let mut metric = Streaming::new(RankingLoss);
        metric.update(&Prediction::MultiLabel { scores, kind: Scores::Probs }, &Reference::MultiLabel(truth)).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = found(array![[0.9, 0.5, 0.5, 0.1], [0.9, 0.5, 0.3, 0.1]], array![[0.0, 1.0, 0.0, 1.0], [0.0; 4]]);
        // Pairs of the first row: (1, 0) wrong, (1, 2) tied, (3, 0) and (3, 2) wrong.
        assert_eq!(value.value, Some(0.5));
    }
}
