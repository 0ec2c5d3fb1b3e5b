//! Spearman correlation of grades: whether higher grades are said to be higher, whatever the steps between them.
//!
//! ```text
//! rho = Cov(R(p), R(t)) / sqrt( Var(R(p)) Var(R(t)) )        R: mean rank of a grade, from its margin of the matrix
//! ```
//!
//! **Shapes** scores `[b, c]`, labels `[b]`, classes in the order of the grades; or one yes/no label. **State**
//! [`ConfusionMatrix`], `8 c^2` bytes. **Weights** yes.
//!
//! **Reference** scipy `spearmanr(y, argmax)`.
//! **Differs from** scipy when truth or answer is one grade only, where it says NaN: undefined here.

use mtl_core::{Result, metric::Direction};
use ndarray::Axis;

use crate::{
    class::ConfusionMatrix,
    input::MetricBatch,
    metric::Metric,
    value::{MetricValue, NO_WEIGHT, OrReason},
};

/// Spearman correlation of grades, `[-1, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GradeSpearman;

impl Metric for GradeSpearman {
    type Batch<'a> = MetricBatch<'a>;
    type State = ConfusionMatrix;

    fn name(&self) -> &'static str {
        "grade-spearman"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn update(&self, state: &mut ConfusionMatrix, batch: &MetricBatch<'_>) -> Result<()> {
        state.update_for(self.name(), batch)
    }

    fn compute(&self, state: &ConfusionMatrix) -> MetricValue {
        MetricValue::of(spearman(state), state.total())
    }
}

/// The correlation of the mean ranks of rows and columns.
fn spearman(confusion: &ConfusionMatrix) -> OrReason<f64> {
    let counts = confusion.weights();
    let n = counts.sum();
    if n <= 0.0 {
        return Err(NO_WEIGHT.to_owned());
    }
    // Ranks about their mean: what lies below less what lies above, halved.
    let centered = |margin: Vec<f64>| -> Vec<f64> {
        let mut below = 0.0;
        let rank = |own: f64| {
            let rank = (2.0 * below + own - n) / 2.0;
            below += own;
            rank
        };
        margin.into_iter().map(rank).collect()
    };
    let truth = centered(counts.sum_axis(Axis(1)).to_vec());
    let said = centered(counts.sum_axis(Axis(0)).to_vec());
    let moment = |of: &dyn Fn(usize, usize) -> f64| counts.indexed_iter().map(|((t, p), n)| n * of(t, p)).sum::<f64>();
    let (in_truth, in_said) = (moment(&|t, _| truth[t] * truth[t]), moment(&|_, p| said[p] * said[p]));
    if in_truth <= 0.0 {
        return Err("only one grade occurs".to_owned());
    }
    if in_said <= 0.0 {
        return Err("only one grade is predicted".to_owned());
    }
    Ok((moment(&|t, p| truth[t] * said[p]) / (in_truth * in_said).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::Array2;

    fn found(said: &[usize], truth: &[i64]) -> MetricValue {
        let scores = Array2::from_shape_fn((said.len(), 4), |(row, k)| f32::from(u8::from(said[row] == k)));
        let mut metric = Streaming::new(GradeSpearman);
        metric.update(&Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(truth.to_vec())).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        // Ranks of the answers 1 2 3.5 3.5, of the truth 1 2 3 4.
        let value = found(&[0, 1, 3, 3], &[0, 1, 2, 3]).value.unwrap();
        assert!((value - 4.5 / (4.5_f64 * 5.0).sqrt()).abs() < 1e-15);
        assert_eq!(found(&[0, 1], &[2, 2]).get(), Err("only one grade occurs"));
        assert_eq!(found(&[1, 1], &[1, 2]).get(), Err("only one grade is predicted"));
    }
}
