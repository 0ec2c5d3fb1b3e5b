//! R2, the coefficient of determination: the share of the target's variance that the prediction explains.
//!
//! ```text
//! R2_k = 1 - SSE_k / SST_k        SSE_k = sum_i (p_ik - y_ik)^2
//!                                 SST_k = sum_i (y_ik - mean y_k)^2 = ( n sum y^2 - (sum y)^2 ) / n
//! R2   = mean over outputs k with SST_k > 0
//! ```
//!
//! The textbook form of `SST` loses all digits when the mean is large against the spread. Here both sums are exact, and
//! so is their difference, so the one-pass form is as good as the two-pass one and merges.
//!
//! **Shapes** predictions and targets `[b, k]`, NaN where the target is unknown. **State** 1.7 kB per output.
//!
//! **Reference** scikit-learn `r2_score(multioutput="uniform_average")`.
//! **Differs from** scikit-learn for a constant target, which it scores 1 or 0 (`force_finite`), and from torchmetrics,
//! which does likewise: here it is undefined, and an output with such a target is left out of the mean and counted.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    exact_sum::ExactSum,
    input::MetricBatch,
    mean::PerOutput,
    metric::{Metric, MetricState},
    value::{MetricValue, NO_LABEL, OrReason},
};

/// Coefficient of determination, `(-inf, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct R2;

/// Count, sums of target and squared target, sum of squared errors of one output.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Moments {
    n: u64,
    sum_y: ExactSum,
    sum_yy: ExactSum,
    sum_ee: ExactSum,
}

impl Moments {
    fn add(&mut self, said: f64, truth: f64) {
        self.n += 1;
        self.sum_y.add(truth);
        // A target is an f32, so its square has at most 48 bits: exact.
        self.sum_yy.add(truth * truth);
        self.sum_ee.add((said - truth) * (said - truth));
    }

    fn r2(&self) -> OrReason<f64> {
        match self.n {
            0 => return Err(NO_LABEL.to_owned()),
            1 => return Err("a single known target has no variance".to_owned()),
            _ => {}
        }
        let n = self.n as f64;
        let n_sst = self.n_sst();
        if n_sst > 0.0 { Ok(1.0 - n * self.sum_ee.value() / n_sst) } else { Err("the target is constant".to_owned()) }
    }

    /// `n sum y^2 - (sum y)^2`, rounded once.
    fn n_sst(&self) -> f64 {
        let mut difference = ExactSum::default();
        for part in self.sum_yy.components() {
            difference.add_product(self.n as f64, part);
        }
        let parts = self.sum_y.components();
        for &a in &parts {
            for &b in &parts {
                difference.add_product(-a, b);
            }
        }
        difference.value()
    }
}

impl MetricState for Moments {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.n = self.n.checked_add(other.n).ok_or("a count is beyond 64 bits")?;
        self.sum_y.merge(&other.sum_y);
        self.sum_yy.merge(&other.sum_yy);
        self.sum_ee.merge(&other.sum_ee);
        Ok(())
    }
}

impl Metric for R2 {
    type Batch<'a> = MetricBatch<'a>;
    type State = PerOutput<Moments>;

    fn name(&self) -> &'static str {
        "r2"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, 1.0)
    }

    fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> Result<()> {
        state.update(self.name(), batch, Moments::add)
    }

    fn compute(&self, state: &Self::State) -> MetricValue {
        let parts: Vec<_> = state.outputs().iter().map(Moments::r2).collect();
        let support = state.outputs().iter().fold(0, |n: u64, output| n.saturating_add(output.n));
        MetricValue::average(&parts, "output", support)
    }
}

#[cfg(test)]
mod tests {
    use crate::evaluate;
    use mtl_core::{
        metric::MetricId,
        prediction::{Prediction, Reference},
    };
    use ndarray::{Array2, array};

    #[test]
    fn by_hand() {
        let prediction = Prediction::Values { values: array![[2.5], [0.0], [2.0], [8.0]] };
        let truth = Reference::Values(array![[3.0], [-0.5], [2.0], [7.0]]);
        let value = evaluate(MetricId::R2, &prediction, &truth).unwrap().value.unwrap();
        assert!((value - 0.948_608_137_044_967_9).abs() < 1e-15); // the example of scikit-learn's documentation
    }

    #[test]
    fn a_constant_target_is_undefined_and_a_nearly_constant_one_is_exact() {
        let values = Array2::from_elem((3, 1), 0.1);
        let prediction = Prediction::Values { values: values.clone() };
        let value = evaluate(MetricId::R2, &prediction, &Reference::Values(values)).unwrap();
        assert_eq!(value.get(), Err("the target is constant"));
        // Two neighbors of f32 near 1e8: the two squares agree in their first 23 bits.
        let prediction = Prediction::Values { values: array![[1e8 + 8.0], [1e8], [1e8], [1e8]] };
        let truth = Reference::Values(array![[1e8 + 8.0], [1e8], [1e8], [1e8 + 8.0]]);
        assert_eq!(evaluate(MetricId::R2, &prediction, &truth).unwrap().value, Some(0.0));
    }

    #[test]
    fn outputs_without_variance_are_left_out() {
        let prediction = Prediction::Values { values: array![[1.0, 5.0], [2.0, 5.0]] };
        let truth = Reference::Values(array![[1.0, 5.0], [2.0, 5.0]]);
        let value = evaluate(MetricId::R2, &prediction, &truth).unwrap();
        assert_eq!((value.value, value.parts, value.left_out), (Some(1.0), 2, 1));
    }
}
