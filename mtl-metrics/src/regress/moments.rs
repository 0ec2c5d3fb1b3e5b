//! Sums of predictions, targets and their products: the state of everything built on variances and covariances.
//!
//! ```text
//! n^2 Cov(a, b) = n sum a b - sum a sum b        n: weight of all pairs
//! ```
//!
//! The one-pass form loses all digits when means are large against spreads. Here all sums are exact, and so is their
//! combination, which is rounded once; so the one-pass form is as good as the two-pass one, and merges. Inputs are `f32`, so
//! their products are exact in `f64`.
//!
//! **State** 3.3 kB an output.

use serde::{Deserialize, Serialize};

use crate::{
    exact_sum::ExactSum,
    mean::Pair,
    metric::MetricState,
    value::{NO_LABEL, NO_WEIGHT, OrReason},
    weight::Total,
};

/// Sums over the known pairs of one output.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Moments {
    total: Total,
    said: ExactSum,
    truth: ExactSum,
    said_said: ExactSum,
    truth_truth: ExactSum,
    said_truth: ExactSum,
}

/// `n^2` times the second moments about the means, each rounded once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spreads {
    /// Of the predictions.
    pub said: f64,
    /// Of the targets.
    pub truth: f64,
    /// Of both together.
    pub both: f64,
    /// `n` times the sum of squared errors.
    pub errors: f64,
    /// The square of the difference of the sums.
    pub bias: f64,
    /// Of the errors about their mean.
    pub residual: f64,
}

impl Moments {
    /// Adds a pair.
    pub fn add(&mut self, pair: &Pair) {
        let Pair { said, truth, weight, .. } = *pair;
        self.total.add(weight);
        let sums = [
            (&mut self.said, said),
            (&mut self.truth, truth),
            (&mut self.said_said, said * said),
            (&mut self.truth_truth, truth * truth),
            (&mut self.said_truth, said * truth),
        ];
        for (sum, x) in sums {
            if (weight - 1.0).abs() > 0.0 { sum.add_product(x, f64::from(weight)) } else { sum.add(x) }
        }
    }

    /// Pairs.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.total.n()
    }

    /// The spreads, of at least two pairs.
    ///
    /// # Errors
    /// The reason when there are fewer, or no weight.
    pub fn spreads(&self) -> OrReason<Spreads> {
        match self.n() {
            0 => return Err(NO_LABEL.to_owned()),
            1 => return Err("a single known target has no variance".to_owned()),
            _ if self.total.value() <= 0.0 => return Err(NO_WEIGHT.to_owned()),
            _ => {}
        }
        let total = self.total.exact().components();
        let spread = |ab: &ExactSum, a: &ExactSum, b: &ExactSum| {
            let mut sum = ExactSum::default();
            add_products(&mut sum, 1.0, &total, &ab.components());
            add_products(&mut sum, -1.0, &a.components(), &b.components());
            sum.value()
        };
        let mut errors = self.said_said.clone();
        errors.merge(&self.truth_truth);
        self.said_truth.components().iter().for_each(|&part| errors.add(-2.0 * part));
        let mut scaled = ExactSum::default();
        add_products(&mut scaled, 1.0, &total, &errors.components());
        let mut bias = self.said.clone();
        self.truth.components().iter().for_each(|&part| bias.add(-part));
        // Errors about their mean: the difference of two that may be much larger, so it is taken before rounding.
        let mut residual = scaled.clone();
        add_products(&mut residual, -1.0, &bias.components(), &bias.components());
        let bias = bias.value();
        Ok(Spreads {
            // Exact sums of squares are not negative, except for products below the smallest number.
            said: spread(&self.said_said, &self.said, &self.said).max(0.0),
            truth: spread(&self.truth_truth, &self.truth, &self.truth).max(0.0),
            both: spread(&self.said_truth, &self.said, &self.truth),
            errors: scaled.value().max(0.0),
            bias: bias * bias,
            residual: residual.value().max(0.0),
        })
    }
}

/// Adds `sign * sum a * sum b` without rounding.
fn add_products(into: &mut ExactSum, sign: f64, a: &[f64], b: &[f64]) {
    for &a in a {
        for &b in b {
            into.add_product(sign * a, b);
        }
    }
}

impl MetricState for Moments {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.total.merge(&other.total)?;
        self.said.merge(&other.said);
        self.truth.merge(&other.truth);
        self.said_said.merge(&other.said_said);
        self.truth_truth.merge(&other.truth_truth);
        self.said_truth.merge(&other.said_truth);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.total.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_where_one_pass_loses_all() {
        let mut moments = Moments::default();
        for (said, truth, weight) in [(1e8 + 8.0, 1e8, 1.0), (1e8, 1e8 + 8.0, 3.0)] {
            moments.add(&Pair { said, truth, weight, row: 0, output: 0 });
        }
        let spreads = moments.spreads().unwrap();
        // Weights 1 and 3: n^2 Var = 1 * 3 * 64.
        assert_eq!((spreads.said, spreads.truth, spreads.both), (192.0, 192.0, -192.0));
        assert_eq!((spreads.errors, spreads.bias, spreads.residual), (4.0 * 4.0 * 64.0, 256.0, 768.0));
        assert!(Moments::default().spreads().is_err());
    }
}
