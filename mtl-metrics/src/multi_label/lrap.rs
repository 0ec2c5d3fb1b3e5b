//! Label ranking average precision: at each true label, how many of the labels ranked as high are true.
//!
//! ```text
//! LRAP = 1/n sum_i 1/|Y_i| sum_{k in Y_i} #{ j in Y_i : s_ij >= s_ik } / #{ j : s_ij >= s_ik }
//! ```
//!
//! A sample all or none of whose labels are true counts 1: any order is right.
//!
//! **Shapes** scores and labels `[b, c]` (yes/no); of a row only known labels count, a row without any is skipped.
//! **State** 560 bytes. **Weights** yes.
//!
//! **Reference** scikit-learn `label_ranking_average_precision_score`.
//! **Differs from** nothing known.

use mtl_core::{Result, metric::Direction};

use crate::{fold, input::MetricBatch, mean::ExactMean, metric::Metric, value::MetricValue};

/// Mean precision at the ranks of true labels, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lrap;

impl Metric for Lrap {
    type Batch<'a> = MetricBatch<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        "lrap"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ExactMean, batch: &MetricBatch<'_>) -> Result<()> {
        fold::label_rows(self.name(), batch, state, |mean, known, row| {
            let n_yes = known.iter().filter(|label| label.1).count();
            if n_yes == 0 || n_yes == known.len() {
                mean.add_weighted(1.0, row.weight);
                return Ok(());
            }
            let mut sorted = known.to_vec();
            sorted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
            let (mut above, mut yes_above, mut sum) = (0_usize, 0_usize, 0.0);
            // `+ 0.0` makes both zeros one.
            for equal in sorted.chunk_by(|a, b| (a.0 + 0.0).total_cmp(&(b.0 + 0.0)).is_eq()) {
                let yes = equal.iter().filter(|label| label.1).count();
                above += equal.len();
                yes_above += yes;
                sum += yes as f64 * yes_above as f64 / above as f64;
            }
            mean.add_weighted(sum / n_yes as f64, row.weight);
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
        let mut metric = Streaming::new(Lrap);
        metric.update(&Prediction::MultiLabel { scores, kind: Scores::Probs }, &Reference::MultiLabel(truth)).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = found(array![[0.75, 0.5, 1.0], [1.0, 0.2, 0.1]], array![[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
        assert!((value.value.unwrap() - (0.5 + 1.0 / 3.0) / 2.0).abs() < 1e-15); // scikit-learn's documentation
        assert_eq!(found(array![[0.1, 0.2]], array![[0.0, 0.0]]).value, Some(1.0));
    }
}
