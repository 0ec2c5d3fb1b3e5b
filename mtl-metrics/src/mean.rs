//! States for means: an exact sum and a count, alone or one per output.

use mtl_core::Result;
use serde::{Deserialize, Serialize};

use crate::{
    exact_sum::ExactSum,
    input::{MetricBatch, by_chunks},
    metric::{MetricState, refused},
    value::{MetricValue, NO_LABEL, OrReason},
};

/// A sum without rounding and the number of its terms.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExactMean {
    sum: ExactSum,
    n: u64,
}

impl ExactMean {
    /// Adds one term.
    pub fn add(&mut self, x: f64) {
        self.sum.add(x);
        self.n += 1;
    }

    /// Adds `n` terms by their sum.
    pub fn add_sum(&mut self, sum: &ExactSum, n: u64) {
        self.sum.merge(sum);
        self.n += n;
    }

    /// How many terms there are.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The mean as a metric's value.
    #[must_use]
    pub fn value(&self) -> MetricValue {
        MetricValue::ratio(self.sum.value(), self.n)
    }

    /// The mean, or the reason why there is none.
    fn get(&self) -> OrReason<f64> {
        if self.n == 0 { Err(NO_LABEL.to_owned()) } else { Ok(self.sum.value() / self.n as f64) }
    }
}

impl MetricState for ExactMean {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        self.n = self.n.checked_add(other.n).ok_or("a count is beyond 64 bits")?;
        self.sum.merge(&other.sum);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        if self.n > 0 || self.sum == ExactSum::default() { Ok(()) } else { Err("a sum of nothing is not 0".to_owned()) }
    }
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

    /// Folds a batch of numbers in: `add(state of the output, predicted, true)` for every known entry.
    ///
    /// # Errors
    /// As [`crate::Metric::update`]; [`mtl_core::Error::Label`] for numbers that are not finite.
    pub fn update<F>(&mut self, metric: &str, batch: &MetricBatch<'_>, add: F) -> Result<()>
    where
        F: Fn(&mut S, f64, f64) + Sync,
    {
        let (values, truth) = batch.values(metric)?;
        let part: Self = by_chunks(values.n_rows(), 0, |range| {
            let mut outputs = Self::new(values.n_cols());
            for ((row, said), truth) in range.clone().zip(values.rows(range.clone())).zip(truth.rows(range)) {
                for ((&said, &truth), output) in said.iter().zip(truth).zip(&mut outputs.0) {
                    if truth.is_nan() {
                        continue;
                    }
                    if !truth.is_finite() {
                        return Err(batch.refuse("target", "finite, or NaN for missing", &truth, row));
                    }
                    if !said.is_finite() {
                        return Err(batch.refuse("prediction", "finite", &said, row));
                    }
                    add(output, f64::from(said), f64::from(truth));
                }
            }
            Ok(outputs)
        })?;
        self.merge(&part).map_err(|reason| refused(metric, reason))
    }
}

impl PerOutput<ExactMean> {
    /// The mean over outputs of `finish(mean of the output)`.
    pub(crate) fn average(&self, finish: impl Fn(f64) -> f64) -> MetricValue {
        let parts: Vec<_> = self.0.iter().map(|output| output.get().map(&finish)).collect();
        MetricValue::average(&parts, "output", self.0.iter().fold(0, |n, output| n.saturating_add(output.n)))
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
