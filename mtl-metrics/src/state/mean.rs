//! States for means: an exact sum and a count, alone or one per output.

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use crate::{
    chunks::{by_chunks, map_each},
    exact_sum::ExactSum,
    input::MetricBatch,
    metric::{MetricState, refused},
    value::{MetricValue, NO_LABEL, NO_WEIGHT, OrReason},
    weight::Total,
};

/// A weighted sum without rounding, and the weight of its terms.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExactMean {
    sum: ExactSum,
    total: Total,
}

impl ExactMean {
    /// Adds one term.
    pub fn add(&mut self, x: f64) {
        self.sum.add(x);
        self.total.add(1.0);
    }

    /// Adds one term of this weight.
    pub fn add_weighted(&mut self, x: f64, weight: f32) {
        // The common case needs no product.
        if (weight - 1.0).abs() > 0.0 {
            self.sum.add_product(x, f64::from(weight));
        } else {
            self.sum.add(x);
        }
        self.total.add(weight);
    }

    /// Adds `n` terms of weight 1 by their sum.
    pub fn add_sum(&mut self, sum: &ExactSum, n: u64) {
        self.sum.merge(sum);
        self.total.add_items(n);
    }

    /// How many terms there are.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.total.n()
    }

    /// The mean as a metric's value.
    #[must_use]
    pub fn value(&self) -> MetricValue {
        MetricValue::share(self.sum.value(), self.total.value(), self.n())
    }

    /// The mean, or the reason why there is none.
    ///
    /// # Errors
    /// Without terms, or when all weights are 0.
    pub fn get(&self) -> OrReason<f64> {
        let total = self.total.value();
        match self.n() {
            0 => Err(NO_LABEL.to_owned()),
            _ if total > 0.0 => Ok(self.sum.value() / total),
            _ => Err(NO_WEIGHT.to_owned()),
        }
    }

    /// The weighted sum.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum.value()
    }
}

impl MetricState for ExactMean {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.total.merge(&other.total)?;
        self.sum.merge(&other.sum);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        self.total.check()?;
        let nothing = self.n() == 0 && self.sum != ExactSum::default();
        if nothing { Err("a sum of nothing is not 0".to_owned()) } else { Ok(()) }
    }
}

/// A predicted number beside the true one, both finite.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// What was predicted: an `f32` widened.
    pub said: f64,
    /// What is true: an `f32` widened.
    pub truth: f64,
    /// The weight of the sample.
    pub weight: f32,
    /// Its position in the batch, for errors.
    pub row: usize,
    /// Which output it is of.
    pub output: usize,
}

/// One state per output of a task with several numbers; the first batch says how many.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PerOutput<S>(Vec<S>);

impl<S: MetricState> PerOutput<S> {
    /// Outputs with the same empty state.
    #[must_use]
    pub fn new(n_outputs: usize) -> Self {
        Self(vec![S::default(); n_outputs])
    }

    /// The states in the order of the outputs.
    #[must_use]
    pub fn outputs(&self) -> &[S] {
        &self.0
    }

    /// Folds a batch of numbers in: `add(state of the output, predicted, true)` for every known entry. Weights are
    /// refused.
    ///
    /// # Errors
    /// As [`crate::Metric::update`]; [`mtl_core::Error::Label`] for numbers that are not finite.
    pub fn update<F>(&mut self, metric: &str, batch: &MetricBatch<'_>, add: F) -> Result<()>
    where
        F: Fn(&mut S, f64, f64) + Sync,
    {
        batch.values(metric)?;
        self.update_pairs(metric, batch, |output, pair| {
            add(output, pair.said, pair.truth);
            Ok(())
        })
    }

    /// Folds a batch of numbers in, weights included: `add(state of the output, pair)` for every known entry.
    ///
    /// # Errors
    /// As [`update`](Self::update), and those of `add`.
    pub fn update_pairs<F>(&mut self, metric: &str, batch: &MetricBatch<'_>, add: F) -> Result<()>
    where
        F: Fn(&mut S, &Pair) -> Result<()> + Sync,
    {
        let (values, truth) = batch.weighted_values(metric)?;
        let part: Self = by_chunks(values.n_rows(), 0, |range| {
            let mut outputs = Self::new(values.n_cols());
            for ((row, said), truth) in range.clone().zip(values.rows(range.clone())).zip(truth.rows(range)) {
                for (at, ((&said, &truth), output)) in said.iter().zip(truth).zip(&mut outputs.0).enumerate() {
                    if truth.is_nan() {
                        continue;
                    }
                    if !truth.is_finite() {
                        return Err(batch.refuse("target", "finite, or NaN for missing", &truth, row));
                    }
                    if !said.is_finite() {
                        return Err(batch.refuse("prediction", "finite", &said, row));
                    }
                    let weight = batch.weight(row)?;
                    let (said, truth) = (f64::from(said), f64::from(truth));
                    add(output, &Pair { said, truth, weight, row, output: at })?;
                }
            }
            Ok(outputs)
        })?;
        self.merge(&part).map_err(|reason| refused(metric, reason))
    }
}

impl PerOutput<ExactMean> {
    /// The mean over outputs of `finish(mean of the output)`.
    pub(crate) fn average(&self, finish: impl Fn(f64) -> f64 + Sync + Send) -> MetricValue {
        self.average_of(ExactMean::n, |output| output.get().map(&finish))
    }
}

impl<S: MetricState> PerOutput<S> {
    /// The mean over outputs of what each says; `n` counts its known entries.
    pub(crate) fn average_of(
        &self,
        n: impl Fn(&S) -> u64,
        value: impl Fn(&S) -> OrReason<f64> + Sync + Send,
    ) -> MetricValue {
        let parts = map_each(self.0.len(), |k| value(&self.0[k]));
        MetricValue::average(&parts, "output", self.0.iter().fold(0, |sum, output| sum.saturating_add(n(output))))
    }
}

impl<S: MetricState> MetricState for PerOutput<S> {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.0.is_empty() {
            return Ok(());
        }
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return Ok(());
        }
        if self.0.len() != other.0.len() {
            return Err(format!("{} outputs cannot be merged with {}", self.0.len(), other.0.len()));
        }
        self.0.iter_mut().zip(&other.0).try_for_each(|(output, theirs)| output.merge(theirs))
    }

    fn check(&self) -> OrReason<()> {
        self.0.iter().try_for_each(S::check)
    }
}
