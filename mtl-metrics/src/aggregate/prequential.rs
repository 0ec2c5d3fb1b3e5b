//! Metrics of a stream: each batch is predicted first and learned from afterwards, and the past counts less and less.
//!
//! ```text
//! window of w batches   metric over the last w batches, exactly: their states are merged
//! fading factor a       (sum_i a^(t-i) n_i v_i) / (sum_i a^(t-i) n_i)     v_i: metric of batch i with n_i samples
//! ```
//! **Reference** J. Gama, R. Sebastiao, P. P. Rodrigues, *On evaluating stream learning algorithms*, Machine Learning 90,
//! 2013. **Differs from** the paper in fading by batches, each counted by its samples: with batches of one sample it is the
//! paper's estimator.
//!
//! A stream has an order, so unlike everything else in this crate these two do not merge.

use std::collections::VecDeque;

use mtl_core::{Error, Result};

use crate::{
    metric::{Metric, MetricState},
    value::MetricValue,
};

/// A metric over the last batches of a stream.
#[derive(Debug, Clone)]
pub struct Windowed<M: Metric> {
    metric: M,
    window: usize,
    states: VecDeque<M::State>,
}

impl<M: Metric> Windowed<M> {
    /// `metric` over the last `window` batches.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a window of 0.
    pub fn new(metric: M, window: usize) -> Result<Self> {
        if window == 0 {
            return refuse("window", ">= 1 batch", "0".into());
        }
        Ok(Self { metric, window, states: VecDeque::with_capacity(window) })
    }

    /// Adds a batch and forgets the one that left the window. On an error nothing has changed.
    ///
    /// # Errors
    /// See [`Metric::update`]; [`Error::State`] when the batch is of another kind than those in the window.
    pub fn update_batch(&mut self, batch: &M::Batch<'_>) -> Result<()> {
        let mut state = M::State::default();
        self.metric.update(&mut state, batch)?;
        if let Some(last) = self.states.back() {
            let what = format!("window of {}", self.metric.name());
            state.clone().merge(last).map_err(|reason| Error::State { what, reason })?;
        }
        if self.states.len() == self.window {
            self.states.pop_front();
        }
        self.states.push_back(state);
        Ok(())
    }

    /// The value over the window.
    #[must_use]
    pub fn compute(&self) -> MetricValue {
        let mut all = M::State::default();
        for state in &self.states {
            if let Err(reason) = all.merge(state) {
                return MetricValue::undefined(reason, 0);
            }
        }
        self.metric.compute(&all)
    }
}

/// A mean in which every batch weighs less than the one after it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fading {
    factor: f64,
    sum: f64,
    weight: f64,
    support: u64,
}

impl Fading {
    /// A mean with fading factor `factor` in (0, 1]; 1 forgets nothing, 0.99 has a memory of about 100 batches.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for another factor.
    pub fn new(factor: f64) -> Result<Self> {
        if !(factor > 0.0 && factor <= 1.0) {
            return refuse("factor", "in (0, 1]", factor.to_string());
        }
        Ok(Self { factor, sum: 0.0, weight: 0.0, support: 0 })
    }

    /// Adds a batch's value, weighted by its support. The past fades also by a batch whose value is undefined.
    pub fn update(&mut self, batch: &MetricValue) {
        self.sum *= self.factor;
        self.weight *= self.factor;
        if let Some(value) = batch.value {
            #[expect(clippy::cast_precision_loss, reason = "a count of samples")]
            let n = batch.support as f64;
            self.sum += n * value;
            self.weight += n;
            self.support += batch.support;
        }
    }

    /// The faded mean; undefined before the first batch with a value.
    #[must_use]
    pub fn compute(&self) -> MetricValue {
        match self.weight > 0.0 {
            true => MetricValue::defined(self.sum / self.weight, self.support),
            false => MetricValue::undefined("no batch had a value", 0),
        }
    }
}

fn refuse<T>(field: &'static str, expected: &str, found: String) -> Result<T> {
    Err(Error::InvalidConfig { what: "prequential", field, expected: expected.into(), found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Accuracy, MetricBatch};
    use mtl_core::prediction::{Prediction, Reference, Scores};
    use ndarray::Array2;

    fn batch(hits: &[bool]) -> (Prediction, Reference) {
        let scores = Array2::from_shape_fn((hits.len(), 1), |(n, _)| if hits[n] { 2.0 } else { -2.0 });
        let prediction = Prediction::MultiLabel { scores, kind: Scores::Logits };
        (prediction, Reference::MultiLabel(Array2::ones((hits.len(), 1))))
    }

    #[test]
    fn a_window_is_the_metric_of_its_batches() {
        let mut windowed = Windowed::new(Accuracy, 2).unwrap();
        assert_eq!(windowed.compute().value, None);
        let stream: [&[bool]; 4] = [&[false; 5], &[true], &[true, false, false], &[true; 2]];
        let expected = [0.0, 1.0 / 6.0, 2.0 / 4.0, 3.0 / 5.0];
        for (hits, expected) in stream.into_iter().zip(expected) {
            let (prediction, reference) = batch(hits);
            windowed.update_batch(&MetricBatch::new(&prediction, &reference)).unwrap();
            assert_eq!(windowed.compute().value, Some(expected));
        }
        assert!(Windowed::new(Accuracy, 0).is_err());
    }

    #[test]
    fn the_past_fades() {
        let mut fading = Fading::new(0.5).unwrap();
        assert_eq!(fading.compute().value, None);
        for value in [MetricValue::defined(1.0, 4), MetricValue::undefined("nothing", 0), MetricValue::defined(0.0, 1)]
        {
            fading.update(&value);
        }
        // Weights 4/4 and 1.
        assert_eq!(fading.compute().value, Some(0.5));
        assert_eq!(fading.compute().support, 5);
        assert!(Fading::new(0.0).unwrap_err().to_string().contains("(0, 1]"));
    }
}
