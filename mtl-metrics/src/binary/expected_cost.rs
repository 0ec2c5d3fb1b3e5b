//! Expected cost: what the answers cost per sample, when each confusion has its price.
//!
//! ```text
//! cost = sum_tp n_tp C_tp / n        row t: truth, column p: what was said
//! ```
//!
//! Answers are those of the usual threshold (the top class, probability 0.5); [`Threshold::cheapest`](super::Threshold::cheapest)
//! finds a cheaper one.
//!
//! **Shapes** scores `[b, c]`, labels `[b]`; or one yes/no label with costs `[2, 2]`. **State** [`ConfusionMatrix`], `8 c^2`
//! bytes. **Weights** yes.
//!
//! **Reference** C. Elkan, *The foundations of cost-sensitive learning*, IJCAI 2001, section 1.
//! **Differs from** nothing known.

use mtl_core::{Error, Result, metric::Direction};
use ndarray::Array2;

use crate::{
    class::ConfusionMatrix,
    input::MetricBatch,
    metric::{Metric, MetricState, refused},
    value::MetricValue,
};

/// Cost per sample, in the unit of the costs.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedCost {
    costs: Array2<f64>,
}

impl ExpectedCost {
    /// The cost of saying class `p` (column) for class `t` (row), `[c, c]`, finite.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] unless square, not empty and finite.
    pub fn new(costs: Array2<f64>) -> Result<Self> {
        let good = costs.is_square() && !costs.is_empty() && costs.iter().all(|cost| cost.is_finite());
        if good {
            return Ok(Self { costs: costs.as_standard_layout().into_owned() });
        }
        Err(Error::InvalidConfig {
            what: "expected-cost",
            field: "costs",
            expected: "finite, [c, c]".into(),
            found: format!("{:?}", costs.dim()),
        })
    }
}

impl Metric for ExpectedCost {
    type Batch<'a> = MetricBatch<'a>;
    type State = ConfusionMatrix;

    fn name(&self) -> &'static str {
        "expected-cost"
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        let mut part = ConfusionMatrix::default();
        part.update_for(self.name(), batch)?;
        if part.n_classes() != self.costs.nrows() {
            let c = self.costs.nrows();
            let expected = format!("of {c} classes, one per row of costs");
            let found = vec![part.total() as i64, part.n_classes() as i64];
            return Err(Error::Shape {
                op: format!("{} of task {}", self.name(), batch.task()),
                tensor: "prediction",
                expected,
                found,
            });
        }
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        let weights = state.weights();
        let cost: f64 = weights.iter().zip(&self.costs).map(|(n, cost)| n * cost).sum();
        MetricValue::share(cost, weights.sum(), state.total())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyMetric, Streaming};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::array;

    #[test]
    fn by_hand() {
        let prediction = Prediction::MultiLabel { scores: array![[0.9], [0.8], [0.2], [0.1]], kind: Scores::Probs };
        let mut metric = Streaming::new(ExpectedCost::new(array![[0.0, 1.0], [10.0, -1.0]]).unwrap());
        metric.update(&prediction, &Reference::MultiLabel(array![[1.0], [0.0], [1.0], [0.0]])).unwrap();
        assert_eq!(metric.compute().value, Some((-1.0 + 1.0 + 10.0) / 4.0));
        let three = Prediction::Class { scores: ndarray::Array2::zeros((1, 3)), kind: Scores::Logits };
        let e = metric.update(&three, &Reference::Class(vec![0])).unwrap_err().to_string();
        assert!(e.contains("of 2 classes, one per row of costs"), "{e}");
        assert!(ExpectedCost::new(array![[0.0, 1.0]]).is_err() && ExpectedCost::new(array![[f64::NAN]]).is_err());
    }
}
