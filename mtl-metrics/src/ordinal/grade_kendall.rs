//! Kendall's tau-b of grades: pairs of samples put in the right order less those in the wrong one, ties accounted for.
//!
//! ```text
//! tau_b = (C - D) / sqrt( (N - T_t) (N - T_p) )        from the matrix: C = sum_tp n_tp (what lies below in both)
//! ```
//!
//! **Shapes** scores `[b, c]`, labels `[b]`, classes in the order of the grades; or one yes/no label. **State**
//! [`ConfusionMatrix`], `8 c^2` bytes. **Weights** yes.
//! **Complexity** `O(c^2)`.
//!
//! **Reference** scipy `kendalltau(y, argmax, variant="b")`.
//! **Differs from** scipy when truth or answer is one grade only, where it says NaN: undefined here. Weighted samples make
//! pairs of the product of their weights, which scipy does not have.

use mtl_core::{Result, metric::Direction};
use ndarray::{Array1, Axis};

use crate::{
    class::ConfusionMatrix,
    input::MetricBatch,
    metric::Metric,
    value::{MetricValue, NO_WEIGHT, OrReason},
};

/// Kendall's tau-b of grades, `[-1, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GradeKendall;

impl Metric for GradeKendall {
    type Batch<'a> = MetricBatch<'a>;
    type State = ConfusionMatrix;

    fn name(&self) -> &'static str {
        "grade-kendall"
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
        MetricValue::of(kendall(state), state.total())
    }
}

/// Tau-b from the counts of pairs of grades.
fn kendall(confusion: &ConfusionMatrix) -> OrReason<f64> {
    let counts = confusion.weights();
    let n = counts.sum();
    if n <= 0.0 {
        return Err(NO_WEIGHT.to_owned());
    }
    // Twice the pairs that are in different grades.
    let different = |margin: &Array1<f64>| n * n - margin.iter().map(|own| own * own).sum::<f64>();
    let (in_truth, in_said) = (different(&counts.sum_axis(Axis(1))), different(&counts.sum_axis(Axis(0))));
    if in_truth <= 0.0 {
        return Err("only one grade occurs".to_owned());
    }
    if in_said <= 0.0 {
        return Err("only one grade is predicted".to_owned());
    }
    // Rows above: how many samples of lower true grade were said to be each grade.
    let mut lower = Array1::<f64>::zeros(counts.ncols());
    let mut balance = 0.0;
    for row in counts.rows() {
        let (mut below, mut above) = (0.0, lower.sum());
        for (&own, &at) in row.iter().zip(&lower) {
            above -= at;
            balance += own * (below - above);
            below += at;
        }
        lower += &row;
    }
    Ok((2.0 * balance / (in_truth * in_said).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::Array2;

    fn found(said: &[usize], truth: &[i64]) -> MetricValue {
        let scores = Array2::from_shape_fn((said.len(), 4), |(row, k)| f32::from(u8::from(said[row] == k)));
        let mut metric = Streaming::new(GradeKendall);
        metric.update(&Prediction::Class { scores, kind: Scores::Probs }, &Reference::Class(truth.to_vec())).unwrap();
        metric.compute()
    }

    #[test]
    fn by_hand() {
        let value = found(&[0, 1, 1, 3], &[0, 1, 2, 3]).value.unwrap();
        assert!((value - 5.0 / 30_f64.sqrt()).abs() < 1e-15);
        assert_eq!(found(&[3, 2, 1, 0], &[0, 1, 2, 3]).value, Some(-1.0));
        assert_eq!(found(&[0, 1], &[2, 2]).get(), Err("only one grade occurs"));
    }
}
